//! The steps of a request in order, with the time between them: pure, from the spans that were found.
//!
//! Invariants: any order of the spans gives the same path. A parent that is not among them leaves its child at the top; a
//! circle of parents is cut open at one place. A step without a start is filed at its end, or where its parent starts.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use weir_core::id::SpanKey;
use weir_core::money::NanoUsd;
use weir_core::span::{Span, Status};
use weir_core::time::Micros;
use weir_core::token::TokenCounts;

/// A step in its place.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) span: Span,
    /// Steps above it.
    pub(super) depth: usize,
    /// From the first start of all; `None` without a start of its own.
    pub(super) offset_us: Option<Micros>,
    /// Time in which nothing happened before it: from the end of the last step that had ended, or from the start of a step
    /// that it lies in where that is later; 0 while another one was still running. `None` for the first, and without a
    /// start.
    pub(super) gap_us: Option<Micros>,
    /// Whether its tokens count in the sum: those of a call within a call are the same ones, seen twice.
    counts_tokens: bool,
    /// The same of its cost.
    counts_cost: bool,
}

/// What the steps come to.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Totals {
    /// First start.
    pub(super) start: Option<Micros>,
    /// From the first start to the last end.
    pub(super) duration_us: Option<Micros>,
    /// Calls of models.
    pub(super) calls: u64,
    pub(super) tokens: TokenCounts,
    pub(super) cost: NanoUsd,
    /// Calls whose cost is not known.
    pub(super) unpriced: u64,
    /// Steps that failed.
    pub(super) errors: u64,
    /// Steps that have not ended.
    pub(super) pending: u64,
}

/// Puts spans in order: by start, then by their depth in the tree.
pub(super) fn arrange(mut spans: Vec<Span>) -> Vec<Placed> {
    // The ids of one Weir sort by time: what starts in the same microsecond stays in the order in which it was made.
    spans.sort_by_key(|s| (s.start_us.or(s.end_us).unwrap_or(Micros::MAX), s.span_id, s.trace_id));
    let tree = Tree::of(&spans);
    let mut order: Vec<usize> = (0..spans.len()).collect();
    order.sort_by_key(|n| (tree.start(*n), tree.depth(*n)));
    let gaps = gaps(&order, &tree);
    let first = spans.iter().filter_map(|s| s.start_us).min().unwrap_or_default();
    let counts = |n: usize, has: &dyn Fn(&Span) -> bool| {
        let above = |at: usize| spans.get(at).is_some_and(|s| s.is_call() && has(s));
        spans.get(n).is_some_and(|s| s.is_call() && has(s)) && !tree.above(n).any(above)
    };
    let facts: Vec<_> = (0..spans.len())
        .map(|n| {
            let counts_tokens = counts(n, &|s| s.tokens.is_some());
            (tree.depth(n), gaps.get(n).copied().flatten(), counts_tokens, counts(n, &|s| s.cost.is_some()))
        })
        .collect();
    let mut spans: Vec<Option<Span>> = spans.into_iter().map(Some).collect();
    let place = |n: usize| {
        let span = spans.get_mut(n)?.take()?;
        let (depth, gap_us, counts_tokens, counts_cost) = *facts.get(n)?;
        let offset_us = span.start_us.map(|start| start.saturating_sub(first));
        let gap_us = gap_us.filter(|_| span.start_us.is_some());
        Some(Placed { span, depth, offset_us, gap_us, counts_tokens, counts_cost })
    };
    order.into_iter().filter_map(place).collect()
}

/// Sums up.
pub(super) fn totals(steps: &[Placed]) -> Totals {
    let starts = || steps.iter().filter_map(|s| s.span.start_us);
    let last = steps.iter().filter_map(|s| s.span.end_us.or(s.span.start_us)).max();
    let start = starts().min();
    let mut totals = Totals {
        start,
        duration_us: last.zip(start).map(|(last, start)| last.saturating_sub(start).max(0)),
        ..Totals::default()
    };
    for step in steps {
        let span = &step.span;
        if span.is_call() {
            totals.calls += 1;
            totals.unpriced += u64::from(span.cost.is_none());
        }
        if let (true, Some(tokens)) = (step.counts_tokens, span.tokens) {
            totals.tokens = totals.tokens.saturating_add(tokens);
        }
        if let (true, Some(cost)) = (step.counts_cost, span.cost) {
            totals.cost = totals.cost.saturating_add(cost);
        }
        totals.errors += u64::from(matches!(span.status, Some(Status::Error | Status::RateLimited | Status::Blocked)));
        totals.pending += u64::from(is_pending(span));
    }
    totals
}

