//! `weir import mlflow`: moves an MLflow tracking server, or its database, into a data folder.

use std::path::PathBuf;

use anyhow::bail;
use clap::Subcommand;

use crate::config;
use crate::import::{Progress, mlflow};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, Subcommand)]
enum From {
    /// A tracking server of MLflow's: experiments, runs, models, prompts, traces, datasets and artifacts
    Mlflow(Mlflow),
}

#[derive(Debug, clap::Args)]
struct Mlflow {
    /// The address of the server that runs, or its SQLite database: a path, or `sqlite:///path`. It is only read
    #[arg(long, value_name = "URL|DB")]
    from: String,
    /// The folder of the server's artifacts, for a database [default: `mlartifacts` or `mlruns` beside it]
    #[arg(long, value_name = "DIR")]
    artifacts: Option<PathBuf>,
    /// The data folder of a Weir that does not run [default: the configuration's]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The configuration file, which says where artifacts are kept and what of spans
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Read artifacts of a server again that are here with the same size, and compare their contents
    #[arg(long)]
    verify: bool,
}

/// Moves, and compares what is there afterwards.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let From::Mlflow(args) = &args.from;
    let from = from(&args.from, args.artifacts.clone())?;
    let loaded = config::load(args.config.as_deref())?;
    let data = args.data.clone().unwrap_or_else(|| loaded.settings.server.data.clone());
    let options = mlflow::Options { verify: args.verify };
    let report = mlflow::run(&from, &data, &loaded, &options, &Progress::start())?;
    crate::read::print::out(&report.to_string())?;
    if report.differs() {
        bail!("what is here differs from what is there; the table above says where");
    }
    Ok(())
}

fn from(text: &str, artifacts: Option<PathBuf>) -> anyhow::Result<mlflow::From> {
    match text.split_once("://") {
        None => Ok(mlflow::From::Database(text.into(), artifacts)),
        Some(("sqlite", path)) => Ok(mlflow::From::Database(path.strip_prefix('/').unwrap_or(path).into(), artifacts)),
        Some(("http" | "https", _)) if artifacts.is_some() => {
            bail!("--artifacts is for a database: a server's artifacts are read through the server")
        }
        Some(("http" | "https", _)) => Ok(mlflow::From::Server(text.to_owned())),
        Some((scheme, _)) => bail!(
            "{scheme} is not read: give the address of the running server (http://...), or its SQLite database, as a path \
             or as sqlite:///path (sqlite:////path for an absolute one)"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_told_by_its_scheme() {
        let database = |text| match from(text, None) {
            Ok(mlflow::From::Database(path, None)) => path.to_string_lossy().into_owned(),
            _ => String::new(),
        };
        assert_eq!(database("a/mlflow.db"), "a/mlflow.db");
        assert_eq!(database("sqlite:///a/mlflow.db"), "a/mlflow.db");
        assert_eq!(database("sqlite:////a/mlflow.db"), "/a/mlflow.db");
        assert!(matches!(from("http://h:5000", None), Ok(mlflow::From::Server(url)) if url == "http://h:5000"));
        let refusal = |text, artifacts| from(text, artifacts).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(refusal("postgresql://a/b", None).contains("postgresql is not read"));
        assert!(refusal("http://h", Some("x".into())).contains("--artifacts is for a database"));
    }
}
