//! Values of scores, told apart by who judged and by the calls that were judged.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row};
use weir_core::id::{SpanId, from_significant};
use weir_core::score::{ScoreSource, ScoreTarget};
use weir_core::span::{SpanKind, Status};
use weir_core::time::{DAY, Micros};

use super::super::names::NameTexts;
use super::super::seq;
use super::row::Form;
use crate::events::{Labelled, MAX_VALUES, ScoreLabel, ScoreQuery};
use crate::telemetry::{Dimension, StoreError};

/// Most spans that are looked through for those that scores name by their request.
const SPANS: usize = 200_000;
/// What is read of a span.
const SPAN: &str = "trace_id, project, model, provider, department, prompt_name, prompt_version, status, key";

/// The scores of a query, in the order of time.
pub(in super::super) fn labelled(
    db: &Connection,
    texts: &NameTexts,
    query: &ScoreQuery,
) -> Result<Vec<Labelled>, StoreError> {
    let form = Form::of(db)?;
    if form == Form::Empty {
        return Ok(Vec::new());
    }
    let (from, to) = (query.range.from.unwrap_or(Micros::MIN), query.range.to.unwrap_or(Micros::MAX));
    let counts = form.counts();
    let mut statement = db.prepare_cached(&format!(
        "SELECT created_us, number, call, trace_id, source, author FROM scores WHERE created_us >= ?1 AND created_us < ?2 \
         AND name = ?3 AND {counts} ORDER BY created_us, id LIMIT {}",
        MAX_VALUES + 1
    ))?;
    let rows = statement.query_map((from, to, &query.name), Given::read)?;
    let rows: Vec<Given> = rows.collect::<Result<_, _>>()?;
    if rows.len() > MAX_VALUES {
        return Err(StoreError::Unsupported(format!(
            "more than {MAX_VALUES} scores \"{}\" were given in that time: ask for a shorter one",
            query.name
        )));
    }
    let of_call = |label: &ScoreLabel| matches!(label, ScoreLabel::Of(_) | ScoreLabel::Run);
    let mut calls = Calls { db, loose: HashMap::new() };
    if query.labels.iter().any(of_call) {
        calls.look_for(
            rows.iter().filter(|row| row.trace.is_none()).filter_map(|row| row.call.as_deref()),
            (from, to),
        )?;
    }
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let call = if query.labels.iter().any(of_call) { calls.of(&row)? } else { None };
        let label = |label: &ScoreLabel| match label {
            ScoreLabel::Source => Ok(ScoreSource::from_number(row.source).map(|source| source.as_str().to_owned())),
            ScoreLabel::Author => Ok(row.author.clone()),
            ScoreLabel::Of(dimension) => call.as_ref().map_or(Ok(None), |call| call.text(db, texts, *dimension)),
            ScoreLabel::Run => run_of(db, form, row.trace.as_ref().or(call.as_ref().map(|call| &call.trace))),
        };
        let labels = query.labels.iter().map(label).collect::<rusqlite::Result<_>>()?;
        all.push(Labelled { at: row.at, value: row.value, labels });
    }
    Ok(all)
}

/// What is read of a score.
struct Given {
    at: Micros,
    value: f64,
    call: Option<String>,
    trace: Option<Vec<u8>>,
    source: i64,
    author: Option<String>,
}

impl Given {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            at: row.get(0)?,
            value: row.get(1)?,
            call: row.get(2)?,
            trace: row.get(3)?,
            source: row.get(4)?,
            author: row.get(5)?,
        })
    }
}

/// A call that was judged: numbers of `names`, and of a closed set.
#[derive(Clone)]
struct Call {
    trace: Vec<u8>,
    project: Option<i64>,
    model: Option<i64>,
    provider: Option<i64>,
    department: Option<i64>,
    prompt: (Option<i64>, Option<i64>),
    status: Option<i64>,
    key: Option<i64>,
}

