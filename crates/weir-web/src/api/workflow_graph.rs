//! The graph of a workflow, folded from the figures of its decisions in a window of time and in the one before.
//!
//! Invariants: the same figures give the same graph, whatever their order. What a node's decisions are shares of counts
//! every one of them, also those that [`MAX_EDGES`] leaves out.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use weir_core::experiment::Share;
use weir_core::time::Micros;
use weir_store::telemetry::StepGroup;

/// Most edges of a graph, those that were taken most often.
pub(super) const MAX_EDGES: usize = 1_000;
/// Most edges that have a series, those that were taken most often.
pub(super) const MAX_SERIES: usize = 100;

/// A graph of decisions.
#[derive(Debug, Default)]
pub(super) struct Graph {
    /// In the order of the flow: first what nothing leads to, then what that leads to, the most frequent first.
    pub(super) nodes: Vec<Node>,
    /// By the node that they leave, in the order of the nodes; the most frequent first.
    pub(super) edges: Vec<Edge>,
    /// Edges beyond the bound.
    pub(super) left_out: usize,
}

/// A count in the window and in the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) now: u64,
    pub(super) before: u64,
}

/// A node: something that decisions leave or enter.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) name: String,
    /// Decisions that led to it.
    pub(super) entered: Count,
    /// Decisions that were made in it.
    pub(super) left: Count,
}

/// The decisions from a node to another.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) count: Count,
    /// Those of the window that failed.
    pub(super) errors: u64,
    /// All decisions that left `from`.
    pub(super) left: Count,
    /// Per bucket that `from` was left in: this edge's decisions among all of them, ascending. `None` beyond
    /// [`MAX_SERIES`].
    pub(super) series: Option<Vec<(Micros, Share)>>,
}

impl Count {
    fn add(&mut self, other: Self) {
        self.now = self.now.saturating_add(other.now);
        self.before = self.before.saturating_add(other.before);
    }

    fn sum(self) -> u64 {
        self.now.saturating_add(self.before)
    }
}

impl Node {
    /// How often it was visited: a first node is only left, a last one only entered.
    pub(super) fn visits(&self) -> Count {
        Count { now: self.entered.now.max(self.left.now), before: self.entered.before.max(self.left.before) }
    }
}

impl Edge {
    /// Its share of the decisions that left its node, in the window.
    pub(super) fn share(&self) -> Share {
        Share { hits: self.count.now, of: self.left.now }
    }

    /// The same in the window before.
    pub(super) fn share_before(&self) -> Share {
        Share { hits: self.count.before, of: self.left.before }
    }
}

/// What is known of an edge before its node is known.
#[derive(Default)]
struct Taken {
    count: Count,
    errors: u64,
    series: BTreeMap<Micros, u64>,
}

impl Graph {
    /// The graph of the decisions of a window and of the one before.
    pub(super) fn of(now: &[StepGroup], before: &[StepGroup]) -> Self {
        let taken = taken(now, before);
        let mut nodes: BTreeMap<&str, Node> = BTreeMap::new();
        let mut left_in: HashMap<&str, BTreeMap<Micros, u64>> = HashMap::new();
        for ((from, to), edge) in &taken {
            nodes.entry(from).or_default().left.add(edge.count);
            nodes.entry(to).or_default().entered.add(edge.count);
            for (start, n) in &edge.series {
                let sum = left_in.entry(from).or_default().entry(*start).or_default();
                *sum = sum.saturating_add(*n);
            }
        }
        let mut edges: Vec<(&(&str, &str), &Taken)> = taken.iter().collect();
        edges.sort_by_key(|(_, edge)| Reverse(edge.count.sum()));
        let left_out = edges.len().saturating_sub(MAX_EDGES);
        edges.truncate(MAX_EDGES);
        let edges = edges.into_iter().enumerate().map(|(n, ((from, to), edge))| Edge {
            from: (*from).to_owned(),
            to: (*to).to_owned(),
            count: edge.count,
            errors: edge.errors,
            left: nodes.get(from).map(|node| node.left).unwrap_or_default(),
            series: (n < MAX_SERIES).then(|| {
                let hits = |start: &Micros| edge.series.get(start).copied().unwrap_or_default();
                let share = |(start, of): (&Micros, &u64)| (*start, Share { hits: hits(start), of: *of });
                left_in.get(from).into_iter().flatten().map(share).collect()
            }),
        });
        in_order(edges.collect(), nodes, left_out)
    }
}

/// The decisions by edge: one name of a workflow may stand in several projects.
fn taken<'a>(now: &'a [StepGroup], before: &'a [StepGroup]) -> BTreeMap<(&'a str, &'a str), Taken> {
    let mut taken: BTreeMap<(&str, &str), Taken> = BTreeMap::new();
    for group in now {
        let edge = taken.entry(ends(group)).or_default();
        edge.count.add(Count { now: group.total.count, before: 0 });
        edge.errors = edge.errors.saturating_add(group.total.errors);
        for (start, figures) in &group.series {
            let n = edge.series.entry(*start).or_default();
            *n = n.saturating_add(figures.count);
        }
    }
    for group in before {
        taken.entry(ends(group)).or_default().count.add(Count { now: 0, before: group.total.count });
    }
    taken
}

fn ends(group: &StepGroup) -> (&str, &str) {
    (&group.step, group.target.as_deref().unwrap_or_default())
}

/// Breadth first from the nodes that nothing leads to; of what only a circle leads to, from the most visited.
fn in_order(mut edges: Vec<Edge>, nodes: BTreeMap<&str, Node>, left_out: usize) -> Graph {
    let names: BTreeSet<String> = edges.iter().flat_map(|e| [e.from.clone(), e.to.clone()]).collect();
    let mut nodes: Vec<Node> = nodes
        .into_iter()
        .filter(|(name, _)| names.contains(*name))
        .map(|(name, node)| Node { name: name.to_owned(), ..node })
        .collect();
    nodes.sort_by_key(|node| (node.entered.sum() > 0, Reverse(node.visits().sum())));
    let mut following: HashMap<&str, Vec<&str>> = HashMap::new();
    for edge in &edges {
        following.entry(&edge.from).or_default().push(&edge.to);
    }
    let mut place: HashMap<String, usize> = HashMap::new();
    for root in &nodes {
        let mut queue = VecDeque::from([root.name.as_str()]);
        while let Some(name) = queue.pop_front() {
            if !place.contains_key(name) {
                place.insert(name.to_owned(), place.len());
                queue.extend(following.get(name).into_iter().flatten());
            }
        }
    }
    let at = |name: &str| place.get(name).copied();
    nodes.sort_by_key(|node| at(&node.name));
    // Stable: the most frequent stays first.
    edges.sort_by_key(|edge| at(&edge.from));
    Graph { nodes, edges, left_out }
}

#[cfg(test)]
#[path = "workflow_graph_tests.rs"]
mod tests;
