//! Which spans only wrap others: one call that several instrumentations, or several layers of one, have told.
//!
//! The rule: an llm or embedding span is a call unless one of them lies below it, at any depth. A tool span was run unless
//! a tool span of the same name lies right below it, or with nothing but chains in between. What wraps is stored as a chain
//! with the attribute `wraps`: what it came as. Its model, tokens and cost stay its own, and count nowhere.
//!
//! Spans are told in any order over any requests, so the spans of the last traces are remembered. A span that turns out
//! to wrap is changed before it is stored where that is still to come, else by an update. Invariant, property-tested: any
//! order, split and repetition makes chains of the same spans, as long as their trace is remembered. The memory is bounded;
//! it forgets the oldest traces, and all at a restart: of a call and its wrapper that are told before and after, both
//! count. Calls of the gateway itself are always calls; those that are part of somebody's trace make chains of the spans
//! above them.

mod tree;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet, VecDeque};

use parking_lot::Mutex;
use weir_core::id::{SpanKey, TraceId};
use weir_core::merge::SpanWrite;
use weir_core::span::{Span, SpanKind};

use tree::{Said, Tree};

/// Most spans that are remembered, in all and of one trace: as many as 65,536 places of a table hold. That is 8 MB, or
/// 30 MB where each is a trace of its own.
const BOUNDS: Bounds = Bounds { spans: 57_344, of_trace: 10_000 };
/// The attribute that says as what a wrapping span came.
const WRAPS: &str = "wraps";

#[derive(Clone, Copy)]
struct Bounds {
    spans: usize,
    of_trace: usize,
}

/// The memory of recent spans.
pub(super) struct Nesting {
    held: Mutex<Memory>,
}

struct Memory {
    bounds: Bounds,
    traces: HashMap<TraceId, Tree>,
    /// The oldest first.
    order: VecDeque<TraceId>,
    spans: usize,
}

/// Spans for which updates were made.
#[derive(Default)]
pub(super) struct Told(Vec<SpanKey>);

impl Nesting {
    pub(super) fn new() -> Self {
        Self::within(BOUNDS)
    }

    fn within(bounds: Bounds) -> Self {
        let (traces, order) = (HashMap::new(), VecDeque::new());
        Self { held: Mutex::new(Memory { bounds, traces, order, spans: 0 }) }
    }

    /// Notes spans that are about to be stored, makes chains of those that wrap, and adds updates of those that do and were
    /// stored before.
    pub(super) fn take(&self, writes: &mut Vec<SpanWrite>) -> Told {
        let mut held = self.held.lock();
        let mut traces = HashSet::new();
        for write in &*writes {
            let span = &write.span;
            if span.kind.is_some() || span.parent_id.is_some() {
                held.note(span, &Said::by(write));
                traces.insert(span.trace_id);
            }
        }
        for write in &mut *writes {
            let key = write.span.span_key();
            if !is_judged(write.span.kind) {
                continue;
            }
            let Some(tree) = held.traces.get_mut(&key.trace) else { continue };
            match tree.wraps(key.span) {
                Some(came_as) => demote(&mut write.span, came_as),
                None => tree.stored(key.span),
            }
        }
        held.updates(traces, writes)
    }

    /// Notes a call of the gateway and gives updates of the spans above it that are stored as calls.
    pub(super) fn take_own(&self, span: &Span) -> (Vec<SpanWrite>, Told) {
        let (mut held, mut updates) = (self.held.lock(), Vec::new());
        held.note(span, &Said::of_own(span));
        let told = held.updates([span.trace_id].into(), &mut updates);
        (updates, told)
    }

    /// The updates were not taken: they are made again with the next spans of their traces.
    pub(super) fn untold(&self, told: Told) {
        let mut held = self.held.lock();
        for key in told.0 {
            if let Some(tree) = held.traces.get_mut(&key.trace) {
                tree.untold(key.span);
            }
        }
    }
}

impl Memory {
    fn note(&mut self, span: &Span, said: &Said) {
        let tree = self.traces.entry(span.trace_id).or_insert_with(|| {
            self.order.push_back(span.trace_id);
            Tree::new(self.bounds.of_trace)
        });
        let before = tree.len();
        tree.note(span.span_id, said);
        self.spans += tree.len() - before;
        while self.spans > self.bounds.spans && self.order.len() > 1 {
            let oldest = self.order.pop_front().and_then(|trace| self.traces.remove(&trace));
            self.spans -= oldest.map_or(0, |tree| tree.len());
        }
    }

    fn updates(&mut self, traces: HashSet<TraceId>, writes: &mut Vec<SpanWrite>) -> Told {
        let mut told = Told::default();
        for trace in traces {
            for late in self.traces.get_mut(&trace).map(Tree::late).unwrap_or_default() {
                let key = SpanKey { trace, span: late.span };
                let mut span = Span::new(key);
                demote(&mut span, late.came_as);
                writes.push(SpanWrite::update(span, late.at));
                told.0.push(key);
            }
        }
        told
    }
}

/// Makes a span one that only wraps.
pub(crate) fn demote(span: &mut Span, came_as: SpanKind) {
    span.kind = Some(SpanKind::Chain);
    span.attributes.insert(WRAPS.to_owned(), format!("\"{came_as}\""));
}

/// Whether an attribute is what [`demote`] has said of a span.
pub(crate) fn says(span: &Span, name: &str, json: &str) -> bool {
    let came_as = serde_json::from_str::<SpanKind>(json);
    span.kind == Some(SpanKind::Chain) && name == WRAPS && came_as.is_ok_and(|kind| is_judged(Some(kind)))
}

/// Whether spans of a kind can be found to wrap.
fn is_judged(kind: Option<SpanKind>) -> bool {
    matches!(kind, Some(SpanKind::Llm | SpanKind::Embedding | SpanKind::Tool))
}
