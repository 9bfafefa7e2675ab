//! How far an import is: one line that is written anew on a terminal, one line per kind elsewhere.

use std::io::{self, IsTerminal, Write};

/// Things between two lines on a terminal.
const EVERY: u64 = 50;

/// Where progress is shown: stderr.
pub(crate) struct Progress {
    terminal: bool,
}

impl Progress {
    pub(crate) fn start() -> Self {
        Self { terminal: io::stderr().is_terminal() }
    }

    /// So many of a kind are done.
    pub(crate) fn at(&self, kind: &str, done: u64, of: u64) {
        if !self.terminal || (!done.is_multiple_of(EVERY) && done != of) {
            return;
        }
        const WIDTH: u64 = 30;
        let filled = (done * WIDTH).checked_div(of).unwrap_or(WIDTH).min(WIDTH) as usize;
        let bar: String = (0..WIDTH as usize).map(|n| if n < filled { '█' } else { '·' }).collect();
        // Nobody is left to tell when stderr is gone.
        let _ = write!(io::stderr().lock(), "\r{kind:<20} {bar} {done}/{of}");
    }

    /// A kind is done.
    pub(crate) fn done(&self, kind: &str, count: u64) {
        let start = if self.terminal { "\r\x1b[2K" } else { "" };
        let _ = writeln!(io::stderr().lock(), "{start}{kind}: {count}");
    }
}
