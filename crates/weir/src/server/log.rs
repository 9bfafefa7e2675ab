//! The log: to standard error, so that standard output stays for data.

use std::io::IsTerminal;

use anyhow::Context;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, ServerConfig};

/// Lines that may wait to be written; beyond that they are dropped and counted.
const QUEUE: usize = 16_384;

/// Sets the log up. Lines are written until the guard is dropped.
pub(super) fn install(config: &ServerConfig) -> anyhow::Result<WorkerGuard> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(text) if !text.is_empty() => EnvFilter::try_new(&text).context("RUST_LOG")?,
        _ => EnvFilter::try_new(&config.log).context("server.log")?,
    };
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    // A reader of the log that is slow must not hold up calls.
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(QUEUE)
        .lossy(true)
        .thread_name("log")
        .finish(std::io::stderr());
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(colours);
    let installed = match config.log_format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    installed.map_err(|e| anyhow::anyhow!("the log cannot be set up: {e}"))?;
    Ok(guard)
}
