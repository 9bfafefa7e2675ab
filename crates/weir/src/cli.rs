//! The command line: the verbs and what runs them.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{
    ab, alerts, anomalies, backup, calls, channels, check_config, cost, demo_data, detect, export, gc, import, key,
    prune, ready, restore, serve, stats, status, tail, tokens, workflow,
};
use crate::read::print;

/// Gateway and record of LLM traffic in one program.
///
/// `weir serve` needs no file and no key: it listens on 127.0.0.1:8080 and records into ./weir-data.
#[derive(Debug, Parser)]
#[command(name = "weir", version, propagate_version = true, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server: gateway, API and record
    Serve(serve::Args),
    /// Check a configuration file without starting
    CheckConfig(check_config::Args),
    /// List recorded calls, or show one
    Calls(calls::Args),
    /// Follow calls as they finish
    Tail(tail::Args),
    /// Count calls, tokens, cost and latency
    Stats(stats::Args),
    /// What changed, since when and why; exit code 1 while something bad goes on, 2 on an error
    Anomalies(anomalies::Args),
    /// List the channels over which people are told of alerts; test one
    Channels(channels::Args),
    /// Check whether this is ready for production (exit code 1 while a check fails, 2 on an error)
    Ready(ready::Args),
    /// List the alerts that fire (exit code 1 while one does, 2 on an error); check rules and try them out
    Alerts(alerts::Args),
    /// Compare the versions of a prompt
    Ab(ab::Args),
    /// List workflows, show the graph of one, or the path of a request
    Workflow(workflow::Args),
    /// Show how a server is doing, and what waits to be exported
    Status(status::Args),
    /// Fill a data folder with a month of made-up traffic, to look at
    DemoData(demo_data::Args),
    /// Find anomalies in any series of numbers, row by row
    Detect(detect::Args),
    /// Write calls to a file: JSON lines or Parquet
    Export(export::Args),
    /// Move another server's content over
    Import(import::Args),
    /// Delete old calls
    Prune(prune::Args),
    /// Copy everything that is stored, while the server runs
    Backup(backup::Args),
    /// Make a data folder out of a backup
    Restore(restore::Args),
    /// Let what was deleted go for good: runs, experiments, models, bytes of artifacts
    Gc(gc::Args),
    /// Count the tokens of texts for a model
    Tokens(tokens::Args),
    /// Work out what a call costs
    Cost(cost::Args),
    /// Make keys for callers
    Key(key::Args),
}

impl Cli {
    /// Runs the verb and gives the exit code. A reader of the output that went away (`weir calls | head`) is no failure.
    ///
    /// # Errors
    /// What the verb could not do, for a person.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let done = match self.command {
            Command::Anomalies(args) => return Ok(anomalies::run(&args)),
            Command::Channels(args) => return Ok(channels::run(&args)),
            Command::Ready(args) => return Ok(ready::run(&args)),
            Command::Alerts(args) => return Ok(alerts::run(&args)),
            Command::Serve(args) => serve::run(args),
            Command::CheckConfig(args) => check_config::run(&args),
            Command::Calls(args) => calls::run(&args),
            Command::Tail(args) => tail::run(&args),
            Command::Stats(args) => stats::run(&args),
            Command::Ab(args) => ab::run(&args),
            Command::Workflow(args) => workflow::run(&args),
            Command::Status(args) => status::run(&args),
            Command::DemoData(args) => demo_data::run(&args),
            Command::Detect(args) => detect::run(&args),
            Command::Export(args) => export::run(&args),
            Command::Import(args) => import::run(&args),
            Command::Prune(args) => prune::run(&args),
            Command::Backup(args) => backup::run(&args),
            Command::Restore(args) => restore::run(&args),
            Command::Gc(args) => gc::run(&args),
            Command::Tokens(args) => tokens::run(&args),
            Command::Cost(args) => cost::run(&args),
            Command::Key(args) => key::run(&args),
        };
        match done {
            Err(error) if print::is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
            other => other.map(|()| ExitCode::SUCCESS),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
