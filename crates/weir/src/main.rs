//! The `weir` binary. Everything is in the modules below; this file only starts them.

mod backups;
mod cli;
mod commands;
mod config;
mod demo;
mod gc;
mod import;
mod read;
mod readiness;
mod series;
mod server;
mod spend;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "weir: {error:#}");
            ExitCode::FAILURE
        }
    }
}