/// Whether it has not ended.
pub(super) fn is_pending(span: &Span) -> bool {
    span.end_us.is_none() && matches!(span.status, None | Some(Status::Pending))
}

/// Who lies within whom, by place in the list.
struct Tree {
    nodes: Vec<Node>,
}

#[derive(Clone, Copy)]
struct Node {
    parent: Option<usize>,
    depth: usize,
    start: Micros,
    /// `Micros::MAX` while it is open.
    end: Micros,
}

impl Tree {
    fn of(spans: &[Span]) -> Self {
        let places: HashMap<SpanKey, usize> = spans.iter().enumerate().map(|(n, s)| (s.span_key(), n)).collect();
        let parent = |s: &Span| places.get(&SpanKey { trace: s.trace_id, span: s.parent_id? }).copied();
        let mut nodes: Vec<Node> = spans
            .iter()
            .map(|s| Node {
                parent: parent(s),
                depth: 0,
                start: s.start_us.or(s.end_us).unwrap_or(Micros::MAX),
                end: s.end_us.unwrap_or(Micros::MAX),
            })
            .collect();
        let mut state = vec![State::New; nodes.len()];
        let mut climbed = Vec::new();
        for n in 0..nodes.len() {
            let mut at = Some(n);
            // Up to what is known already, or to the top.
            while let Some(here) = at {
                match state.get(here) {
                    Some(State::New) => {}
                    // A circle: the step that closed it becomes the top.
                    Some(State::Climbing) => {
                        if let Some(node) = climbed.last().and_then(|last: &usize| nodes.get_mut(*last)) {
                            node.parent = None;
                        }
                        break;
                    }
                    _ => break,
                }
                if let Some(state) = state.get_mut(here) {
                    *state = State::Climbing;
                }
                climbed.push(here);
                at = nodes.get(here).and_then(|node| node.parent);
            }
            while let Some(here) = climbed.pop() {
                let above = nodes.get(here).and_then(|node| node.parent).and_then(|p| nodes.get(p)).copied();
                if let (Some(node), Some(state)) = (nodes.get_mut(here), state.get_mut(here)) {
                    if let Some(above) = above {
                        node.depth = above.depth + 1;
                        if node.start == Micros::MAX {
                            node.start = above.start;
                        }
                    }
                    *state = State::Known;
                }
            }
        }
        Self { nodes }
    }

    fn start(&self, n: usize) -> Micros {
        self.nodes.get(n).map_or(Micros::MAX, |node| node.start)
    }

    fn end(&self, n: usize) -> Micros {
        self.nodes.get(n).map_or(Micros::MAX, |node| node.end)
    }

    fn depth(&self, n: usize) -> usize {
        self.nodes.get(n).map_or(0, |node| node.depth)
    }

    /// The steps above one, the nearest first.
    fn above(&self, n: usize) -> impl Iterator<Item = usize> {
        let parent = |n: usize| self.nodes.get(n).and_then(|node| node.parent);
        std::iter::successors(parent(n), move |n| parent(*n))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Climbing,
    Known,
}

/// The gap before each step, by place in the list.
fn gaps(order: &[usize], tree: &Tree) -> Vec<Option<Micros>> {
    let mut gaps = vec![None; order.len()];
    let mut running: BinaryHeap<Reverse<Micros>> = BinaryHeap::new();
    let mut begun = vec![false; order.len()];
    let mut last_end: Option<Micros> = None;
    for n in order {
        let start = tree.start(*n);
        if start == Micros::MAX {
            continue;
        }
        while let Some(Reverse(end)) = running.peek().copied().filter(|Reverse(end)| *end <= start) {
            running.pop();
            last_end = last_end.max(Some(end));
        }
        let around = tree.above(*n).filter(|at| begun.get(*at) == Some(&true) && tree.end(*at) > start);
        let (around, since) = around.fold((0, last_end), |(n, since), at| (n + 1, since.max(Some(tree.start(at)))));
        if let Some(gap) = gaps.get_mut(*n) {
            *gap = if running.len() > around { Some(0) } else { since.map(|since| start.saturating_sub(since)) };
        }
        running.push(Reverse(tree.end(*n)));
        if let Some(begun) = begun.get_mut(*n) {
            *begun = true;
        }
    }
    gaps
}

#[cfg(test)]
#[path = "trace_path_tests.rs"]
mod tests;
