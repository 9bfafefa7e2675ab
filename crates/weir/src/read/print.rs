//! Writing to stdout and stderr. A reader that went away is found by [`is_broken_pipe`].

use std::io::{self, ErrorKind, IsTerminal, Write};

/// Writes to stdout at once.
///
/// # Errors
/// When stdout cannot be written.
pub(crate) fn out(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    Ok(())
}

/// Writes a line to stdout at once.
///
/// # Errors
/// When stdout cannot be written.
pub(crate) fn line(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    stdout.flush()?;
    Ok(())
}

/// A remark for a person, on stderr, beside the output.
pub(crate) fn note(text: &str) {
    // Nobody is left to tell when stderr is gone.
    let _ = writeln!(io::stderr().lock(), "weir: {text}");
}

/// Whether the failure is that nobody reads stdout any more.
#[must_use]
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == ErrorKind::BrokenPipe))
}

/// What stdout shows to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    /// Columns; `None` when stdout is no terminal, so that nothing is cut for a pipe.
    pub width: Option<usize>,
    /// Whether to colour.
    pub colour: bool,
}

impl Terminal {
    /// What stdout is. `NO_COLOR` and `TERM=dumb` turn colours off.
    #[must_use]
    pub(crate) fn stdout() -> Self {
        if !io::stdout().is_terminal() {
            return Self { width: None, colour: false };
        }
        let off = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
            || std::env::var_os("TERM").is_some_and(|v| v == "dumb");
        let width = comfy_table::Table::new().width().map(usize::from).filter(|w| *w > 0);
        Self { width: Some(width.unwrap_or(80)), colour: !off }
    }
}
