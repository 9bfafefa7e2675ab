//! Runs with params, tags, all points of metrics, datasets and models that they read and made. Their ids stay.

use std::collections::BTreeSet;

use weir_core::id::RunId;
use weir_store::catalog::{Batch, NewPoint, NewRun, Point, ProjectRecord, Run, RunChange, RunProblem, RunStatus, Runs};

use super::source::{Counted, SourceRun, pages};
use super::{Import, Kinds, now};
use crate::import::{Kind, digest, parallel};

/// Points of one metric that are read and stored at once.
const PAGE: usize = 5_000;

/// Moves the runs of all experiments; gives those that are in the bin, for [`put_away`].
pub(super) fn all(import: &Import<'_>, experiments: &[ProjectRecord], kinds: &Kinds) -> anyhow::Result<Vec<RunId>> {
    import.progress.begin("runs", import.source.count(Counted::Runs));
    let mut deleted = Vec::new();
    for experiment in experiments {
        let read = |page: Option<&str>| import.source.runs(experiment.number, page);
        pages(read, |page| {
            deleted.extend(page.iter().filter(|run| run.deleted).filter_map(|run| RunId::parse(&run.id)));
            parallel::each(page, |run| {
                one(import, &run, kinds)?;
                import.progress.more(1);
                Ok(())
            })
        })?;
    }
    Ok(deleted)
}

/// Puts runs into the bin, when nothing is written to them any more.
pub(super) fn put_away(import: &Import<'_>, deleted: &[RunId]) -> anyhow::Result<()> {
    parallel::each(deleted.to_vec(), |id| {
        let catalog = &import.target.catalog;
        if catalog.run_record(id)?.is_some_and(|run| !run.deleted) {
            catalog.mark_run(id, true, now())?;
        }
        Ok(())
    })
}

fn one(import: &Import<'_>, there: &SourceRun, kinds: &Kinds) -> anyhow::Result<()> {
    let Some(id) = RunId::parse(&there.id) else {
        kinds.runs.refused(&there.id, "it is no id of a run");
        return Ok(());
    };
    let project = import.number(there.experiment)?;
    let catalog = &import.target.catalog;
    let before = catalog.run(id)?;
    let text = text_there(there, project);
    let in_bin = before.as_ref().is_some_and(|run| run.record.deleted);
    if before.is_none() {
        let made = catalog.create_run(NewRun {
            id,
            project,
            name: there.name.clone(),
            user: there.user.clone(),
            status: there.status,
            start_ms: there.start_ms,
            end_ms: there.end_ms,
            tags: there.tags.clone(),
        });
        if let Err(problem) = made {
            return refused(problem, &kinds.runs, &there.id);
        }
        kinds.runs.added();
    }
    for key in &there.metrics {
        history(import, id, there, key, before.is_none(), &kinds.metrics)?;
    }
    let same = before.is_some_and(|run| text_here(&run) == text);
    if !same
        && !in_bin
        && let Err(problem) = complete(import, id, there)
    {
        return refused(problem, &kinds.runs, &there.id);
    }
    let here = catalog.run(id)?.map(|run| text_here(&run));
    kinds.runs.compare(&there.id, &text, here.as_deref());
    Ok(())
}

/// What this store will not take is told; that the store fails ends the import.
fn refused(problem: RunProblem, kind: &Kind, id: &str) -> anyhow::Result<()> {
    match problem {
        RunProblem::Store(error) => Err(error.into()),
        RunProblem::Params(conflicts) => {
            let keys: Vec<&str> = conflicts.iter().map(|conflict| conflict.key.as_str()).collect();
            kind.refused(id, format!("params have other values here: {}", keys.join(", ")));
            Ok(())
        }
        problem => {
            kind.refused(id, problem);
            Ok(())
        }
    }
}

/// Writes all of a run but its metrics. What is here already is taken without effect.
fn complete(import: &Import<'_>, id: RunId, there: &SourceRun) -> Result<(), RunProblem> {
    let catalog = &import.target.catalog;
    let (params, tags) = (there.params.clone(), there.tags.clone());
    if !params.is_empty() || !tags.is_empty() {
        catalog.log_batch(id, Batch { params, metrics: Vec::new(), tags })?;
    }
    if !there.datasets.is_empty() || !there.models_in.is_empty() {
        catalog.log_inputs(id, there.datasets.clone(), there.models_in.clone())?;
    }
    if !there.models_out.is_empty() {
        catalog.log_outputs(id, there.models_out.clone())?;
    }
    catalog.update_run(id, RunChange { status: Some(there.status), end_ms: there.end_ms, name: None })?;
    Ok(())
}

