//! A span as a row of `spans`, both ways. The order of the columns stands once, in [`COLUMNS`].

use std::sync::Arc;

use rusqlite::types::{Type, ValueRef};
use rusqlite::{Connection, Row, Statement, ToSql};
use weir_core::id::{SpanId, TraceId, from_significant, significant};
use weir_core::merge::{FieldStamps, Merged, Rank, Stamp};
use weir_core::money::NanoUsd;
use weir_core::span::{Span, SpanKind, Status, TokenSource};
use weir_core::token::TokenCounts;

use super::attributes;
use super::names::NameTexts;

/// How many columns hold a number of the dictionary.
pub(super) const NAMED: usize = 14;

/// Every column, in the order of the insert and of every select that is decoded here.
pub(super) const COLUMNS: &str = "seq, trace_id, span_id, parent_id, kind, status, project, model, provider, \
    department, key, prompt_name, prompt_version, name, response_model, deployment, operation, finish_reason, cache, \
    error_type, start_us, duration_us, ttft_us, cost_nano, prompt_tokens, cached_tokens, cache_write_tokens, \
    cache_write_1h_tokens, completion_tokens, reasoning_tokens, audio_in_tokens, audio_out_tokens, token_source, stream, \
    http_status, attempts, user, session, request_id, upstream_request_id, error, tags, attributes, stamp_after_us, \
    stamp_rank, stamps, payload";

/// As many parameters as [`COLUMNS`] has columns.
pub(super) const INSERT: &str = "?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,\
    ?,?,?";

/// The values of the columns `project` to `error_type`.
pub(super) fn named(span: &Span) -> [Option<&str>; NAMED] {
    [
        span.project.as_deref(),
        span.model.as_deref(),
        span.provider.as_deref(),
        span.department.as_deref(),
        span.key.as_deref(),
        span.prompt_name.as_deref(),
        span.prompt_version.as_deref(),
        span.name.as_deref(),
        span.response_model.as_deref(),
        span.deployment.as_deref(),
        span.operation.as_deref(),
        span.finish_reason.as_deref(),
        span.cache.as_deref(),
        span.error_type.as_deref(),
    ]
}

/// Binds one parameter after the other.
struct Binder<'a, 'c> {
    statement: &'a mut Statement<'c>,
    next: usize,
}

impl Binder<'_, '_> {
    fn put<T: ToSql>(&mut self, value: T) -> rusqlite::Result<()> {
        self.next += 1;
        self.statement.raw_bind_parameter(self.next, value)
    }
}

/// Runs an insert of a span. Returns whether a row was made (else its key existed).
pub(super) fn insert(
    statement: &mut Statement<'_>,
    seq: i64,
    merged: &Merged,
    names: &[i64; NAMED],
    payload: Option<i64>,
) -> rusqlite::Result<bool> {
    let Merged { span, base, own } = merged;
    let mut to = Binder { statement, next: 0 };
    to.put(seq)?;
    to.put(significant(&span.trace_id.0))?;
    to.put(significant(&span.span_id.0))?;
    to.put(span.parent_id.as_ref().map(|id| significant(&id.0)))?;
    to.put(span.kind.map(SpanKind::number))?;
    to.put(span.status.map(Status::number))?;
    for id in names {
        to.put((*id != 0).then_some(*id))?;
    }
    to.put(span.start_us)?;
    to.put(span.end_us.map(|end| end.wrapping_sub(span.start_us.unwrap_or_default())))?;
    to.put(span.ttft_us)?;
    to.put(span.cost.map(|c| c.0))?;
    match &span.tokens {
        Some(t) => {
            for n in token_columns(t) {
                to.put(n)?;
            }
        }
        None => {
            for _ in 0..8 {
                to.put(None::<i64>)?;
            }
        }
    }
    to.put(span.token_source.map(TokenSource::number))?;
    to.put(span.stream)?;
    to.put(span.http_status)?;
    to.put(span.attempts)?;
    to.put(span.user.as_deref())?;
    to.put(span.session.as_deref())?;
    to.put(span.request_id.as_deref())?;
    to.put(span.upstream_request_id.as_deref())?;
    to.put(span.error.as_deref())?;
    to.put(span.tags.as_ref().map(|tags| serde_json::to_string(tags).unwrap_or_default()))?;
    to.put(attributes::encode(&span.attributes))?;
    to.put(base.at.wrapping_sub(span.start_us.unwrap_or_default()))?;
    to.put(base.rank as i64)?;
    to.put((!own.is_empty()).then(|| serde_json::to_string(own).unwrap_or_default()))?;
    to.put(payload)?;
    Ok(statement.raw_execute()? == 1)
}

/// Token classes in the order of the columns; counts beyond `i64` saturate.
pub(super) fn token_columns(t: &TokenCounts) -> [i64; 8] {
    [t.prompt, t.cached, t.cache_write, t.cache_write_1h, t.completion, t.reasoning, t.audio_in, t.audio_out]
        .map(|n| i64::try_from(n).unwrap_or(i64::MAX))
}

