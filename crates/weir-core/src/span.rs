//! The span: one step with a start, an end, an input and an output. A gateway call is a span of kind `llm` or
//! `embedding`; what the foreign protocols send lands on the same fields.
//!
//! Invariant: every field is optional, because protocols send a span in pieces; absent means "not said", never zero.
//! The field list stands once, in the macro call below: the merge, the journal and the store follow it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::id::{SpanId, SpanKey, TraceId};
use crate::money::NanoUsd;
use crate::time::Micros;
use crate::token::TokenCounts;

macro_rules! closed_set {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant,)+ }

        impl $name {
            /// Every member, in the order of its stored number.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name used in JSON, SQL views, metrics and filters.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The member of that name.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }

            /// The number that stores keep; it never changes for a member.
            #[must_use]
            pub fn number(self) -> i64 {
                self as i64
            }

            /// The member of a stored number.
            #[must_use]
            pub fn from_number(number: i64) -> Option<Self> {
                usize::try_from(number).ok().and_then(|n| Self::ALL.get(n)).copied()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

closed_set! {
    /// What sort of step a span is. New members are appended: the number is stored.
    SpanKind {
        /// A call of a language model.
        Llm = "llm",
        /// A tool or function that was run.
        Tool = "tool",
        /// A decision of a workflow: from one node to another under a condition.
        Branch = "branch",
        /// A retrieval of documents.
        Retriever = "retriever",
        /// A call of an embedding model.
        Embedding = "embedding",
        /// A step that only groups others.
        Chain = "chain",
        /// An agent's turn.
        Agent = "agent",
        /// A check of an input or an output.
        Guardrail = "guardrail",
        /// A judgement of another span.
        Evaluator = "evaluator",
        /// Anything else.
        Other = "other",
    }
}

closed_set! {
    /// How a span ended. New members are appended: the number is stored.
    Status {
        /// Not ended yet.
        Pending = "pending",
        /// Ended well.
        Success = "success",
        /// Failed, here or upstream.
        Error = "error",
        /// Answered from the cache.
        Cached = "cached",
        /// Refused by a rate limit of Weir's.
        RateLimited = "rate_limited",
        /// Refused by a budget, a permission or a guardrail.
        Blocked = "blocked",
        /// The client went away before the answer was complete.
        Cancelled = "cancelled",
    }
}

closed_set! {
    /// Where the token counts come from.
    TokenSource {
        /// As the provider reported them.
        Provider = "provider",
        /// Counted by Weir, because the provider reported none.
        Estimated = "estimated",
        /// Counted by Weir on the part that was received before the answer broke off.
        Partial = "partial",
    }
}

/// Free members: a name and the exact JSON text of its value, so that numbers and key order survive.
pub type Attributes = BTreeMap<String, String>;

macro_rules! define_span {
    ($($(#[$doc:meta])* $field:ident: $type:ty,)+) => {
        /// A span, or the part of one that a single write carries.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        pub struct Span {
            /// The trace that the span belongs to.
            pub trace_id: TraceId,
            /// The span's id within its trace.
            pub span_id: SpanId,
            $($(#[$doc])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)+
            /// Everything that a protocol must give back and that has no field here. Merged key by key.
            #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
            pub attributes: Attributes,
        }

        /// Runs a macro over every optional field's name.
        #[macro_export]
        #[doc(hidden)]
        macro_rules! for_each_span_field {
            ($each:ident) => { $($each!($field);)+ };
        }
    };
}

define_span! {
    /// The span that this one is a step of.
    parent_id: SpanId,
    /// A short name: the operation, function or node.
    name: String,
    /// What sort of step it is.
    kind: SpanKind,
    /// The project it is filed under.
    project: String,
    /// The session (thread, conversation) of its trace.
    session: String,
    /// Start.
    start_us: Micros,
    /// End; absent while the span is open.
    end_us: Micros,
    /// Time from the start to the first piece of a streamed answer, in microseconds.
    ttft_us: Micros,
    /// How it ended.
    status: Status,
    /// The class of the failure: one of the closed set of the metrics page.
    error_type: String,
    /// The failure's message.
    error: String,
    /// The provider that answered, by its configured name.
    provider: String,
    /// The model that was asked for.
    model: String,
    /// The model that the answer names.
    response_model: String,
    /// The deployment that answered: `provider/model` of the chosen target.
    deployment: String,
    /// The operation in OpenTelemetry's words: `chat`, `text_completion`, `embeddings`, ...
    operation: String,
    /// Whether the answer was streamed.
    stream: bool,
    /// Name of the prompt template.
    prompt_name: String,
    /// Version of the prompt template.
    prompt_version: String,
    /// The department that pays.
    department: String,
    /// The end user.
    user: String,
    /// Name of the key that called, never the key.
    key: String,
    /// The id of the request: the caller's `x-request-id`, or made.
    request_id: String,
    /// The provider's id of the request.
    upstream_request_id: String,
    /// HTTP status of the answer.
    http_status: u16,
    /// Why the model stopped.
    finish_reason: String,
    /// Upstream attempts, the first included.
    attempts: u32,
    /// Whether and how the cache took part: hit, semantic, miss, bypass.
    cache: String,
    /// Tokens in disjoint classes.
    tokens: TokenCounts,
    /// Where the counts come from.
    token_source: TokenSource,
    /// Cost; absent when the price is not known.
    cost: NanoUsd,
    /// Labels.
    tags: Vec<String>,
    /// The request as it was sent, or its text.
    input: String,
    /// The answer; of a streamed one the assembled whole.
    output: String,
    /// What is bulky or only given back, as the text of one JSON object: events, links, resource, content in a
    /// protocol's own words. Kept beside input and output; filters do not look into it.
    details: String,
}

impl Span {
    /// A span with nothing but its identity.
    #[must_use]
    pub fn new(key: SpanKey) -> Self {
        Self { trace_id: key.trace, span_id: key.span, ..Self::default() }
    }

    /// What identifies it.
    #[must_use]
    pub fn span_key(&self) -> SpanKey {
        SpanKey { trace: self.trace_id, span: self.span_id }
    }

    /// End minus start in microseconds, never negative; absent while the span is open.
    #[must_use]
    pub fn latency_us(&self) -> Option<i64> {
        Some(self.end_us?.saturating_sub(self.start_us?).max(0))
    }

    /// The value of a label: a field of that name, or a simple member of the request's metadata.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<Cow<'_, str>> {
        let field = match name {
            "project" => &self.project,
            "department" => &self.department,
            "user" => &self.user,
            "session" => &self.session,
            "key" => &self.key,
            "model" => &self.model,
            "provider" => &self.provider,
            "prompt" => &self.prompt_name,
            "prompt_version" => &self.prompt_version,
            _ => {
                let members: BTreeMap<Cow<'_, str>, &RawValue> =
                    serde_json::from_str(self.attributes.get("metadata")?).ok()?;
                let raw = members.get(name)?.get();
                return match raw.as_bytes().first()? {
                    b'"' => serde_json::from_str(raw).ok().map(Cow::Owned),
                    b'{' | b'[' | b'n' => None,
                    _ => Some(Cow::Borrowed(raw)),
                };
            }
        };
        field.as_deref().map(Cow::Borrowed)
    }

    /// The workflow that it is a step of: its attribute `workflow`.
    #[must_use]
    pub fn workflow(&self) -> Option<String> {
        self.attribute_text("workflow")
    }

    /// From which node to which, of a decision of a workflow.
    #[must_use]
    pub fn branch(&self) -> Option<(String, String)> {
        if self.kind != Some(SpanKind::Branch) {
            return None;
        }
        Some((self.attribute_text("from_node")?, self.attribute_text("to_node")?))
    }

    /// An attribute as text: a JSON string without its quotes, any other value as it stands.
    #[must_use]
    pub fn attribute_text(&self, name: &str) -> Option<String> {
        let json = self.attributes.get(name)?;
        Some(serde_json::from_str(json).unwrap_or_else(|_| json.clone()))
    }

    /// Whether it counts as a call: an llm or embedding span, the only sources of tokens and cost.
    #[must_use]
    pub fn is_call(&self) -> bool {
        matches!(self.kind, Some(SpanKind::Llm | SpanKind::Embedding))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_sets_keep_names_and_numbers() {
        for (n, kind) in SpanKind::ALL.iter().enumerate() {
            assert_eq!(SpanKind::parse(kind.as_str()), Some(*kind));
            assert_eq!(SpanKind::from_number(n as i64), Some(*kind));
            assert_eq!(kind.number(), n as i64);
        }
        assert_eq!(Status::from_number(-1), None);
        assert_eq!(Status::from_number(99), None);
    }

    #[test]
    fn a_label_is_a_field_or_a_member_of_the_metadata() {
        let mut span = Span { department: Some("it".into()), ..Span::default() };
        span.attributes.insert("metadata".into(), r#"{"team":"a\"b","tier":3,"x":{},"none":null}"#.into());
        assert_eq!(span.label("department").as_deref(), Some("it"));
        assert_eq!(span.label("team").as_deref(), Some("a\"b"));
        assert_eq!(span.label("tier").as_deref(), Some("3"));
        assert_eq!((span.label("x"), span.label("none"), span.label("user")), (None, None, None));
    }

    #[test]
    fn json_keeps_only_what_was_said() {
        let mut span = Span::new(SpanKey { trace: TraceId::new(), span: SpanId::new() });
        span.status = Some(Status::RateLimited);
        let text = serde_json::to_string(&span).unwrap();
        assert!(text.ends_with(r#""status":"rate_limited"}"#), "{text}");
        assert_eq!(serde_json::from_str::<Span>(&text).unwrap(), span);
    }
}
