//! Scores: what somebody or something thinks of a call or of a trace.
//!
//! Invariants: a score names its target and may come before it; the two meet when scores are read. The same id replaces.
//! Every text has a bound.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::id::{ScoreId, SpanId, TraceId};
use crate::span::Span;
use crate::time::Micros;

/// Longest name, author or call, in bytes.
pub const LABEL_BYTES: usize = 256;
/// Longest reason or text value, in bytes.
pub const TEXT_BYTES: usize = 16 << 10;

closed_set! {
    /// Who or what gave a score. New members are appended: the number is stored.
    ScoreSource {
        /// A person.
        Human = "human",
        /// A model that judges.
        Judge = "judge",
        /// A program.
        Code = "code",
        /// Not said; it came over the API.
        Api = "api",
    }
}

/// What a score is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ScoreTarget {
    /// A span by its id or its request id, as [`ScoreTarget::call`] writes it.
    Call(String),
    /// A trace as a whole.
    Trace(TraceId),
}

impl ScoreTarget {
    /// A call by span id (hex or UUID) or request id. Both are texts that clients choose and either may look like a
    /// UUID, so they share one space of names: what reads as an id is written as its hex digits, anything else stays.
    #[must_use]
    pub fn call(name: &str) -> Self {
        Self::Call(SpanId::parse(name).map_or_else(|| name.to_owned(), |id| id.to_string()))
    }

    /// The names under which a span may have been scored as a call.
    #[must_use]
    pub fn calls_of(span: &Span) -> Vec<Self> {
        let by_id = Self::Call(span.span_id.to_string());
        let by_request = span.request_id.as_deref().map(Self::call).filter(|name| *name != by_id);
        std::iter::once(by_id).chain(by_request).collect()
    }
}

/// The value of a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ScoreValue {
    /// Passed or not.
    Bool(bool),
    /// A number; more is better.
    Number(serde_json::Number),
    /// A category or a correction.
    Text(String),
}

impl ScoreValue {
    /// The value as a number: true is 1, false is 0, a text has none.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Bool(passed) => Some(f64::from(u8::from(*passed))),
            Self::Number(number) => number.as_f64().filter(|n| n.is_finite()),
            Self::Text(_) => None,
        }
    }
}

/// A judgement.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Its id: the client's, or made.
    pub id: ScoreId,
    /// What it is about.
    pub target: ScoreTarget,
    /// What is judged: `helpfulness`, `correct`, ...
    pub name: String,
    /// The judgement.
    pub value: ScoreValue,
    /// Who or what judged.
    pub source: ScoreSource,
    /// The person, model or program.
    pub author: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// When it was written, microseconds.
    pub created_us: Micros,
}

impl Score {
    /// Refuses what is empty or too long.
    ///
    /// # Errors
    /// A 400 that names the member at fault.
    pub fn check(&self) -> Result<(), Error> {
        let call = match &self.target {
            ScoreTarget::Call(call) => call.as_str(),
            ScoreTarget::Trace(_) => "-",
        };
        for (member, text) in [("call", call), ("name", self.name.as_str())] {
            if text.trim().is_empty() {
                return Err(Error::invalid(member, format!("\"{member}\" is empty: give it a text")));
            }
        }
        let value = match &self.value {
            ScoreValue::Text(text) => text.as_str(),
            ScoreValue::Bool(_) | ScoreValue::Number(_) => "",
        };
        let author = self.author.as_deref().unwrap_or_default();
        let reason = self.reason.as_deref().unwrap_or_default();
        for (member, text, most) in [
            ("call", call, LABEL_BYTES),
            ("name", &self.name, LABEL_BYTES),
            ("author", author, LABEL_BYTES),
            ("value", value, TEXT_BYTES),
            ("reason", reason, TEXT_BYTES),
        ] {
            if text.len() > most {
                return Err(Error::invalid(
                    member,
                    format!("\"{member}\" has {} bytes: shorten it to {most}", text.len()),
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::SpanKey;

    fn score(target: ScoreTarget, name: &str, value: &str) -> Score {
        Score {
            id: ScoreId::new(),
            target,
            name: name.into(),
            value: serde_json::from_str(value).unwrap(),
            source: ScoreSource::Human,
            author: None,
            reason: None,
            created_us: 0,
        }
    }

    #[test]
    fn a_call_is_named_alike_however_its_id_is_written() {
        let dashed = ScoreTarget::call("0192F0C1-2345-7abc-8def-0123456789ab");
        assert_eq!(dashed, ScoreTarget::call("0192f0c123457abc8def0123456789ab"));
        let mut span = Span::new(SpanKey { trace: TraceId::new(), span: SpanId::parse("00f067aa0ba902b7").unwrap() });
        assert_eq!(ScoreTarget::calls_of(&span), [ScoreTarget::call("00f067aa0ba902b7")]);
        span.request_id = Some("req-1".into());
        assert_eq!(ScoreTarget::calls_of(&span), [ScoreTarget::call("00f067aa0ba902b7"), ScoreTarget::call("req-1")]);
    }

    #[test]
    fn values_keep_their_form_and_only_some_are_numbers() {
        for (text, number) in
            [("true", Some(1.0)), ("false", Some(0.0)), ("3", Some(3.0)), ("0.5", Some(0.5)), ("\"good\"", None)]
        {
            let value: ScoreValue = serde_json::from_str(text).unwrap();
            assert_eq!((value.number(), serde_json::to_string(&value).unwrap().as_str()), (number, text));
        }
        assert!(serde_json::from_str::<ScoreValue>("null").is_err());
    }

    #[test]
    fn bounds_are_told_by_member() {
        let at_fault = |score: Score| score.check().unwrap_err().param.unwrap();
        assert!(score(ScoreTarget::call("r"), "helpful", "1").check().is_ok());
        assert_eq!(at_fault(score(ScoreTarget::call(" "), "helpful", "1")), "call");
        assert_eq!(at_fault(score(ScoreTarget::Trace(TraceId::new()), "", "1")), "name");
        assert_eq!(at_fault(score(ScoreTarget::call("r"), &"x".repeat(257), "1")), "name");
        assert_eq!(at_fault(score(ScoreTarget::call("r"), "a", &format!("\"{}\"", "x".repeat(17_000)))), "value");
    }
}
