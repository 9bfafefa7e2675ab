//! Runs with params, tags, all points of metrics, datasets and models that they read and made. Their ids stay.

use std::collections::BTreeSet;

use anyhow::anyhow;
use weir_core::id::RunId;
use weir_store::catalog::{Batch, DatasetInput, NewPoint, NewRun, Point, Projects, RunChange, RunStatus, Runs};

use super::{Import, pair};
use crate::import::Kind;

/// Points that are stored at once.
const POINTS: usize = 5_000;
/// Points of one metric that are read at once.
const PAGE: usize = 50_000;

/// A run at the source.
struct Source {
    id: String,
    project: i64,
    name: String,
    user: String,
    status: RunStatus,
    start_ms: i64,
    end_ms: Option<i64>,
    deleted: bool,
}

pub(super) fn import(import: &Import<'_>) -> anyhow::Result<[Kind; 2]> {
    let (mut runs, mut metrics) = (Kind::new("runs"), Kind::new("metric histories"));
    let all = import.rows(
        "SELECT run_uuid, experiment_id, name, user_id, status, start_time, end_time, lifecycle_stage = 'deleted'
         FROM runs ORDER BY start_time, run_uuid",
        [],
        |row| {
            let status: Option<String> = row.get(4)?;
            Ok(Source {
                id: row.get(0)?,
                project: row.get(1)?,
                name: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
                user: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
                status: RunStatus::ALL
                    .iter()
                    .find(|(name, ..)| status.as_deref() == Some(name))
                    .map_or(RunStatus::Running, |(.., status)| *status),
                start_ms: row.get::<_, Option<i64>>(5)?.unwrap_or_default(),
                end_ms: row.get(6)?,
                deleted: row.get(7)?,
            })
        },
    )?;
    for (n, there) in all.iter().enumerate() {
        one(import, there, &mut runs, &mut metrics)?;
        import.progress.at("runs", n as u64 + 1, all.len() as u64);
    }
    import.progress.done("runs", all.len() as u64);
    // Only now, as a project in the bin takes no runs.
    let deleted =
        import.rows("SELECT experiment_id FROM experiments WHERE lifecycle_stage = 'deleted'", [], |row| {
            row.get::<_, i64>(0)
        })?;
    for experiment in deleted {
        let number = import.number(experiment)?;
        if import.catalog.project(number)?.is_some_and(|project| !project.deleted) {
            import.catalog.mark_project(number, true, now())?;
        }
    }
    for there in all {
        let id = RunId::parse(&there.id).ok_or_else(|| anyhow!("{:?} is no id of a run", there.id))?;
        check(import, id, &there.id, &mut runs, &mut metrics)?;
    }
    Ok([runs, metrics])
}

fn one(import: &Import<'_>, there: &Source, runs: &mut Kind, metrics: &mut Kind) -> anyhow::Result<()> {
    let id = RunId::parse(&there.id).ok_or_else(|| anyhow!("{:?} is no id of a run", there.id))?;
    let of_run = |sql: &str| import.rows(sql, [&there.id], pair);
    let params = of_run("SELECT key, value FROM params WHERE run_uuid = ?1 ORDER BY key")?;
    let tags = of_run("SELECT key, value FROM tags WHERE run_uuid = ?1 ORDER BY key")?;
    let points = import.rows(
        "SELECT key, timestamp, step, value, is_nan FROM metrics WHERE run_uuid = ?1 ORDER BY key, timestamp, step, value",
        [&there.id],
        |row| {
            let value = if row.get(4)? { f64::NAN } else { row.get::<_, Option<f64>>(3)?.unwrap_or(f64::NAN) };
            let value = value.clamp(f64::MIN, f64::MAX);
            Ok((row.get::<_, String>(0)?, Point { timestamp_ms: row.get(1)?, step: row.get(2)?, value }))
        },
    )?;
    let datasets = datasets(import, &there.id)?;
    let models = |table: &str| {
        import.rows(
            "SELECT CASE WHEN source_type LIKE 'RUN%' THEN destination_id ELSE source_id END, step FROM inputs
             WHERE (source_id = ?1 AND source_type = ?2) OR (destination_id = ?1 AND destination_type = ?2 AND source_type <> 'DATASET')
             ORDER BY 1",
            (&there.id, table),
            |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<i64>>(1)?.unwrap_or_default())),
        )
    };
    let (models_in, models_out) = (models("RUN_INPUT")?, models("RUN_OUTPUT")?);
    let models_in: Vec<String> = models_in.into_iter().map(|(model, _)| model).collect();
    let what = Text {
        name: &there.name,
        status: there.status,
        times: (there.start_ms, there.end_ms),
        deleted: there.deleted,
        params: params.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect(),
        tags: tags.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect(),
        datasets: datasets.iter().map(|d| (d.name.as_str(), d.digest.as_str())).collect(),
        models_in: models_in.iter().map(String::as_str).collect(),
        models_out: models_out.iter().map(|(model, step)| (model.as_str(), *step)).collect(),
    };
    runs.there(there.id.as_str(), &format!("{what:?}"));
    for of_key in points.chunk_by(|a, b| a.0 == b.0) {
        if let Some((key, _)) = of_key.first() {
            metrics.there(format!("{} {key}", there.id), &history(of_key.iter().map(|(_, point)| *point)));
        }
    }
    match import.catalog.run_record(id)? {
        // It was moved whole before it was put into the bin.
        Some(here) if here.deleted => return Ok(()),
        Some(_) => {}
        None => {
            import.catalog.create_run(NewRun {
                id,
                project: import.number(there.project)?,
                name: there.name.clone(),
                user: there.user.clone(),
                status: there.status,
                start_ms: there.start_ms,
                end_ms: there.end_ms,
                tags: tags.clone(),
            })?;
        }
    }
    // What is there already is taken without effect.
    import.catalog.log_batch(id, Batch { params, metrics: Vec::new(), tags })?;
    for part in points.chunks(POINTS) {
        let new = |(key, point): &(String, Point)| NewPoint { key: key.clone(), point: *point, model: None };
        let metrics = part.iter().map(new).collect();
        import.catalog.log_batch(id, Batch { metrics, ..Batch::default() })?;
    }
    import.catalog.log_inputs(id, datasets, models_in)?;
    import.catalog.log_outputs(id, models_out)?;
    import.catalog.update_run(id, RunChange { status: Some(there.status), end_ms: there.end_ms, name: None })?;
    if there.deleted {
        import.catalog.mark_run(id, true, now())?;
    }
    Ok(())
}

