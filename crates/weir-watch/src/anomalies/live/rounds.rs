//! What the worker does when it is woken: learn what is stored, judge anew what is late, follow what comes.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Instant;

use weir_core::time::{DAY, Micros};
use weir_store::catalog::{Anomalies, AnomalyQuery, MAX_ANOMALIES};
use weir_store::telemetry::StoreError;

use super::feed;
use super::learn::{self, Job};
use super::tracked::{Found, Said, Tracked};
use super::watch::{Book, Watch, WatchStatus};
use crate::anomalies::Learning;

/// How long anomalies that are over are kept.
const KEPT: Micros = 400 * DAY;
/// Most names of projects beyond the bound that are told apart.
const REFUSED: usize = 10_000;

impl Watch {
    /// One round; brings everything up to the clock.
    pub(super) fn round(&self) -> Result<(), StoreError> {
        let closed = self.options.closed(self.clock.now());
        let mut book = self.book.lock();
        match book.to {
            None => self.learn(&mut book, closed)?,
            Some(to) => {
                self.judge_late(&mut book, closed)?;
                if closed > to {
                    self.follow(&mut book, to, closed)?;
                }
            }
        }
        self.tell(&book);
        Ok(())
    }

    /// Takes up where the last process stopped, and learns what is not known.
    fn learn(&self, book: &mut Book, closed: Micros) -> Result<(), StoreError> {
        // What is stored from now on below that is noted as late.
        self.read_to.store(closed, Ordering::Relaxed);
        let (spans, left_out) = learn::projects(self.traffic.as_ref(), &self.options, closed)?;
        let mut jobs = Vec::with_capacity(spans.len());
        for span in &spans {
            let record = self.catalog.engine(learn::name_of(span))?;
            let known = learn::resumed(self.traffic.as_ref(), &self.options, span, closed, record)?;
            jobs.push(Job::plan(span, &self.options, closed, known));
        }
        if left_out > 0 {
            tracing::warn!(
                watched = self.options.projects,
                left_out,
                "there are more projects than are watched for anomalies; raise watch.projects to watch more"
            );
        }
        book.left_out = left_out;
        self.run_jobs(book, jobs, closed)?;
        if !self.wake.is_stopping() {
            book.to = Some(closed);
        }
        Ok(())
    }

    /// Judges the projects anew that got calls of the past.
    fn judge_late(&self, book: &mut Book, closed: Micros) -> Result<(), StoreError> {
        let late = self.late();
        if late.is_empty() {
            return Ok(());
        }
        let began = Instant::now();
        let done = self.judge(book, &late, closed);
        if done.is_err() {
            self.wake.put_back(late);
        }
        self.wake.rest(began.elapsed());
        done
    }

    fn judge(&self, book: &mut Book, late: &HashMap<String, Micros>, closed: Micros) -> Result<(), StoreError> {
        let (spans, left_out) = learn::projects(self.traffic.as_ref(), &self.options, closed)?;
        book.left_out = left_out;
        let (mut jobs, mut marks, mut room) = (Vec::new(), Vec::new(), self.options.projects);
        room = room.saturating_sub(book.projects.len());
        for span in &spans {
            let name = learn::name_of(span);
            let Some(from) = late.get(name) else { continue };
            let known = book.projects.get(name);
            if known.is_none() {
                let Some(left) = room.checked_sub(1) else { continue };
                room = left;
            }
            let goes_on = known.filter(|tracked| *from >= tracked.until).cloned();
            if known.is_some() && goes_on.is_none() {
                marks.push((name.to_owned(), *from));
            }
            jobs.push(Job::plan(span, &self.options, closed, goes_on));
        }
        // A crash before the end must not forget that.
        self.catalog.mark_late(marks)?;
        self.run_jobs(book, jobs, closed)
    }

    fn run_jobs(&self, book: &mut Book, jobs: Vec<Job>, closed: Micros) -> Result<(), StoreError> {
        let said = said(self.catalog.as_ref())?;
        let (traffic, options, mut found) = (self.traffic.as_ref(), &self.options, Found::default());
        let go_on = || !self.wake.is_stopping();
        let (mut done, anew) = learn::run(traffic, options, jobs, &said, &mut found, &go_on)?;
        if !go_on() {
            return Ok(());
        }
        feed::follow(traffic, options, &mut done, closed, &said, &mut found);
        self.catalog.put_anomalies(found.write(&mut done, anew))?;
        book.projects.append(&mut done);
        Ok(())
    }

    /// Feeds the buckets that were closed since.
    fn follow(&self, book: &mut Book, to: Micros, closed: Micros) -> Result<(), StoreError> {
        let said = Said::new();
        let (traffic, options) = (self.traffic.as_ref(), &self.options);
        let Book { projects, found, refused, .. } = &mut *book;
        let from = projects.values().filter(|t| t.live).map(|t| t.until).min().unwrap_or(to).max(to - DAY);
        let mut refuse = |name: &str| {
            if refused.len() < REFUSED && refused.insert(name.to_owned()) {
                tracing::warn!(project = name, "too many projects: not watched for anomalies (watch.projects)");
            }
        };
        feed::feed(traffic, options, projects, (from, closed), Some(&mut refuse), &said, found)?;
        feed::follow(traffic, options, projects, closed, &said, found);
        // What was fed stays fed; what cannot be written now is written with the next one.
        let write = found.write(projects, Vec::new());
        if !write.anomalies.is_empty() || !write.engines.is_empty() {
            self.catalog.put_anomalies(write)?;
            *found = Found::default();
        }
        book.to = Some(closed);
        self.read_to.store(closed, Ordering::Relaxed);
        if book.cleaned.is_none_or(|at| closed - at >= DAY) {
            self.catalog.delete_anomalies(closed - KEPT)?;
            book.cleaned = Some(closed);
        }
        Ok(())
    }

    /// Tells others how far it is.
    fn tell(&self, book: &Book) {
        let followed = book.projects.iter().filter(|(_, t)| t.live).map(|(name, _)| name.clone()).collect();
        *self.followed.write() = followed;
        let judges = |t: &Tracked| t.engine.learning().iter().any(|(_, state)| !matches!(state, Learning::Learning(_)));
        *self.status.lock() = WatchStatus {
            to: book.to,
            projects: book.projects.len(),
            learning: book.projects.values().filter(|t| !judges(t)).count(),
            left_out: book.left_out.max(book.refused.len()),
            pending: 0,
        };
    }
}

/// What people said of anomalies.
pub(super) fn said(catalog: &dyn Anomalies) -> Result<Said, StoreError> {
    let query = AnomalyQuery { judged: true, limit: MAX_ANOMALIES, ..AnomalyQuery::default() };
    let judged = catalog.anomalies(&query)?;
    Ok(judged.into_iter().filter_map(|a| Some((a.id, a.feedback?))).collect())
}