/// The points of a metric, whatever their order.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct History {
    count: u64,
    digest: u128,
}

impl History {
    fn add(&mut self, points: &[Point]) {
        for point in points {
            // One NaN is like another.
            let bits = if point.value.is_nan() { u64::MAX } else { (point.value + 0.0).to_bits() };
            let parts = [point.timestamp_ms.to_be_bytes(), point.step.to_be_bytes(), bits.to_be_bytes()];
            let parts: Vec<&[u8]> = parts.iter().map(<[u8; 8]>::as_slice).collect();
            self.count += 1;
            self.digest = self.digest.wrapping_add(digest(&parts));
        }
    }

    fn text(self) -> String {
        format!("{} {:x}", self.count, self.digest)
    }
}

fn history(
    import: &Import<'_>,
    id: RunId,
    run: &SourceRun,
    key: &str,
    is_new: bool,
    kind: &Kind,
) -> anyhow::Result<()> {
    let name = format!("{} {key}", run.id);
    let before = if is_new { History::default() } else { here(import, id, key)? };
    let mut write = is_new;
    loop {
        let (mut there, mut problem) = (History::default(), None);
        let read = |page: Option<&str>| import.source.points(&run.id, key, page);
        pages(read, |page| {
            there.add(&page);
            for points in page.chunks(PAGE) {
                if !write || problem.is_some() {
                    break;
                }
                let new = |point: &Point| NewPoint { key: key.to_owned(), point: *point, model: None };
                let metrics = points.iter().map(new).collect();
                let logged = import.target.catalog.log_batch(id, Batch { metrics, ..Batch::default() });
                problem = logged.err();
            }
            Ok(())
        })?;
        if let Some(problem) = problem {
            return refused(problem, kind, &name);
        }
        if !write && there != before {
            write = true;
            continue;
        }
        let here = if write { here(import, id, key)? } else { before };
        if write {
            kind.added();
        }
        kind.compare(&name, &there.text(), Some(&here.text()));
        return Ok(());
    }
}

fn here(import: &Import<'_>, id: RunId, key: &str) -> anyhow::Result<History> {
    let (mut history, mut offset) = (History::default(), 0);
    loop {
        let page = import.target.catalog.metric_history(id, key, offset, PAGE)?;
        history.add(&page);
        offset += page.len() as u64;
        if page.len() < PAGE {
            return Ok(history);
        }
    }
}

/// All that is to arrive of a run but its metrics, in one order. Whether it is in the bin is seen to at the end.
#[derive(Debug)]
#[expect(dead_code, reason = "is compared as its text")]
struct Text<'a> {
    project: i64,
    name: &'a str,
    status: RunStatus,
    times: (i64, Option<i64>),
    params: BTreeSet<(&'a str, &'a str)>,
    tags: BTreeSet<(&'a str, &'a str)>,
    datasets: BTreeSet<(&'a str, &'a str, BTreeSet<Pair<'a>>)>,
    models_in: BTreeSet<&'a str>,
    models_out: BTreeSet<(&'a str, i64)>,
}

type Pair<'a> = (&'a str, &'a str);

fn set<'a, K: AsRef<str> + 'a>(pairs: &'a [(K, String)]) -> BTreeSet<Pair<'a>> {
    pairs.iter().map(|(key, value)| (key.as_ref(), value.as_str())).collect()
}

fn text_there(run: &SourceRun, project: i64) -> String {
    let text = Text {
        project,
        name: &run.name,
        status: run.status,
        times: (run.start_ms, run.end_ms),
        params: set(&run.params),
        tags: set(&run.tags),
        datasets: run.datasets.iter().map(|d| (d.name.as_str(), d.digest.as_str(), set(&d.tags))).collect(),
        models_in: run.models_in.iter().map(String::as_str).collect(),
        models_out: run.models_out.iter().map(|(model, step)| (model.as_str(), *step)).collect(),
    };
    format!("{text:?}")
}

fn text_here(run: &Run) -> String {
    let text = Text {
        project: run.record.project,
        name: &run.record.name,
        status: run.record.status,
        times: (run.record.start_ms, run.record.end_ms),
        params: set(&run.params),
        tags: set(&run.tags),
        datasets: run.datasets.iter().map(|d| (d.name.as_str(), d.digest.as_str(), set(&d.tags))).collect(),
        models_in: run.models_in.iter().map(String::as_str).collect(),
        models_out: run.models_out.iter().map(|(model, step)| (model.as_str(), *step)).collect(),
    };
    format!("{text:?}")
}
