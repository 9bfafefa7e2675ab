//! The filter that every reader speaks: each front parses its own syntax to this tree, each store compiles it once.
//! [`Filter::matches`] is the reference meaning, used by the live tail and by the stores' conformance tests.
//!
//! A comparison with an absent value is false, also `Ne` (as in SQL); ask for absence with `Not(Exists(..))`.

use crate::span::Span;

/// What a filter or an order looks at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// Trace id, as hex.
    TraceId,
    /// Span id, as hex.
    SpanId,
    /// Id of the parent span, as hex.
    ParentId,
    /// Name of the span.
    Name,
    /// Kind.
    Kind,
    /// Project.
    Project,
    /// Session.
    Session,
    /// Start, microseconds.
    Start,
    /// End minus start, microseconds.
    Latency,
    /// Time to first token, microseconds.
    Ttft,
    /// Status.
    Status,
    /// Class of the failure.
    ErrorType,
    /// Message of the failure.
    Error,
    /// Provider.
    Provider,
    /// Requested model.
    Model,
    /// Answering model.
    ResponseModel,
    /// Operation.
    Operation,
    /// Streamed or not.
    Stream,
    /// Name of the prompt template.
    PromptName,
    /// Version of the prompt template.
    PromptVersion,
    /// Department.
    Department,
    /// End user.
    User,
    /// Name of the calling key.
    Key,
    /// Request id.
    RequestId,
    /// HTTP status.
    HttpStatus,
    /// Why the model stopped.
    FinishReason,
    /// Part of the cache.
    Cache,
    /// All input and output tokens.
    TotalTokens,
    /// Cost in nano-dollars.
    Cost,
    /// A label; equality asks whether the span carries it.
    Tag,
    /// A free member, by name; compared as text without JSON quotes.
    Attribute(String),
    /// The numbers that it was given under a name, by scores that count (`Score::counts`): its own, those of its request,
    /// and for what has no parent those of its trace. They lie beside spans and come later, so that only a store can
    /// compare them; a span alone has none.
    Score(String),
}

/// A value to compare with.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// True or false.
    Bool(bool),
}

/// How to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Equal.
    Eq,
    /// Present and different.
    Ne,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// Text that contains the value; case is ignored.
    Contains,
}

/// A condition on spans.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// All of them; an empty list is true.
    And(Vec<Filter>),
    /// Any of them; an empty list is false.
    Or(Vec<Filter>),
    /// The opposite.
    Not(Box<Filter>),
    /// One comparison.
    Compare(Field, Op, Value),
    /// The field has a value.
    Exists(Field),
}

impl Filter {
    /// True for every span.
    #[must_use]
    pub fn all() -> Self {
        Self::And(Vec::new())
    }

    /// `field = text`.
    #[must_use]
    pub fn eq(field: Field, text: impl Into<String>) -> Self {
        Self::Compare(field, Op::Eq, Value::Text(text.into()))
    }

    /// Whether a span satisfies it.
    #[must_use]
    pub fn matches(&self, span: &Span) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|f| f.matches(span)),
            Self::Or(parts) => parts.iter().any(|f| f.matches(span)),
            Self::Not(inner) => !inner.matches(span),
            Self::Exists(Field::Tag) => span.tags.as_ref().is_some_and(|t| !t.is_empty()),
            Self::Exists(field) => field.of(span).is_some(),
            Self::Compare(Field::Tag, op, value) => {
                span.tags.iter().flatten().any(|tag| compare(&Value::Text(tag.clone()), *op, value))
            }
            Self::Compare(field, op, value) => field.of(span).is_some_and(|held| compare(&held, *op, value)),
        }
    }
}

fn compare(held: &Value, op: Op, wanted: &Value) -> bool {
    use std::cmp::Ordering::{Equal, Greater, Less};
    if op == Op::Contains {
        return match (held, wanted) {
            (Value::Text(a), Value::Text(b)) => a.to_lowercase().contains(&b.to_lowercase()),
            _ => false,
        };
    }
    let order = match (held, wanted) {
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (a, b) => a.number().zip(b.number()).and_then(|(a, b)| a.partial_cmp(&b)),
    };
    let Some(order) = order else { return false };
    match op {
        Op::Eq => order == Equal,
        Op::Ne => order != Equal,
        Op::Lt => order == Less,
        Op::Le => order != Greater,
        Op::Gt => order == Greater,
        Op::Ge => order != Less,
        Op::Contains => false,
    }
}

