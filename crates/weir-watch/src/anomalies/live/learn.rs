//! Learns projects from what is stored: those that are new here, those that went on while nobody watched, and those that
//! got calls of the past.

use weir_core::time::{DAY, Micros};
use weir_store::activity::{ActivityBucket, ProjectSpan};
use weir_store::catalog::EngineRecord;
use weir_store::telemetry::{StoreError, TimeRange};

use super::feed;
use super::tracked::{Found, Projects, Said, Tracked};
use super::{DEFAULT_PROJECT, Options, Traffic};

/// Most projects that are looked at beyond those that are watched, to count them.
const LOOKED_AT: usize = 10_000;

/// A project that is to be fed.
#[derive(Debug)]
pub(super) struct Job {
    name: String,
    tracked: Tracked,
    /// Where its calls end.
    to: Micros,
    /// Since when it is judged anew.
    anew: Option<Micros>,
}

/// Projects that have calls, those with most first, and how many were left out.
pub(super) fn projects(
    traffic: &dyn Traffic,
    options: &Options,
    closed: Micros,
) -> Result<(Vec<ProjectSpan>, usize), StoreError> {
    // Clocks of the future are for the future.
    let range = TimeRange { from: None, to: Some(closed) };
    let mut spans = traffic.project_spans(range, options.projects.saturating_add(LOOKED_AT))?;
    let left_out = spans.len().saturating_sub(options.projects);
    spans.truncate(options.projects);
    // Calls without a project are the default project's.
    if let Some(at) = spans.iter().position(|span| span.project.is_none()) {
        let mut unnamed = spans.remove(at);
        unnamed.project = Some(DEFAULT_PROJECT.to_owned());
        match spans.iter_mut().find(|span| span.project == unnamed.project) {
            Some(named) => {
                (named.first, named.last) = (named.first.min(unnamed.first), named.last.max(unnamed.last));
            }
            None => spans.push(unnamed),
        }
    }
    Ok((spans, left_out))
}

impl Job {
    /// What is to be done for a project: goes on where its engine stands (`known`), or begins anew.
    pub(super) fn plan(span: &ProjectSpan, options: &Options, closed: Micros, known: Option<Tracked>) -> Self {
        let name = name_of(span).to_owned();
        let to = options.align(span.last).min(closed);
        match known {
            // A project that is followed goes on to the end, with or without calls.
            Some(tracked) => {
                let to = if tracked.live { closed } else { to }.max(tracked.until);
                Self { name, tracked, to, anew: None }
            }
            None => {
                let from = span.first.max(options.align(span.last.saturating_sub(options.history)));
                let from = options.align(from);
                Self { tracked: Tracked::new(&name, options, from), name, to: to.max(from), anew: Some(from) }
            }
        }
    }
}

/// What is known of a project, where its engine can go on from it. A project that was loaded from the past and has calls
/// beyond is judged anew: the last process may have ended before it saw all of a bucket that it judged.
pub(super) fn resumed(
    traffic: &dyn Traffic,
    options: &Options,
    span: &ProjectSpan,
    closed: Micros,
    record: Option<EngineRecord>,
) -> Result<Option<Tracked>, StoreError> {
    let tracked = record.filter(|record| record.late.is_none()).and_then(|r| Tracked::restore(&r, options));
    let Some(tracked) = tracked else { return Ok(None) };
    let to = options.align(span.last).min(closed);
    let mut next = Some(tracked.until).filter(|from| !tracked.live && *from < to);
    while let Some(from) = next {
        let page = traffic.activity(from, to, options.settings.bucket, 1_000)?;
        let is_there = |bucket: &ActivityBucket| {
            bucket.projects.keys().any(|name| name.as_deref().unwrap_or(DEFAULT_PROJECT) == name_of(span))
        };
        if page.buckets.iter().any(is_there) {
            return Ok(None);
        }
        next = page.next;
    }
    Ok(Some(tracked))
}

/// The name of a project.
pub(super) fn name_of(span: &ProjectSpan) -> &str {
    span.project.as_deref().unwrap_or(DEFAULT_PROJECT)
}

/// Runs jobs: reads each stretch of time once for all of them. Gives the projects back, and since when some were judged
/// anew.
pub(super) fn run(
    traffic: &dyn Traffic,
    options: &Options,
    jobs: Vec<Job>,
    said: &Said,
    found: &mut Found,
    go_on: &dyn Fn() -> bool,
) -> Result<(Projects, Vec<(String, Micros)>), StoreError> {
    let mut done = Projects::new();
    let mut anew = Vec::new();
    for group in grouped(jobs) {
        let from = group.iter().map(|job| job.tracked.until).min().unwrap_or_default();
        let to = group.iter().map(|job| job.to).max().unwrap_or_default();
        let mut projects = Projects::new();
        for job in group {
            anew.extend(job.anew.map(|from| (job.name.clone(), from)));
            projects.insert(job.name, job.tracked);
        }
        // In pieces of days, so that it can be stopped in between.
        let mut at = from;
        while at < to && go_on() {
            let end = at.saturating_add(DAY).min(to);
            feed::feed(traffic, options, &mut projects, (at, end), None, said, found)?;
            at = end;
        }
        done.append(&mut projects);
    }
    Ok((done, anew))
}

/// Jobs whose stretches of time overlap, together.
fn grouped(mut jobs: Vec<Job>) -> Vec<Vec<Job>> {
    jobs.sort_by_key(|job| job.tracked.until);
    let mut groups: Vec<(Micros, Vec<Job>)> = Vec::new();
    for job in jobs {
        match groups.last_mut() {
            Some((end, group)) if job.tracked.until <= *end => {
                *end = (*end).max(job.to);
                group.push(job);
            }
            _ => groups.push((job.to, vec![job])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}
