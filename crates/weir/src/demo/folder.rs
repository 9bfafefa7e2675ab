//! The data folder that is filled: as a server opens it, so that what is written passes the same ingest.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use futures_util::stream;
use tokio::runtime::Runtime;
use weir_core::merge::SpanWrite;
use weir_core::observe::Unobserved;
use weir_core::score::Score;
use weir_core::span::Span;
use weir_core::time::Clock;
use weir_store::artifacts::{ArtifactPath, ArtifactStore};
use weir_store::ingest::{Ingest, IngestOptions, Receipt, SubmitError};
use weir_store::journal::Journal;
use weir_store::scores::Scores;
use weir_store::sqlite::{SqliteCatalog, SqliteStore};

use super::traffic::Sink;
use crate::config::Loaded;

/// Spans of one batch.
const BATCH: usize = 4_096;
/// Batches under way: one is prepared and one committed while the next is made.
const UNDER_WAY: usize = 3;
/// Scores that are stored together.
const SCORES: usize = 2_000;

/// An open data folder. Its lock keeps servers off as long as this lives.
pub(super) struct Folder {
    pub(super) catalog: Arc<SqliteCatalog>,
    store: Arc<SqliteStore>,
    artifacts: Arc<ArtifactStore>,
    ingest: Ingest,
    runtime: Runtime,
}

impl Folder {
    /// Opens a folder, or makes it. One that has something in it is refused unless `add`.
    pub(super) fn open(data: &Path, add: bool, loaded: &Loaded) -> anyhow::Result<Self> {
        let shown = data.display();
        std::fs::create_dir_all(data).with_context(|| format!("{shown} cannot be made"))?;
        let mut entries = std::fs::read_dir(data).with_context(|| format!("{shown} cannot be read"))?;
        if !add && entries.next().is_some() {
            bail!("the data folder {shown} is not empty: name another one with --data, or add to this one with --add");
        }
        let env = |name: &str| std::env::var(name).ok();
        let options = loaded.settings.artifacts.options(data, &env)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let _in = runtime.enter();
        let store = Arc::new(SqliteStore::open(data)?);
        let catalog = Arc::new(SqliteCatalog::open(data)?);
        let artifacts = Arc::new(ArtifactStore::open(catalog.clone(), &options, Clock::system())?);
        let journal = Arc::new(Journal::open(data, loaded.settings.record.journal_max.0)?);
        let ingest = Ingest::start(store.clone(), journal, Arc::new(Unobserved), IngestOptions::default())?;
        drop(_in);
        Ok(Self { catalog, store, artifacts, ingest, runtime })
    }

    /// Stores a file under the location of a project or of a run.
    pub(super) fn file(&self, location: &str, name: &str, content: String) -> anyhow::Result<()> {
        let Some(root) = location.strip_prefix("mlflow-artifacts:/") else {
            // Another server's store, which a project that was there before may have.
            return Ok(());
        };
        let path = ArtifactPath::parse(&format!("{}/{name}", root.trim_matches('/')))?;
        let body = stream::iter([Ok::<_, std::convert::Infallible>(content.into())]);
        self.runtime.block_on(self.artifacts.put(&path, None, body)).with_context(|| format!("{name} cannot be stored"))
    }

    /// What takes the traffic.
    pub(super) fn writer<'a>(&'a self, told: &'a dyn Fn(u64)) -> Writer<'a> {
        Writer {
            folder: self,
            told,
            spans: Vec::with_capacity(BATCH),
            scores: Vec::new(),
            under_way: VecDeque::new(),
            written: Written::default(),
        }
    }

    /// Closes it, when all of it is on disk.
    pub(super) fn close(self) {
        self.ingest.stop();
    }
}

/// How much was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) calls: u64,
    pub(super) spans: u64,
    pub(super) scores: u64,
}

/// Puts spans through the ingest, a few batches at a time.
pub(super) struct Writer<'a> {
    folder: &'a Folder,
    /// Is told of further calls.
    told: &'a dyn Fn(u64),
    spans: Vec<SpanWrite>,
    scores: Vec<Score>,
    under_way: VecDeque<Receipt>,
    written: Written,
}

impl Sink for Writer<'_> {
    fn take(&mut self, spans: Vec<Span>, scores: Vec<Score>) -> anyhow::Result<()> {
        let calls = spans.iter().filter(|span| span.is_call()).count() as u64;
        self.written.calls += calls;
        self.written.spans += spans.len() as u64;
        self.written.scores += scores.len() as u64;
        (self.told)(calls);
        for span in spans {
            let at = span.start_us.unwrap_or_default();
            self.spans.push(SpanWrite::create(span, at));
        }
        self.scores.extend(scores);
        if self.spans.len() >= BATCH {
            self.submit()?;
        }
        if self.scores.len() >= SCORES {
            self.put_scores()?;
        }
        Ok(())
    }
}

impl Writer<'_> {
    fn submit(&mut self) -> anyhow::Result<()> {
        while self.under_way.len() >= UNDER_WAY {
            self.wait()?;
        }
        let batch = std::mem::replace(&mut self.spans, Vec::with_capacity(BATCH));
        match self.folder.ingest.submit("demo", batch) {
            Ok(receipt) => self.under_way.push_back(receipt),
            Err(SubmitError::Overloaded) => bail!("the store cannot keep up"),
            Err(SubmitError::Stopped) => bail!("the store has stopped"),
        }
        Ok(())
    }

    /// Until the oldest batch is on disk.
    fn wait(&mut self) -> anyhow::Result<()> {
        match self.under_way.pop_front() {
            Some(receipt) => receipt.blocking_recv().context("the store has stopped before all was written"),
            None => Ok(()),
        }
    }

    fn put_scores(&mut self) -> anyhow::Result<()> {
        self.folder.store.put(&self.scores)?;
        self.scores.clear();
        Ok(())
    }

    /// Waits for what is under way.
    pub(super) fn finish(mut self) -> anyhow::Result<Written> {
        if !self.spans.is_empty() {
            self.submit()?;
        }
        self.put_scores()?;
        while !self.under_way.is_empty() {
            self.wait()?;
        }
        Ok(self.written)
    }
}
