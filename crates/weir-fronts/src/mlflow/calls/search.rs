//! Searches of an experiment that lists calls: its calls and the runs that clients made, in one order.
//!
//! In the usual order, latest start first, pages go on behind the last run of the page before, so that every call is read
//! once however many pages there are. In another order the calls that can be meant are read for every page.

use weir_core::id::RunId;
use weir_core::query::{Condition, Op, Operand, Sort, Target, Test};
use weir_store::catalog::{ProjectRecord, Run, RunQuery, Stage};
use weir_store::telemetry::{OrderBy, SpanQuery, TimeRange};

use super::{filter, find, id, is_shown, meaning, run};
use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;

/// Calls that are read at once.
const PAGE: usize = 500;
/// Calls that are read for one answer.
const MOST: usize = 200_000;
/// Calls with a mark that are looked at for one answer.
const MARKED: usize = 10_000;
/// Runs with the same start as the last of a page, besides those that are known.
const SPARE: usize = 64;

/// Tags that calls have without anybody's doing.
const OWN_TAGS: [&str; 8] = [
    "environment",
    "department",
    "prompt_version",
    "mlflow.runName",
    "weir.call_id",
    "weir.request_id",
    "weir.status",
    "weir.error",
];

/// A page of calls and other runs.
pub(in crate::mlflow) struct Merged {
    pub(in crate::mlflow) runs: Vec<Run>,
    /// Whether more may follow.
    pub(in crate::mlflow) more: bool,
    /// Behind what they follow, in the usual order.
    pub(in crate::mlflow) after: Option<(i64, RunId)>,
}

/// Calls that were found.
struct Found {
    runs: Vec<Run>,
    /// Where reading ended early: runs that started before may be meant as well.
    until_ms: Option<i64>,
}

/// The page of a query over the experiment of the calls, among others. `after` is where the page before ended.
pub(in crate::mlflow) fn search(
    front: &Front,
    query: &RunQuery,
    project: &ProjectRecord,
    after: Option<(i64, RunId)>,
) -> Result<Merged, Refused> {
    let usual = match query.order.as_slice() {
        [] => true,
        [only] => only.descending && only.target == Target::Field("start_time"),
        _ => false,
    };
    if usual { newest(front, query, project, after) } else { ordered(front, query, project) }
}

fn newest(
    front: &Front,
    query: &RunQuery,
    project: &ProjectRecord,
    after: Option<(i64, RunId)>,
) -> Result<Merged, Refused> {
    // Tokens of clients that were given before there were calls hold an offset.
    let skip = if after.is_some() { 0 } else { usize::try_from(query.offset).unwrap_or(usize::MAX) };
    let wanted = skip.saturating_add(query.limit).saturating_add(1);
    let behind = |run: &Run| {
        after.is_none_or(|(start, id)| {
            (std::cmp::Reverse(run.record.start_ms), run.record.id) > (std::cmp::Reverse(start), id)
        })
    };
    let mut conditions = query.conditions.clone();
    if let Some((start, _)) = after {
        let test = Test::Compare(Op::Le, Operand::Number(start as f64));
        conditions.push(Condition { target: Target::Field("start_time"), test });
    }
    let mut runs = made(front, query, &conditions, wanted, &behind)?;
    let calls = calls(
        front,
        &conditions,
        query.stage,
        project,
        &mut Keep { order: &[], most: wanted, by_start: true },
        &behind,
    )?;
    runs.extend(calls.runs);
    runs.sort_by(|a, b| meaning::order(&[], a, b));
    if let Some(until) = calls.until_ms {
        // What started before it may not be whole.
        runs.retain(|run| run.record.start_ms >= until);
    }
    let mut more = runs.len() > skip.saturating_add(query.limit);
    runs.drain(..skip.min(runs.len()));
    runs.truncate(query.limit);
    let mut last = runs.last().map(|run| (run.record.start_ms, run.record.id));
    if let (Some(until), false) = (calls.until_ms, more) {
        more = true;
        last = Some((until, RunId([u8::MAX; 16])));
    }
    Ok(Merged { runs, more, after: last.filter(|_| more) })
}

/// Runs that clients made.
fn made(
    front: &Front,
    query: &RunQuery,
    conditions: &[Condition],
    wanted: usize,
    behind: &dyn Fn(&Run) -> bool,
) -> Result<Vec<Run>, Refused> {
    let mut limit = wanted.saturating_add(SPARE);
    loop {
        let page = front.parts.catalog.search_runs(&RunQuery {
            conditions: conditions.to_vec(),
            offset: 0,
            limit,
            ..query.clone()
        })?;
        let runs: Vec<Run> = page.runs.into_iter().filter(|run| behind(run)).take(wanted).collect();
        if runs.len() >= wanted || !page.more {
            return Ok(runs);
        }
        limit = limit.saturating_mul(4);
    }
}

fn ordered(front: &Front, query: &RunQuery, project: &ProjectRecord) -> Result<Merged, Refused> {
    let skip = usize::try_from(query.offset).unwrap_or(usize::MAX);
    let wanted = skip.saturating_add(query.limit).saturating_add(1);
    let mut runs = made(front, query, &query.conditions, wanted, &|_| true)?;
    let mut keep = Keep { order: &query.order, most: wanted, by_start: false };
    let calls = calls(front, &query.conditions, query.stage, project, &mut keep, &|_| true)?;
    if calls.until_ms.is_some() {
        return Err(Refused::invalid(format!(
            "More than {MOST} calls would have to be put in this order. Narrow the search, for example with \
             `attributes.start_time > ...`, or order by start_time DESC."
        )));
    }
    runs.extend(calls.runs);
    runs.sort_by(|a, b| meaning::order(&query.order, a, b));
    let more = runs.len() >= wanted;
    runs.drain(..skip.min(runs.len()));
    runs.truncate(query.limit);
    Ok(Merged { runs, more, after: None })
}

