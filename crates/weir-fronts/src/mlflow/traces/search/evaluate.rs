//! Whether a trace is what a filter looks for. What a condition needs beyond the head is read once for a whole batch, and
//! only if some condition needs it.

use std::collections::{HashMap, HashSet};

use weir_core::id::TraceId;
use weir_core::query::{Condition, Held, Op, Operand, Target, Test};
use weir_core::score::{Score, ScoreKind};
use weir_core::span::Span;
use weir_store::traces::{Link, Totals, TraceHead};

use super::spans::SpanView;
use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;
use crate::mlflow::traces::experiments::ByKey;
use crate::mlflow::traces::info::{State, TraceInfo};
use crate::mlflow::traces::{assemble, names, read, scores};

/// Most traces of a run or of a prompt that are known to a search.
const MOST_LINKED: usize = 1_000_000;

/// A filter, made ready.
pub(in crate::mlflow::traces) struct Filter {
    conditions: Vec<Condition>,
    /// Traces that are linked to what a condition names, by its place.
    linked: HashMap<usize, HashSet<TraceId>>,
    pub(super) needs: Needs,
}

/// What conditions look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    pub(super) totals: bool,
    pub(super) spans: bool,
    pub(super) payload: bool,
    pub(super) scores: bool,
}

/// A trace that was found, as far as it is known.
pub(in crate::mlflow::traces) struct Found {
    pub(in crate::mlflow::traces) head: TraceHead,
    pub(in crate::mlflow::traces) info: TraceInfo,
}

/// What is known of one trace.
struct Facts<'a> {
    id: TraceId,
    info: &'a TraceInfo,
    spans: &'a [Span],
    scores: &'a [Score],
}

impl Filter {
    pub(in crate::mlflow::traces) fn new(front: &Front, conditions: Vec<Condition>) -> Result<Self, Refused> {
        let mut needs = Needs::default();
        let mut linked = HashMap::new();
        for (at, condition) in conditions.iter().enumerate() {
            match &condition.target {
                Target::Related("span", "content") | Target::Entry("span", _) | Target::Field("text") => {
                    needs.spans = true;
                    needs.payload = true;
                }
                Target::Related("span", _) => needs.spans = true,
                Target::Entry("feedback" | "expectation", _) | Target::Related("issue", _) => needs.scores = true,
                Target::Field("run" | "prompt") => {
                    if let Test::Compare(Op::Eq, Operand::Text(value)) = &condition.test {
                        let link = match condition.target {
                            Target::Field("run") => Link::Run(value.clone()),
                            _ => prompt(value)?,
                        };
                        let ids = front.parts.traces.linked_traces(&link, MOST_LINKED)?;
                        linked.insert(at, ids.into_iter().collect());
                    }
                }
                target => needs.totals |= is_of_spans(target),
            }
        }
        Ok(Self { conditions, linked, needs })
    }

    /// Traces are also to be told apart by this.
    pub(in crate::mlflow::traces) fn asks(&mut self, target: &Target) {
        self.needs.totals |= is_of_spans(target);
    }

    /// Everything of a trace but its payloads is to be known.
    pub(in crate::mlflow::traces) fn asks_all(&mut self) {
        self.needs.totals = true;
    }

    /// Those of some traces that it holds for.
    pub(in crate::mlflow::traces) fn keep(&self, front: &Front, heads: Vec<TraceHead>) -> Result<Vec<Found>, Refused> {
        let totals = if self.needs.totals {
            let ids: Vec<TraceId> = heads.iter().map(|head| head.id).collect();
            front.parts.traces.trace_totals(&ids)?
        } else {
            vec![Totals::default(); heads.len()]
        };
        let mut projects = ByKey::new(front);
        let mut found = Vec::new();
        for (head, totals) in heads.into_iter().zip(&totals) {
            let info = assemble::known(&head, totals, &mut projects)?;
            let facts = Facts { id: head.id, info: &info, spans: &[], scores: &[] };
            if self.holds(&facts, false) {
                found.push(Found { head, info });
            }
        }
        if self.needs.scores && !found.is_empty() {
            let ids: Vec<TraceId> = found.iter().map(|found| found.head.id).collect();
            let mut scores = scores::of(front, &ids)?.into_iter();
            found.retain(|found| {
                let scores = scores.next().unwrap_or_default();
                let facts = Facts { id: found.head.id, info: &found.info, spans: &[], scores: &scores };
                self.scored(&facts)
            });
        }
        if self.needs.spans && !found.is_empty() {
            found = self.with_spans(front, found)?;
        }
        Ok(found)
    }

    /// Spans are read for a few traces at a time, as they may be large.
    fn with_spans(&self, front: &Front, found: Vec<Found>) -> Result<Vec<Found>, Refused> {
        const AT_ONCE: usize = 32;
        let mut kept = Vec::new();
        let mut rest = found.into_iter().peekable();
        while rest.peek().is_some() {
            let some: Vec<Found> = rest.by_ref().take(AT_ONCE).collect();
            let ids: Vec<TraceId> = some.iter().map(|found| found.head.id).collect();
            let spans = front.parts.traces.trace_spans(&ids, self.needs.payload, read::MOST_SPANS)?;
            for (found, spans) in some.into_iter().zip(spans) {
                let facts = Facts { id: found.head.id, info: &found.info, spans: &spans, scores: &[] };
                if self.holds(&facts, true) {
                    kept.push(found);
                }
            }
        }
        Ok(kept)
    }

