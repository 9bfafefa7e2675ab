//! The files of a data folder, or one database file, as a source.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::bail;
use weir_core::error::{Code, Error};
use weir_core::time::{Clock, MINUTE};
use weir_store::exports::Exports;
use weir_store::sqlite::SqliteStore;
use weir_store::telemetry::Telemetry;
use weir_web::api::{
    Call, ExporterJson, StatusAnswer, calls_query, compare_versions, get_request_path, get_trace_path, get_workflow,
    list_workflows, read,
};

use super::source::Pairs;

/// How often the files are looked at for new calls.
const POLL: Duration = Duration::from_millis(500);
/// How far back a call may have started and still be noticed when it finishes.
const WINDOW_MINUTES: i64 = 15;
/// Pages looked at per poll; a call that started before so many others is noticed no more.
const PAGES_PER_POLL: usize = 10;

/// A data folder, or a file of the library's.
pub(crate) struct Offline {
    pub(super) store: SqliteStore,
    pub(super) clock: Clock,
    /// What it was opened from.
    pub(super) path: PathBuf,
}

impl Offline {
    /// Opens a folder or a file for reading.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        if !path.exists() {
            bail!(
                "there is no data folder or file {}: start `weir serve`, or name the folder or file (--data PATH) or a \
                 server (--url URL)",
                path.display()
            );
        }
        match SqliteStore::open_read_only(path) {
            Ok(store) => Ok(Self { store, clock: Clock::system(), path: path.to_owned() }),
            Err(error) => bail!("cannot read {}: {error}", path.display()),
        }
    }

    pub(super) fn calls(&self, pairs: &Pairs) -> anyhow::Result<String> {
        Ok(serde_json::to_string(&read::list_calls(&self.store, pairs, self.clock.now())?)?)
    }

    pub(super) fn call(&self, id: &str) -> anyhow::Result<Option<String>> {
        match read::get_call(&self.store, id) {
            Ok(call) => Ok(Some(serde_json::to_string(&call)?)),
            Err(Error { code: Code::NotFound, .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn stats(&self, pairs: &Pairs) -> anyhow::Result<String> {
        Ok(serde_json::to_string(&read::get_stats(&self.store, pairs, self.clock.now())?)?)
    }

    pub(super) fn compare(&self, prompt: &str, pairs: &Pairs) -> anyhow::Result<String> {
        let answer = compare_versions(&self.store, &self.store, prompt, pairs, self.clock.now())?;
        Ok(serde_json::to_string(&answer)?)
    }

    pub(super) fn workflows(&self, pairs: &Pairs) -> anyhow::Result<String> {
        Ok(serde_json::to_string(&list_workflows(&self.store, pairs, self.clock.now())?)?)
    }

    pub(super) fn workflow(&self, name: &str, pairs: &Pairs) -> anyhow::Result<String> {
        Ok(serde_json::to_string(&get_workflow(&self.store, name, pairs, self.clock.now())?)?)
    }

    pub(super) fn request_path(&self, id: &str) -> anyhow::Result<String> {
        Ok(serde_json::to_string(&get_request_path(&self.store, id)?)?)
    }

    pub(super) fn trace_path(&self, id: &str) -> anyhow::Result<String> {
        Ok(serde_json::to_string(&get_trace_path(&self.store, id)?)?)
    }

    /// What the files say: how far exports are behind.
    pub(super) fn status(&self) -> anyhow::Result<String> {
        let now = self.clock.now();
        let mut status = StatusAnswer { version: env!("CARGO_PKG_VERSION").to_owned(), ..StatusAnswer::default() };
        for target in self.store.targets()? {
            let lag = self.store.lag(&target)?;
            status.exporters.push(ExporterJson {
                target,
                lag_records: lag.records,
                lag_seconds: lag.oldest_us.map_or(0.0, |at| now.saturating_sub(at).max(0) as f64 / 1e6),
                ..ExporterJson::default()
            });
        }
        Ok(serde_json::to_string(&status)?)
    }

    pub(super) fn scan(
        &self,
        pairs: &Pairs,
        with_payload: bool,
        each: &mut dyn FnMut(Call) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let query = calls_query::list(pairs, self.clock.now())?;
        let mut failed = None;
        let mut step = |span| {
            let call = if with_payload { Call::full(span) } else { Call::summary(span) };
            match each(call) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        };
        self.store.scan(query.range, &query.filter, with_payload, &mut step).map_err(read::refusal)?;
        failed.map_or(Ok(()), Err)
    }

    /// Looks at the newest calls again and again; each is given once, when it has ended. `ready` runs once, when nothing
    /// that finishes can be missed any more.
    pub(super) fn follow(
        &self,
        pairs: &Pairs,
        ready: &mut dyn FnMut() -> anyhow::Result<()>,
        each: &mut dyn FnMut(&str) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        calls_query::live(pairs)?;
        let mut seen: HashSet<(String, String)> = HashSet::new();
        self.fresh(pairs, &mut seen)?;
        ready()?;
        loop {
            for call in self.fresh(pairs, &mut seen)? {
                each(&serde_json::to_string(&call)?)?;
            }
            std::thread::sleep(POLL);
        }
    }

    /// The ended calls of the window that were not there the last time, oldest first; `seen` becomes those of now.
    fn fresh(&self, pairs: &Pairs, seen: &mut HashSet<(String, String)>) -> anyhow::Result<Vec<Call>> {
        let now = self.clock.now();
        let mut query = calls_query::list(pairs, now)?;
        query.range.from = Some(now - WINDOW_MINUTES * MINUTE);
        query.limit = 1_000;
        let mut there = HashSet::new();
        let mut fresh = Vec::new();
        for _ in 0..PAGES_PER_POLL {
            let page = self.store.spans(&query).map_err(read::refusal)?;
            for span in page.spans.into_iter().filter(|span| span.end_us.is_some()) {
                let call = Call::summary(span);
                let key = (call.trace_id.clone(), call.span_id.clone());
                if !seen.contains(&key) {
                    fresh.push(call);
                }
                there.insert(key);
            }
            query.cursor = page.next;
            if query.cursor.is_none() {
                break;
            }
        }
        *seen = there;
        fresh.reverse();
        Ok(fresh)
    }
}