fn datasets(import: &Import<'_>, run: &str) -> anyhow::Result<Vec<DatasetInput>> {
    let found = import.rows(
        "SELECT i.input_uuid, d.name, d.digest, d.dataset_source_type, d.dataset_source, d.dataset_schema, d.dataset_profile
         FROM inputs AS i JOIN datasets AS d ON d.dataset_uuid = i.source_id
         WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' AND i.destination_id = ?1
         ORDER BY d.name, d.digest",
        [run],
        |row| {
            let text = |n: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<String>>(n)?.unwrap_or_default());
            let input = DatasetInput {
                name: text(1)?,
                digest: text(2)?,
                source_type: text(3)?,
                source: text(4)?,
                schema: row.get(5)?,
                profile: row.get(6)?,
                tags: Vec::new(),
            };
            Ok((row.get::<_, String>(0)?, input))
        },
    )?;
    let with_tags = |(input, mut dataset): (String, DatasetInput)| {
        dataset.tags = import.rows("SELECT name, value FROM input_tags WHERE input_uuid = ?1", [&input], pair)?;
        Ok(dataset)
    };
    found.into_iter().map(with_tags).collect()
}

/// All that is to arrive of a run but its metrics, in one order.
#[derive(Debug)]
#[expect(dead_code, reason = "is compared as its text")]
struct Text<'a> {
    name: &'a str,
    status: RunStatus,
    times: (i64, Option<i64>),
    deleted: bool,
    params: BTreeSet<(&'a str, &'a str)>,
    tags: BTreeSet<(&'a str, &'a str)>,
    datasets: BTreeSet<(&'a str, &'a str)>,
    models_in: BTreeSet<&'a str>,
    models_out: BTreeSet<(&'a str, i64)>,
}

/// The points of a metric as one text, whatever their order and however often each is there.
fn history(points: impl Iterator<Item = Point>) -> String {
    let all: BTreeSet<_> = points
        .map(|p| (p.timestamp_ms, p.step, if p.value.is_nan() { "NaN".to_owned() } else { p.value.to_string() }))
        .collect();
    format!("{all:?}")
}

/// Reads a run as it is here.
fn check(import: &Import<'_>, id: RunId, name: &str, runs: &mut Kind, metrics: &mut Kind) -> anyhow::Result<()> {
    let Some(run) = import.catalog.run(id)? else { return Ok(()) };
    let what = Text {
        name: &run.record.name,
        status: run.record.status,
        times: (run.record.start_ms, run.record.end_ms),
        deleted: run.record.deleted,
        params: run.params.iter().map(|(k, v)| (k.as_ref(), v.as_str())).collect(),
        tags: run.tags.iter().map(|(k, v)| (k.as_ref(), v.as_str())).collect(),
        datasets: run.datasets.iter().map(|d| (d.name.as_str(), d.digest.as_str())).collect(),
        models_in: run.models_in.iter().map(String::as_str).collect(),
        models_out: run.models_out.iter().map(|(model, step)| (model.as_str(), *step)).collect(),
    };
    runs.here(name, &format!("{what:?}"));
    for (key, _) in &run.metrics {
        let mut all = Vec::new();
        loop {
            let page = import.catalog.metric_history(id, key, all.len() as u64, PAGE)?;
            let last = page.len() < PAGE;
            all.extend(page);
            if last {
                break;
            }
        }
        metrics.here(format!("{name} {key}"), &history(all.into_iter()));
    }
    Ok(())
}

fn now() -> i64 {
    weir_core::time::Clock::system().now().div_euclid(1_000)
}