/// The inverse of [`token_columns`].
pub(super) fn tokens_from(n: [i64; 8]) -> TokenCounts {
    let [prompt, cached, cache_write, cache_write_1h, completion, reasoning, audio_in, audio_out] =
        n.map(|n| u64::try_from(n).unwrap_or_default());
    TokenCounts { prompt, cached, cache_write, cache_write_1h, completion, reasoning, audio_in, audio_out }
}

/// A row as it was read; `input`, `output` and `details` are elsewhere.
#[derive(Debug)]
pub(super) struct StoredSpan {
    pub(super) seq: i64,
    pub(super) merged: Merged,
    pub(super) payload: Option<i64>,
}

/// Reads one column after the other.
struct Columns<'a> {
    row: &'a Row<'a>,
    next: usize,
}

impl<'a> Columns<'a> {
    fn take(&mut self) -> rusqlite::Result<ValueRef<'a>> {
        let value = self.row.get_ref(self.next)?;
        self.next += 1;
        Ok(value)
    }

    fn int(&mut self) -> rusqlite::Result<Option<i64>> {
        Ok(match self.take()? {
            ValueRef::Integer(n) => Some(n),
            _ => None,
        })
    }

    fn text(&mut self) -> rusqlite::Result<Option<&'a str>> {
        let at = self.next;
        Ok(match self.take()? {
            ValueRef::Text(bytes) => Some(
                std::str::from_utf8(bytes)
                    .map_err(|e| rusqlite::Error::FromSqlConversionFailure(at, Type::Text, Box::new(e)))?,
            ),
            _ => None,
        })
    }

    fn string(&mut self) -> rusqlite::Result<Option<String>> {
        Ok(self.text()?.map(str::to_owned))
    }

    fn id(&mut self) -> rusqlite::Result<Option<[u8; 16]>> {
        Ok(match self.take()? {
            ValueRef::Blob(bytes) => from_significant(bytes),
            _ => None,
        })
    }
}

/// Decodes a row of [`COLUMNS`].
pub(super) fn read(db: &Connection, names: &NameTexts, row: &Row<'_>) -> rusqlite::Result<StoredSpan> {
    let mut from = Columns { row, next: 0 };
    let seq = from.int()?.unwrap_or_default();
    let mut span = Span {
        trace_id: TraceId(from.id()?.unwrap_or_default()),
        span_id: SpanId(from.id()?.unwrap_or_default()),
        parent_id: from.id()?.map(SpanId),
        kind: from.int()?.and_then(SpanKind::from_number),
        status: from.int()?.and_then(Status::from_number),
        ..Span::default()
    };
    for slot in named_mut(&mut span) {
        if let Some(id) = from.int()? {
            let text: Arc<str> = names.text(db, id)?;
            *slot = Some(text.as_ref().to_owned());
        }
    }
    span.start_us = from.int()?;
    let start = span.start_us.unwrap_or_default();
    span.end_us = from.int()?.map(|duration| start.wrapping_add(duration));
    span.ttft_us = from.int()?;
    span.cost = from.int()?.map(NanoUsd);
    let mut tokens = [0; 8];
    let mut said = false;
    for slot in &mut tokens {
        if let Some(n) = from.int()? {
            *slot = n;
            said = true;
        }
    }
    span.tokens = said.then(|| tokens_from(tokens));
    span.token_source = from.int()?.and_then(TokenSource::from_number);
    span.stream = from.int()?.map(|n| n != 0);
    span.http_status = from.int()?.and_then(|n| u16::try_from(n).ok());
    span.attempts = from.int()?.and_then(|n| u32::try_from(n).ok());
    span.user = from.string()?;
    span.session = from.string()?;
    span.request_id = from.string()?;
    span.upstream_request_id = from.string()?;
    span.error = from.string()?;
    span.tags = from.text()?.and_then(|json| serde_json::from_str(json).ok());
    if let Some(json) = from.text()? {
        span.attributes = attributes::decode(json);
    }
    let at = start.wrapping_add(from.int()?.unwrap_or_default());
    let rank = if from.int()? == Some(Rank::Update as i64) { Rank::Update } else { Rank::Create };
    let own = from.text()?.and_then(|json| serde_json::from_str::<FieldStamps>(json).ok()).unwrap_or_default();
    let payload = from.int()?;
    Ok(StoredSpan { seq, merged: Merged { span, base: Stamp { rank, at }, own }, payload })
}

fn named_mut(span: &mut Span) -> [&mut Option<String>; NAMED] {
    [
        &mut span.project,
        &mut span.model,
        &mut span.provider,
        &mut span.department,
        &mut span.key,
        &mut span.prompt_name,
        &mut span.prompt_version,
        &mut span.name,
        &mut span.response_model,
        &mut span.deployment,
        &mut span.operation,
        &mut span.finish_reason,
        &mut span.cache,
        &mut span.error_type,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_parameters_as_columns() {
        assert_eq!(COLUMNS.split(',').count(), INSERT.split(',').count());
    }
}
