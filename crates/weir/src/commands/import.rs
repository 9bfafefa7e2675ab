//! `weir import mlflow`: moves an MLflow tracking server's database into a data folder.

use std::path::PathBuf;

use anyhow::bail;
use clap::Subcommand;

use crate::import::{Progress, mlflow};
use crate::read::source::DEFAULT_DATA;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, Subcommand)]
enum From {
    /// The database of an MLflow tracking server
    Mlflow(Mlflow),
}

#[derive(Debug, clap::Args)]
struct Mlflow {
    /// Its SQLite database: a path, or `sqlite:///path`. It is only read
    #[arg(long, value_name = "DB")]
    from: String,
    /// The data folder of a Weir that does not run
    #[arg(long, value_name = "DIR", default_value = DEFAULT_DATA)]
    data: PathBuf,
}

/// Moves, and compares what is there afterwards.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let From::Mlflow(args) = &args.from;
    let path = match args.from.split_once("://") {
        None => args.from.as_str(),
        Some(("sqlite", path)) => path.strip_prefix('/').unwrap_or(path),
        Some((scheme, _)) => bail!(
            "{scheme} is not read: give the server's SQLite database, as a path or as sqlite:///path (sqlite:////path \
             for an absolute one)"
        ),
    };
    let report = mlflow::run(std::path::Path::new(path), &args.data, &Progress::start())?;
    crate::read::print::out(&report.to_string())?;
    if report.differs() {
        bail!("what is here differs from what is there; the table above says where");
    }
    Ok(())
}
