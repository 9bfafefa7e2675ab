//! What became of a logger's records.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;

/// What became of what was logged. Every record is stored, lost or still waits.
///
/// ```
/// # use std::time::Duration;
/// use weir_sdk::{LlmCall, ObservabilityLogger};
/// # let folder = tempfile::tempdir()?;
/// let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
/// logger.log_llm_call(LlmCall::new("gpt-4o"));
/// logger.log_llm_call(LlmCall { cost: Some(-1.0), ..LlmCall::new("gpt-4o") });
/// assert!(logger.flush(Duration::from_secs(10)));
/// let stats = logger.stats();
/// assert_eq!((stats.logged, stats.stored, stats.lost), (2, 1, 1));
/// assert_eq!(stats.lost_by_reason["invalid"], 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoggerStats {
    /// Records that were logged, wrong ones included.
    pub logged: u64,
    /// Records that are durable.
    pub stored: u64,
    /// Records that were dropped.
    pub lost: u64,
    /// The dropped ones by reason: `invalid` (a wrong value), `queue_full`, `refused` (by the store or the server),
    /// `server` (key, address or version of the server are wrong),
    /// `store` (a file of a newer version), `closing` (not stored in time at the end),
    /// `forked` (in a child of a fork), `unstored` (of a logger that stores nothing).
    pub lost_by_reason: BTreeMap<&'static str, u64>,
    /// Bytes that wait to be stored, about.
    pub waiting_bytes: usize,
}

/// Why records can be lost, in the order of their counters.
const REASONS: [&str; 8] = ["invalid", "queue_full", "refused", "server", "store", "closing", "forked", "unstored"];

#[derive(Debug, Default)]
pub(crate) struct Counts {
    logged: AtomicU64,
    stored: AtomicU64,
    lost: [AtomicU64; REASONS.len()],
    held: AtomicUsize,
    complained: Mutex<BTreeSet<&'static str>>,
}

impl Counts {
    pub(crate) fn logged(&self) {
        self.logged.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn stored(&self, count: u64) {
        self.stored.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn lost(&self, reason: &'static str, count: u64) {
        if let Some(at) = REASONS.iter().position(|known| *known == reason)
            && let Some(counter) = self.lost.get(at)
        {
            counter.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// Takes room in the queue. A record larger than the bound is taken when nothing else waits, else it could never
    /// pass.
    pub(crate) fn hold(&self, weight: usize, most: usize) -> bool {
        let before = self.held.fetch_add(weight, Ordering::AcqRel);
        if before > 0 && before.saturating_add(weight) > most {
            self.held.fetch_sub(weight, Ordering::AcqRel);
            return false;
        }
        true
    }

    pub(crate) fn release(&self, weight: usize) {
        self.held.fetch_sub(weight, Ordering::AcqRel);
    }

    /// Whether it is the first complaint of its kind.
    pub(crate) fn complains_first(&self, kind: &'static str) -> bool {
        self.complained.lock().insert(kind)
    }

    pub(crate) fn read(&self) -> LoggerStats {
        let lost_by_reason: BTreeMap<&'static str, u64> = REASONS
            .iter()
            .zip(&self.lost)
            .map(|(reason, count)| (*reason, count.load(Ordering::Relaxed)))
            .filter(|(_, count)| *count > 0)
            .collect();
        LoggerStats {
            logged: self.logged.load(Ordering::Relaxed),
            stored: self.stored.load(Ordering::Relaxed),
            lost: lost_by_reason.values().sum(),
            lost_by_reason,
            waiting_bytes: self.held.load(Ordering::Relaxed),
        }
    }
}
