//! How an exporter is doing, shared between its thread and whoever asks.

use parking_lot::Mutex;
use weir_core::time::Micros;
use weir_store::exports::Lag;

/// What an exporter is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// It works.
    #[default]
    Ok,
    /// Its target cannot be used; it tries again.
    Retrying,
    /// It is configured and switched off.
    Off,
}

impl State {
    /// Its name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Retrying => "retrying",
            Self::Off => "off",
        }
    }
}

/// An exporter's figures since the start of the process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExportStatus {
    /// Name of the target.
    pub target: &'static str,
    /// Where it is, without secrets.
    pub uri: String,
    /// What calls are filed under there.
    pub place: String,
    /// What it is doing.
    pub state: State,
    /// How far it is behind.
    pub lag: Lag,
    /// Calls that the target has taken.
    pub exported: u64,
    /// Calls that were given up.
    pub skipped: u64,
    /// Files that the target did not take.
    pub artifacts_refused: u64,
    /// What went wrong last, and when.
    pub last_error: Option<(Micros, String)>,
}

/// The figures as they are kept.
#[derive(Debug, Default)]
pub(crate) struct Shared(Mutex<ExportStatus>);

impl Shared {
    pub(crate) fn new(status: ExportStatus) -> Self {
        Self(Mutex::new(status))
    }

    pub(crate) fn get(&self) -> ExportStatus {
        self.0.lock().clone()
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut ExportStatus)) {
        change(&mut self.0.lock());
    }
}