/// The first runs of an order, of more that are seen.
struct Keep<'a> {
    order: &'a [Sort],
    most: usize,
    /// They are seen in this order but for those of one start: enough is enough.
    by_start: bool,
}

impl Keep<'_> {
    fn trim(&self, runs: &mut Vec<Run>) {
        runs.sort_by(|a, b| meaning::order(self.order, a, b));
        runs.truncate(self.most);
    }

    /// Whether what comes next, with this start, can no longer be among them.
    fn is_full(&self, runs: &[Run], next_ms: i64) -> bool {
        self.by_start && runs.len() >= self.most && runs.last().is_some_and(|last| last.record.start_ms > next_ms)
    }
}

/// The calls that conditions hold for: the first ones of an order.
fn calls(
    front: &Front,
    conditions: &[Condition],
    stage: Stage,
    project: &ProjectRecord,
    keep: &mut Keep<'_>,
    behind: &dyn Fn(&Run) -> bool,
) -> Result<Found, Refused> {
    let holds = |run: &Run| stage.takes(run.record.deleted) && behind(run) && meaning::hold(conditions, run);
    if let Some(ids) = named(front, conditions, stage, project)? {
        let mut runs = Vec::new();
        for id in ids {
            runs.extend(find(front, id)?.filter(|run| holds(run)));
            if runs.len() > keep.most.saturating_mul(2) {
                keep.trim(&mut runs);
            }
        }
        keep.trim(&mut runs);
        return Ok(Found { runs, until_ms: None });
    }
    let catalog = &front.parts.catalog;
    let tag_is_own = |key: &str| catalog.calls_tagged(key, 1).is_ok_and(|calls| calls.is_empty());
    let (filter, range) = filter::of(conditions, tag_is_own);
    let mut runs = Vec::new();
    if matches!((range.from, range.to), (Some(from), Some(to)) if from >= to) {
        return Ok(Found { runs, until_ms: None });
    }
    let mut query = spans(filter, range, keep);
    let mut read = 0;
    loop {
        let page = front.parts.telemetry.spans(&query)?;
        read += page.spans.len();
        let shown: Vec<_> = page.spans.iter().filter(|span| is_shown(span)).collect();
        let ids: Vec<RunId> = shown.iter().map(|span| id::run(span.span_key())).collect();
        let marks = catalog.call_marks(&ids)?;
        let mut last_ms = None;
        for (span, id) in shown.into_iter().zip(ids) {
            let run = run(front, project, span, marks.get(&id));
            last_ms = Some(run.record.start_ms);
            if keep.is_full(&runs, run.record.start_ms) {
                keep.trim(&mut runs);
                return Ok(Found { runs, until_ms: None });
            }
            if holds(&run) {
                runs.push(run);
            }
        }
        if !keep.by_start && runs.len() > keep.most.saturating_mul(2).saturating_add(PAGE) {
            keep.trim(&mut runs);
        }
        query.cursor = page.next;
        if query.cursor.is_none() || read >= MOST {
            let until_ms = if query.cursor.is_some() { last_ms } else { None };
            keep.trim(&mut runs);
            return Ok(Found { runs, until_ms });
        }
    }
}

fn spans(filter: weir_core::filter::Filter, range: TimeRange, keep: &Keep<'_>) -> SpanQuery {
    SpanQuery {
        range,
        filter,
        order: OrderBy::Start,
        ascending: false,
        limit: keep.most.saturating_add(1).clamp(20, PAGE),
        cursor: None,
        with_payload: false,
    }
}

/// The only calls that can be meant, where conditions name them or marks do.
fn named(
    front: &Front,
    conditions: &[Condition],
    stage: Stage,
    project: &ProjectRecord,
) -> Result<Option<Vec<RunId>>, Refused> {
    let texts = |test: &Test| match test {
        Test::Compare(Op::Eq, Operand::Text(text)) => Some(vec![text.clone()]),
        Test::In(texts) => Some(texts.clone()),
        _ => None,
    };
    let catalog = &front.parts.catalog;
    for Condition { target, test } in conditions {
        match target {
            Target::Field("run_id") => {
                if let Some(texts) = texts(test) {
                    return Ok(Some(texts.iter().filter_map(|text| RunId::parse(text)).collect()));
                }
            }
            Target::Entry("tags", key) if key == "weir.call_id" && catalog.calls_tagged(key, 1)?.is_empty() => {
                if let Some(texts) = texts(test) {
                    return Ok(Some(texts.iter().filter_map(|text| id::of_call_id(text)).collect()));
                }
            }
            Target::Entry("tags", key) if *test != Test::Null && !OWN_TAGS.contains(&key.as_str()) => {
                let calls = catalog.calls_tagged(key, MARKED + 1)?;
                if calls.len() <= MARKED {
                    return Ok(Some(calls));
                }
            }
            _ => {}
        }
    }
    if stage == Stage::Deleted && !project.deleted {
        return Ok(Some(catalog.deleted_calls(MARKED)?));
    }
    if (stage == Stage::Active && project.deleted) || conditions.iter().any(|c| matches!(c.target, Target::Related(..)))
    {
        return Ok(Some(Vec::new()));
    }
    Ok(None)
}
