use std::collections::{BTreeMap, HashMap};

use weir_core::anomaly::{Anomaly, Feedback};
use weir_core::time::{DAY, HOUR, Micros};
use weir_store::catalog::{AnomalyWrite, EngineRecord};

use super::cells;
use super::history::Past;
use super::{Options, Traffic};
use crate::anomalies::{Bucket, Change, Engine};

/// How often an engine is saved that finds nothing. What came after is fed again at the next start.
const SAVE_EVERY: Micros = HOUR;
/// A project without a call for so long is not followed any longer.
const ASLEEP: Micros = DAY;

/// A project that is watched.
#[derive(Clone, Debug)]
pub(super) struct Tracked {
    pub(super) engine: Engine,
    /// The end of the last bucket that the engine was fed.
    pub(super) until: Micros,
    /// Whether its calls come in time: then a bucket without calls is fed when it is over.
    pub(super) live: bool,
    /// The end of the last bucket with calls.
    pub(super) active: Micros,
    /// `until` when it was last saved.
    saved: Micros,
    /// Whether it was fed nothing yet: it begins with its first calls.
    fresh: bool,
}

/// Those that are watched.
pub(super) type Projects = BTreeMap<String, Tracked>;

/// What people said of anomalies, by id.
pub(super) type Said = HashMap<String, Feedback>;

/// What engines found, until it is written.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The latest state of each.
    pub(super) anomalies: BTreeMap<String, Anomaly>,
}

impl Found {
    /// Whether it has one of a project.
    fn has(&self, project: &str) -> bool {
        self.anomalies.values().any(|a| a.project == project)
    }

    /// As a write, with the engines of those that found something or were not saved for long.
    pub(super) fn write(&self, projects: &mut Projects, anew: Vec<(String, Micros)>) -> AnomalyWrite {
        let mut engines = Vec::new();
        for (name, tracked) in projects.iter_mut() {
            let is_due = tracked.until >= tracked.saved.saturating_add(SAVE_EVERY);
            if is_due || self.has(name) || anew.iter().any(|(p, _)| p == name) {
                engines.push(tracked.record(name));
                tracked.saved = tracked.until;
            }
        }
        AnomalyWrite { anomalies: self.anomalies.values().cloned().collect(), engines, anew }
    }
}

impl Tracked {
    /// One that has learned nothing and begins at an instant.
    pub(super) fn new(project: &str, options: &Options, from: Micros) -> Self {
        let engine = Engine::new(project, options.settings.clone());
        Self { engine, until: from, live: false, active: from, saved: i64::MIN, fresh: true }
    }

    /// One as it was saved; `None` when the engine cannot go on from that.
    pub(super) fn restore(record: &EngineRecord, options: &Options) -> Option<Self> {
        let engine = Engine::restore(&record.project, options.settings.clone(), &record.state)?;
        let until = record.until;
        Some(Self { engine, until, live: record.live, active: until, saved: until, fresh: false })
    }

    /// The same without a server that follows it.
    pub(super) fn alone(self) -> Self {
        Self { live: false, ..self }
    }

    pub(super) fn record(&self, project: &str) -> EngineRecord {
        EngineRecord {
            project: project.to_owned(),
            until: self.until,
            live: self.live,
            late: None,
            state: self.engine.save(),
        }
    }

    /// Feeds a bucket, after those without calls before it.
    pub(super) fn push(
        &mut self,
        traffic: &dyn Traffic,
        options: &Options,
        bucket: &Bucket,
        said: &Said,
        found: &mut Found,
    ) {
        if bucket.start < self.until {
            return;
        }
        let project = self.engine.project().to_owned();
        if bucket.start - self.until > options.history {
            // Nothing that it knows is of use.
            *self = Self { live: self.live, ..Self::new(&project, options, bucket.start) };
        }
        if self.fresh {
            (self.until, self.fresh) = (bucket.start, false);
        }
        self.rest(traffic, options, bucket.start, said, found);
        self.feed(traffic, options, bucket, said, found);
        self.active = self.until;
    }

    /// Feeds buckets without calls up to an instant.
    pub(super) fn rest(
        &mut self,
        traffic: &dyn Traffic,
        options: &Options,
        to: Micros,
        said: &Said,
        found: &mut Found,
    ) {
        while self.until < to {
            let empty = cells::empty(self.until);
            self.feed(traffic, options, &empty, said, found);
        }
    }

    /// Whether nothing came for so long that it is followed no longer.
    pub(super) fn is_asleep(&self, now: Micros) -> bool {
        now.saturating_sub(self.active) >= ASLEEP
    }

    fn feed(&mut self, traffic: &dyn Traffic, options: &Options, bucket: &Bucket, said: &Said, found: &mut Found) {
        let project = self.engine.project().to_owned();
        let past = Past { traffic, project: &project, width: options.settings.bucket };
        match self.engine.push(bucket, &past) {
            Ok(changes) => {
                for change in changes {
                    let began = matches!(change, Change::Began(_));
                    let anomaly = change.anomaly().clone();
                    if began && let Some(feedback) = said.get(&anomaly.id) {
                        self.engine.feedback(&anomaly, *feedback);
                    }
                    found.anomalies.insert(anomaly.id.clone(), anomaly);
                }
            }
            Err(error) => tracing::warn!(%project, %error, "the past could not be read for an anomaly"),
        }
        self.until = bucket.start.saturating_add(options.settings.bucket);
    }
}
