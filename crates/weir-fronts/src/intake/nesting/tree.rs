//! The spans of one trace, as far as they were told: who lies in whom, and what that makes of them.
//!
//! What lies below a span is kept with it, and rises to the spans above when it becomes known: each span passes on each
//! thing once, so that a trace costs as many steps as it has spans, in whatever order they come. What has risen stays.
//! A span that only a child has named stands for itself until it is told.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use weir_core::id::SpanId;
use weir_core::merge::{Rank, SpanWrite, Stamp};
use weir_core::span::{Span, SpanKind};
use weir_core::time::Micros;

/// Most different tools that are known to lie below a span.
const MAX_TOOLS: usize = 32;

/// What a write says of a span's place.
pub(super) struct Said {
    pub(super) parent: Option<SpanId>,
    pub(super) kind: Option<SpanKind>,
    /// A tool's name, hashed.
    pub(super) tool: Option<u64>,
    pub(super) stamp: Stamp,
    /// Whether it is the gateway's own call.
    pub(super) is_own: bool,
}

impl Said {
    pub(super) fn by(write: &SpanWrite) -> Self {
        let span = &write.span;
        let name = (span.kind == Some(SpanKind::Tool)).then(|| span.attribute_text("tool_name").or(span.name.clone()));
        Self {
            parent: span.parent_id,
            kind: span.kind,
            tool: name.flatten().map(|name| {
                let mut hasher = DefaultHasher::new();
                name.hash(&mut hasher);
                hasher.finish()
            }),
            stamp: write.stamp,
            is_own: false,
        }
    }

    /// What the gateway says of its own call.
    pub(super) fn of_own(call: &Span) -> Self {
        let stamp = Stamp { rank: Rank::Create, at: 0 };
        Self { parent: call.parent_id, kind: call.kind, tool: None, stamp, is_own: true }
    }
}

/// A span that is stored as what it is not.
pub(super) struct Late {
    pub(super) span: SpanId,
    pub(super) came_as: SpanKind,
    /// The stamp with which an update wins.
    pub(super) at: Micros,
}

#[derive(Default)]
struct Node {
    parent: Option<SpanId>,
    kind: Option<SpanKind>,
    tool: Option<u64>,
    /// What the kind was said with.
    stamp: Option<Stamp>,
    is_own: bool,
    /// Whether an llm or embedding span lies below.
    has_call: bool,
    /// The tools below, right there or with nothing but chains in between.
    tools: Vec<u64>,
    /// What it came as, where it is found to wrap.
    wraps: Option<SpanKind>,
    /// Whether it was stored with its kind.
    is_stored: bool,
}

impl Node {
    fn is_call(&self) -> bool {
        matches!(self.kind, Some(SpanKind::Llm | SpanKind::Embedding))
    }

    fn is_wrapper(&self) -> bool {
        let same_tool = || self.tool.is_some_and(|tool| self.tools.contains(&tool));
        !self.is_own && (self.is_call() && self.has_call || self.kind == Some(SpanKind::Tool) && same_tool())
    }

    /// Takes what is said; a kind as the store merges it. Returns whether that is new.
    fn take(&mut self, said: &Said) -> bool {
        let mut is_new = said.is_own && !self.is_own;
        self.is_own |= said.is_own;
        if said.parent.is_some() && said.parent != self.parent {
            self.parent = said.parent;
            is_new = true;
        }
        let weight = |stamp, kind: Option<SpanKind>| (stamp, kind.map(SpanKind::as_str));
        let wins = self.stamp.is_none_or(|held| weight(said.stamp, said.kind) > weight(held, self.kind));
        if said.kind.is_some() && wins {
            is_new |= self.kind != said.kind || self.tool != said.tool;
            (self.kind, self.tool, self.stamp) = (said.kind, said.tool, Some(said.stamp));
        }
        is_new
    }
}

/// The spans of a trace.
pub(super) struct Tree {
    nodes: HashMap<SpanId, Node>,
    most: usize,
    /// Those that were found to wrap and of which nothing was written since.
    found: Vec<SpanId>,
}

impl Tree {
    pub(super) fn new(most: usize) -> Self {
        Self { nodes: HashMap::new(), most, found: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Notes what is said of a span; nothing of a new one where too many are known already.
    pub(super) fn note(&mut self, span: SpanId, said: &Said) {
        if self.node(span).is_some_and(|node| node.take(said)) {
            self.rise(span);
        }
    }

    /// As what a span came that is found to wrap.
    pub(super) fn wraps(&self, span: SpanId) -> Option<SpanKind> {
        self.nodes.get(&span)?.wraps
    }

    /// A span is stored with its kind.
    pub(super) fn stored(&mut self, span: SpanId) {
        if let Some(node) = self.nodes.get_mut(&span) {
            node.is_stored = true;
        }
    }

    /// Those that were found to wrap since, and are stored with their kind.
    pub(super) fn late(&mut self) -> Vec<Late> {
        let late = |span| {
            let node = self.nodes.get(&span).filter(|node| node.is_stored)?;
            Some(Late { span, came_as: node.wraps?, at: node.stamp?.at.saturating_add(1) })
        };
        std::mem::take(&mut self.found).into_iter().filter_map(late).collect()
    }

    /// What was found of a span is still to be written.
    pub(super) fn untold(&mut self, span: SpanId) {
        self.found.push(span);
    }

    fn node(&mut self, span: SpanId) -> Option<&mut Node> {
        if self.nodes.len() >= self.most && !self.nodes.contains_key(&span) {
            return None;
        }
        Some(self.nodes.entry(span).or_default())
    }

    /// Judges a span of which something new is known, and tells the ones above as far as that is news to them. Ends in a
    /// circle of parents, too: there it is none any more.
    fn rise(&mut self, mut span: SpanId) {
        while let Some(node) = self.nodes.get_mut(&span) {
            if node.wraps.is_none() && node.is_wrapper() {
                node.wraps = node.kind;
                self.found.push(span);
            }
            let Some(parent) = node.parent.filter(|parent| *parent != span) else { return };
            let has_call = node.is_call() || node.has_call;
            let tools = match node.kind {
                Some(SpanKind::Tool) => node.tool.into_iter().collect(),
                Some(SpanKind::Chain) => node.tools.clone(),
                _ => Vec::new(),
            };
            let Some(above) = self.node(parent) else { return };
            let mut is_news = has_call && !above.has_call;
            above.has_call |= has_call;
            for tool in tools {
                if above.tools.len() < MAX_TOOLS && !above.tools.contains(&tool) {
                    above.tools.push(tool);
                    is_news = true;
                }
            }
            if !is_news {
                return;
            }
            span = parent;
        }
    }
}