impl Call {
    /// Of the columns of [`SPAN`].
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            trace: row.get(0)?,
            project: row.get(1)?,
            model: row.get(2)?,
            provider: row.get(3)?,
            department: row.get(4)?,
            prompt: (row.get(5)?, row.get(6)?),
            status: row.get(7)?,
            key: row.get(8)?,
        })
    }

    fn text(&self, db: &Connection, texts: &NameTexts, dimension: Dimension) -> rusqlite::Result<Option<String>> {
        let named = |id: Option<i64>| id.map(|id| Ok(texts.text(db, id)?.to_string())).transpose();
        match dimension {
            Dimension::Project => named(self.project),
            Dimension::Model => named(self.model),
            Dimension::Provider => named(self.provider),
            Dimension::Department => named(self.department),
            Dimension::Key => named(self.key),
            Dimension::Status => Ok(self.status.and_then(Status::from_number).map(|s| s.as_str().to_owned())),
            // As the rollups write it.
            Dimension::PromptVersion => match (named(self.prompt.0)?, named(self.prompt.1)?) {
                (name, None) => Ok(name),
                (name, Some(version)) => Ok(Some(format!("{}@{version}", name.unwrap_or_default()))),
            },
        }
    }
}

/// The calls that were judged.
struct Calls<'a> {
    db: &'a Connection,
    /// Those that scores name without their trace.
    loose: HashMap<String, Option<Call>>,
}

impl Calls<'_> {
    /// Finds the calls of these names among the newest spans.
    fn look_for<'n>(
        &mut self,
        names: impl Iterator<Item = &'n str>,
        (from, to): (Micros, Micros),
    ) -> Result<(), StoreError> {
        self.loose = names.map(|name| (name.to_owned(), None)).collect();
        if self.loose.is_empty() {
            return Ok(());
        }
        let mut statement = self.db.prepare_cached(&format!(
            "SELECT {SPAN}, span_id, request_id FROM spans WHERE seq >= ?1 AND seq <= ?2 ORDER BY seq DESC LIMIT {SPANS}"
        ))?;
        let range = (seq::floor(from.saturating_sub(DAY)), seq::floor(to) | ((1 << 20) - 1));
        let mut rows = statement.query(range)?;
        let mut wanted = self.loose.len();
        while let Some(row) = rows.next()? {
            let span = from_significant(row.get_ref(9)?.as_blob().unwrap_or_default()).map(|id| SpanId(id).to_string());
            let request = row.get::<_, Option<String>>(10)?.map(|id| match ScoreTarget::call(&id) {
                ScoreTarget::Call(name) => name,
                ScoreTarget::Trace(_) | ScoreTarget::Span(_) => id,
            });
            for name in span.into_iter().chain(request) {
                if let Some(place @ None) = self.loose.get_mut(&name) {
                    *place = Some(Call::read(row)?);
                    wanted -= 1;
                }
            }
            if wanted == 0 {
                break;
            }
        }
        Ok(())
    }

    fn of(&self, score: &Given) -> rusqlite::Result<Option<Call>> {
        match (&score.call, &score.trace) {
            (Some(call), None) => Ok(self.loose.get(call).cloned().flatten()),
            (Some(call), Some(trace)) => {
                let Some(span) = SpanId::parse(call) else { return Ok(None) };
                self.db
                    .prepare_cached(&format!("SELECT {SPAN} FROM spans WHERE trace_id = ?1 AND span_id = ?2"))?
                    .query_row((trace, super::row::blob(&span.0)), Call::read)
                    .optional()
            }
            (None, Some(trace)) => self
                .db
                .prepare_cached(&format!(
                    "SELECT {SPAN} FROM spans WHERE trace_id = ?1 ORDER BY coalesce(kind IN (?2, ?3), 0) DESC, seq LIMIT 1"
                ))?
                .query_row((trace, SpanKind::Llm.number(), SpanKind::Embedding.number()), Call::read)
                .optional(),
            (None, None) => Ok(None),
        }
    }
}

/// The first run that a trace was linked to.
fn run_of(db: &Connection, form: Form, trace: Option<&Vec<u8>>) -> rusqlite::Result<Option<String>> {
    // A file of before scores were whole may know no links.
    let Some(trace) = trace.filter(|_| form == Form::Whole) else { return Ok(None) };
    db.prepare_cached(
        "SELECT target FROM trace_links WHERE trace_id = ?1 AND kind = 1 ORDER BY created_us, target LIMIT 1",
    )?
    .query_row([trace], |row| row.get(0))
    .optional()
}

#[cfg(test)]
#[path = "labelled_tests.rs"]
mod tests;
