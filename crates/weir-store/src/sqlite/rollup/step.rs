//! Steps of workflows as they are counted: what one is, as one text that is the value of a slice.
//!
//! Invariant: two steps have the same text only when they are the same, as far as their texts are kept.

use weir_core::span::{Span, SpanKind};

/// Most characters that are kept of the name of a workflow, a node or a tool.
const KEPT: usize = 200;

/// A step: a decision from a node to another, a tool, or a retriever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sqlite) struct Step {
    pub(in crate::sqlite) workflow: Option<String>,
    pub(in crate::sqlite) step: String,
    pub(in crate::sqlite) target: Option<String>,
}

/// The number of the slices that steps of a kind have; apart from the dimensions of calls, which may become more.
pub(in crate::sqlite) fn number(kind: SpanKind) -> Option<i64> {
    match kind {
        SpanKind::Branch => Some(100),
        SpanKind::Tool => Some(101),
        SpanKind::Retriever => Some(102),
        _ => None,
    }
}

/// All of these numbers.
pub(super) fn numbers() -> impl Iterator<Item = i64> {
    SpanKind::ALL.iter().filter_map(|kind| number(*kind))
}

impl Step {
    /// What a span is a step of; `None` when it is none that is counted.
    pub(super) fn of(span: &Span) -> Option<Self> {
        let (step, target) = match span.kind? {
            SpanKind::Branch => {
                let (from, to) = span.branch()?;
                (from, Some(to))
            }
            SpanKind::Tool => {
                (span.attribute_text("tool_name").or_else(|| span.name.clone()).unwrap_or_default(), None)
            }
            SpanKind::Retriever => (span.name.clone().unwrap_or_default(), None),
            _ => return None,
        };
        Some(Self { workflow: span.workflow().map(cut), step: cut(step), target: target.map(cut) })
    }

    /// As one text: a JSON array, in which absence is no text.
    pub(super) fn encode(&self) -> String {
        serde_json::json!([self.workflow, self.step, self.target]).to_string()
    }

    /// The inverse of [`Step::encode`].
    pub(super) fn decode(text: &str) -> Option<Self> {
        let (workflow, step, target) = serde_json::from_str(text).ok()?;
        Some(Self { workflow, step, target })
    }
}

/// The first characters of a text.
fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(KEPT) {
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn texts_read_back(workflow in proptest::option::of(".{0,9}"), step in ".{0,9}", target in proptest::option::of(".{0,9}")) {
            let step = Step { workflow, step, target };
            prop_assert_eq!(Step::decode(&step.encode()), Some(step));
        }
    }

    #[test]
    fn names_are_cut_between_characters() {
        let long = "é".repeat(KEPT + 1);
        assert_eq!(cut(long), "é".repeat(KEPT));
        let whole = "🦀".repeat(KEPT);
        assert_eq!(cut(whole.clone()), whole);
    }

    #[test]
    fn a_tool_goes_by_its_attribute_and_a_branch_needs_both_nodes() {
        let mut span = Span { kind: Some(SpanKind::Tool), name: Some("span".into()), ..Span::default() };
        let step = |span: &Span| Step::of(span).map(|s| s.encode());
        assert_eq!(step(&span).as_deref(), Some(r#"[null,"span",null]"#));
        span.attributes.insert("tool_name".into(), "\"search\"".into());
        span.attributes.insert("workflow".into(), "\"w\"".into());
        assert_eq!(step(&span).as_deref(), Some(r#"["w","search",null]"#));
        span.kind = Some(SpanKind::Retriever);
        assert_eq!(step(&span).as_deref(), Some(r#"["w","span",null]"#));
        span.kind = Some(SpanKind::Branch);
        span.attributes.insert("from_node".into(), "\"a\"".into());
        assert_eq!(step(&span), None);
        span.attributes.insert("to_node".into(), "7".into());
        assert_eq!(step(&span).as_deref(), Some(r#"["w","a","7"]"#));
        span.kind = Some(SpanKind::Llm);
        assert_eq!(step(&span), None);
    }
}