impl Value {
    fn number(&self) -> Option<f64> {
        match self {
            Self::Int(n) => Some(*n as f64),
            Self::Float(n) => Some(*n),
            Self::Text(_) | Self::Bool(_) => None,
        }
    }
}

impl Field {
    /// The field's value in a span. Tags have many and are handled by [`Filter::matches`].
    #[must_use]
    pub fn of(&self, span: &Span) -> Option<Value> {
        let text = |t: &Option<String>| t.clone().map(Value::Text);
        match self {
            Self::TraceId => Some(Value::Text(span.trace_id.to_string())),
            Self::SpanId => Some(Value::Text(span.span_id.to_string())),
            Self::ParentId => span.parent_id.map(|id| Value::Text(id.to_string())),
            Self::Name => text(&span.name),
            Self::Kind => span.kind.map(|k| Value::Text(k.as_str().into())),
            Self::Project => text(&span.project),
            Self::Session => text(&span.session),
            Self::Start => span.start_us.map(Value::Int),
            Self::Latency => span.latency_us().map(Value::Int),
            Self::Ttft => span.ttft_us.map(Value::Int),
            Self::Status => span.status.map(|s| Value::Text(s.as_str().into())),
            Self::ErrorType => text(&span.error_type),
            Self::Error => text(&span.error),
            Self::Provider => text(&span.provider),
            Self::Model => text(&span.model),
            Self::ResponseModel => text(&span.response_model),
            Self::Operation => text(&span.operation),
            Self::Stream => span.stream.map(Value::Bool),
            Self::PromptName => text(&span.prompt_name),
            Self::PromptVersion => text(&span.prompt_version),
            Self::Department => text(&span.department),
            Self::User => text(&span.user),
            Self::Key => text(&span.key),
            Self::RequestId => text(&span.request_id),
            Self::HttpStatus => span.http_status.map(|s| Value::Int(i64::from(s))),
            Self::FinishReason => text(&span.finish_reason),
            Self::Cache => text(&span.cache),
            Self::TotalTokens => span.tokens.as_ref().map(|t| Value::Int(i64::try_from(t.total()).unwrap_or(i64::MAX))),
            Self::Cost => span.cost.map(|c| Value::Int(c.0)),
            Self::Tag | Self::Score(_) => None,
            Self::Attribute(name) => span.attributes.get(name).map(|json| Value::Text(plain_text(json))),
        }
    }
}

/// A JSON string without its quotes; any other JSON as it stands.
fn plain_text(json: &str) -> String {
    serde_json::from_str::<String>(json).unwrap_or_else(|_| json.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::Status;

    #[test]
    fn compares_as_documented() {
        let span = Span {
            model: Some("gpt-4o".into()),
            status: Some(Status::Error),
            start_us: Some(10),
            end_us: Some(30),
            tags: Some(vec!["a".into(), "b".into()]),
            attributes: [("team".to_owned(), "\"blue\"".to_owned())].into(),
            ..Span::default()
        };
        let yes = [
            Filter::all(),
            Filter::eq(Field::Model, "gpt-4o"),
            Filter::eq(Field::Status, "error"),
            Filter::eq(Field::Tag, "b"),
            Filter::eq(Field::Attribute("team".into()), "blue"),
            Filter::Compare(Field::Latency, Op::Ge, Value::Int(20)),
            Filter::Compare(Field::Latency, Op::Lt, Value::Float(20.5)),
            Filter::Compare(Field::Model, Op::Contains, Value::Text("GPT".into())),
            Filter::Not(Box::new(Filter::Exists(Field::User))),
        ];
        for filter in yes {
            assert!(filter.matches(&span), "{filter:?}");
        }
        let no = [
            Filter::Or(vec![]),
            Filter::Compare(Field::User, Op::Ne, Value::Text("x".into())),
            Filter::eq(Field::Tag, "c"),
            Filter::Compare(Field::Model, Op::Eq, Value::Int(3)),
        ];
        for filter in no {
            assert!(!filter.matches(&span), "{filter:?}");
        }
    }
}