    /// Whether the conditions on the trace itself hold, or those on its spans.
    fn holds(&self, facts: &Facts<'_>, of_spans: bool) -> bool {
        if of_spans {
            let of_span = |condition: &&Condition| {
                matches!(
                    condition.target,
                    Target::Related("span", _) | Target::Entry("span", _) | Target::Field("text")
                )
            };
            let conditions: Vec<&Condition> = self.conditions.iter().filter(of_span).collect();
            // One span must satisfy them all.
            return facts.spans.iter().any(|span| {
                let view = SpanView::new(span, &facts.info.trace_id);
                conditions.iter().all(|condition| view.satisfies(condition))
            });
        }
        self.conditions.iter().enumerate().all(|(at, condition)| self.of_trace(at, condition, facts))
    }

    fn of_trace(&self, at: usize, condition: &Condition, facts: &Facts<'_>) -> bool {
        let info = facts.info;
        let test = &condition.test;
        let text = |held: Option<&str>| test.holds(held.map(Held::Text));
        let is_linked = || self.linked.get(&at).is_some_and(|ids| ids.contains(&facts.id));
        match &condition.target {
            Target::Field("id") => text(Some(&info.trace_id)),
            Target::Field("status") => text(Some(info.state.as_str())),
            Target::Field("client_request_id") => text(info.client_request_id.as_deref()),
            Target::Field("name") => text(info.tags.get(names::TRACE_NAME).map(String::as_str)),
            Target::Field("run") => text(info.metadata.get(names::SOURCE_RUN).map(String::as_str)) || is_linked(),
            Target::Field("prompt") => is_linked(),
            Target::Field("text") => true,
            Target::Field(field) => test.holds(number(info, field).map(Held::Number)),
            Target::Entry("tags", key) => text(info.tags.get(key).map(String::as_str)),
            Target::Entry("metadata", key) => text(info.metadata.get(key).map(String::as_str)),
            // Those of spans and scores are asked elsewhere.
            Target::Entry(..) | Target::Related(..) => true,
        }
    }

    fn scored(&self, facts: &Facts<'_>) -> bool {
        self.conditions.iter().all(|condition| match &condition.target {
            Target::Entry("feedback", name) => {
                scores::satisfies(facts.scores, ScoreKind::Feedback, name, &condition.test)
            }
            Target::Entry("expectation", name) => {
                scores::satisfies(facts.scores, ScoreKind::Expectation, name, &condition.test)
            }
            Target::Related("issue", _) => match &condition.test {
                Test::Compare(Op::Eq, Operand::Text(id)) => scores::has_issue(facts.scores, id),
                _ => false,
            },
            _ => true,
        })
    }

    /// The traces that a condition names, where one does: nothing else has to be looked at.
    pub(super) fn named(&self) -> Option<Vec<&str>> {
        self.conditions.iter().find_map(|condition| match (&condition.target, &condition.test) {
            (Target::Field("id"), Test::Compare(Op::Eq, Operand::Text(id))) => Some(vec![id.as_str()]),
            (Target::Field("id"), Test::In(ids)) => Some(ids.iter().map(String::as_str).collect()),
            _ => None,
        })
    }

    /// The milliseconds, first inside and last outside, that conditions leave.
    pub(super) fn range(&self) -> (Option<i64>, Option<i64>) {
        let (mut from, mut to): (Option<i64>, Option<i64>) = (None, None);
        for condition in &self.conditions {
            let (Target::Field("at"), Test::Compare(op, Operand::Number(ms))) = (&condition.target, &condition.test)
            else {
                continue;
            };
            // Saturates; what a fraction or a NaN means is decided by the condition itself.
            let (low, high) = (ms.floor() as i64, (ms.ceil() as i64).saturating_add(1));
            if matches!(op, Op::Gt | Op::Ge | Op::Eq) {
                from = from.max(Some(low));
            }
            if matches!(op, Op::Lt | Op::Le | Op::Eq) {
                to = Some(to.map_or(high, |to| to.min(high)));
            }
        }
        (from, to)
    }
}

/// Whether it is made of all spans of a trace, where the trace does not say it.
fn is_of_spans(target: &Target) -> bool {
    match target {
        Target::Field("duration" | "end") | Target::Entry("metadata", _) => true,
        Target::Entry("tags", key) => key == names::SPANS_LOCATION,
        _ => false,
    }
}

/// A number of a trace, by its field.
pub(super) fn number(info: &TraceInfo, field: &str) -> Option<f64> {
    let ms = match field {
        "at" => Some(info.request_time_ms),
        "duration" => info.execution_ms,
        "end" => Some(info.request_time_ms.saturating_add(info.execution_ms.unwrap_or_default())),
        _ => None,
    };
    ms.map(|ms| ms as f64)
}

/// A text of a trace, by what it is ordered by.
pub(super) fn text<'a>(info: &'a TraceInfo, target: &Target) -> Option<&'a str> {
    match target {
        Target::Field("id") => Some(&info.trace_id),
        Target::Field("status") if info.state == State::Unspecified => None,
        Target::Field("status") => Some(info.state.as_str()),
        Target::Field("name") => info.tags.get(names::TRACE_NAME).map(String::as_str),
        Target::Field("run") => info.metadata.get(names::SOURCE_RUN).map(String::as_str),
        Target::Entry("tags", key) => info.tags.get(key).map(String::as_str),
        Target::Entry("metadata", key) => info.metadata.get(key).map(String::as_str),
        _ => None,
    }
}

fn prompt(value: &str) -> Result<Link, Refused> {
    if value.matches('/').count() != 1 {
        return Err(Refused::invalid(format!(
            "Invalid prompts filter value '{value}'. Expected format: prompt = \"name/version\""
        )));
    }
    Ok(Link::Prompt(value.to_owned()))
}
