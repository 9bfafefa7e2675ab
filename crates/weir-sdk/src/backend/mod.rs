//! Where spans go: into a SQLite file, or to a Weir server.

mod local;
mod server;

use std::time::Duration;

use weir_core::merge::SpanWrite;

pub(crate) use local::{File, OpenFiles, open_files};
pub(crate) use server::Server;

/// A target.
#[derive(Debug)]
pub(crate) enum Backend {
    File(File),
    Server(Server),
}

/// What came of an attempt.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All of them are durable.
    Stored,
    /// None is, and it may work later, not before `wait`.
    Again { wait: Option<Duration>, message: String },
    /// None is, and the same batch never will be; `at` is the one at fault, where it is known.
    Never { at: Option<usize>, reason: &'static str, message: String },
}

/// What the storing thread sends with.
pub(crate) trait Sender {
    /// Stores a batch, all or nothing.
    fn send(&mut self, writes: &[SpanWrite]) -> Outcome;
}

impl Backend {
    /// Made on the thread that will use it.
    pub(crate) fn sender(&self) -> Box<dyn Sender + '_> {
        match self {
            Self::File(file) => Box::new(local::Writer(file)),
            Self::Server(server) => server.sender(),
        }
    }
}
