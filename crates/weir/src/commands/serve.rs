//! `weir serve`: everything in one process.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::{config, server};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Configuration file; without it ./weir.toml, if it is there
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address and port to listen on
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Folder of the database and the journal
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Runs until it is told to stop.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let flags = config::Flags { listen: args.listen, data: args.data };
    server::run(config::load(args.config.as_deref())?.with(&flags), flags)
}
