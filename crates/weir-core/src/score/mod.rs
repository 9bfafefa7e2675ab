//! Scores: what somebody or something thinks of a call, of a trace or of a span within, or what would have been right
//! there. MLflow calls them assessments.
//!
//! Invariants: a score names its target and may come before it; the two meet when scores are read. The same id replaces.
//! A score that overrides another one makes it invalid; what is invalid, an expectation or the mark of an issue counts in
//! no figure. Every text has a bound.

mod target;
mod value;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::id::ScoreId;
use crate::time::Micros;

pub use target::ScoreTarget;
pub use value::ScoreValue;

/// Longest name, author or call, in bytes.
pub const LABEL_BYTES: usize = 256;
/// Longest reason, value, entry of metadata or text of an error, in bytes.
pub const TEXT_BYTES: usize = 1 << 20;
/// Most entries of metadata.
pub const ENTRIES: usize = 1_000;

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

closed_set! {
    /// What a score is. New members are appended: the number is stored.
    ScoreKind {
        /// A judgement.
        Feedback = "feedback",
        /// What would be right: a truth, no judgement.
        Expectation = "expectation",
        /// The mark that something belongs to a known issue; the name is the issue's id.
        Issue = "issue",
    }
}

/// Why there is no judgement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreError {
    /// Its kind: `RATE_LIMIT_EXCEEDED`, `ValueError`, ...
    pub code: String,
    /// What happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Where it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
}

/// A judgement, or a truth to judge by.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Its id: the client's, or made.
    pub id: ScoreId,
    /// What it is about.
    pub target: ScoreTarget,
    /// What it is.
    pub kind: ScoreKind,
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
    /// What else is known of it.
    pub metadata: BTreeMap<String, String>,
    /// Why there is no value.
    pub error: Option<ScoreError>,
    /// The score that this one stands instead of.
    pub overrides: Option<ScoreId>,
    /// Whether no other score stands instead of it.
    pub valid: bool,
    /// When it was written first, microseconds.
    pub created_us: Micros,
    /// When it was written last.
    pub updated_us: Micros,
}

impl Score {
    /// A new judgement that the API brought.
    #[must_use]
    pub fn new(target: ScoreTarget, name: impl Into<String>, value: ScoreValue, at: Micros) -> Self {
        Self {
            id: ScoreId::new(),
            target,
            kind: ScoreKind::Feedback,
            name: name.into(),
            value,
            source: ScoreSource::Api,
            author: None,
            reason: None,
            metadata: BTreeMap::new(),
            error: None,
            overrides: None,
            valid: true,
            created_us: at,
            updated_us: at,
        }
    }

    /// What it adds to figures: the number of a valid judgement.
    #[must_use]
    pub fn counts(&self) -> Option<f64> {
        self.value.number().filter(|_| self.valid && self.kind == ScoreKind::Feedback)
    }

    /// Refuses what is empty or too long.
    ///
    /// # Errors
    /// A 400 that names the member at fault.
    pub fn check(&self) -> Result<(), Error> {
        let call = match &self.target {
            ScoreTarget::Call(call) => call.as_str(),
            ScoreTarget::Trace(_) | ScoreTarget::Span(_) => "-",
        };
        for (member, text) in [("call", call), ("name", self.name.as_str())] {
            if text.trim().is_empty() {
                return Err(Error::invalid(member, format!("\"{member}\" is empty: give it a text")));
            }
        }
        if self.value.is_none() && self.kind != ScoreKind::Feedback {
            return Err(Error::invalid("value", "\"value\" is missing: only a judgement that failed has none"));
        }
        if self.metadata.len() > ENTRIES {
            let count = self.metadata.len();
            return Err(Error::invalid(
                "metadata",
                format!("\"metadata\" has {count} entries: send at most {ENTRIES}"),
            ));
        }
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let error = self.error.as_ref();
        let error_bytes = error.map_or(0, |e| length(&e.message).max(length(&e.stack)));
        let longest = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or_default();
        for (member, bytes, most) in [
            ("call", call.len(), LABEL_BYTES),
            ("name", self.name.len(), LABEL_BYTES),
            ("author", length(&self.author), LABEL_BYTES),
            ("value", self.value.bytes(), TEXT_BYTES),
            ("reason", length(&self.reason), TEXT_BYTES),
            ("metadata", longest(&mut self.metadata.keys().map(String::len)), LABEL_BYTES),
            ("metadata", longest(&mut self.metadata.values().map(String::len)), TEXT_BYTES),
            ("error", error.map_or(0, |e| e.code.len()), LABEL_BYTES),
            ("error", error_bytes, TEXT_BYTES),
        ] {
            if bytes > most {
                return Err(Error::invalid(member, format!("\"{member}\" has {bytes} bytes: shorten it to {most}")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::TraceId;

    fn score(target: ScoreTarget, name: &str, value: &str) -> Score {
        Score::new(target, name, ScoreValue::parse(value).unwrap(), 0)
    }

    #[test]
    fn bounds_are_told_by_member() {
        let at_fault = |score: Score| score.check().unwrap_err().param.unwrap();
        let plain = || score(ScoreTarget::call("r"), "helpful", "1");
        assert!(plain().check().is_ok());
        assert_eq!(at_fault(score(ScoreTarget::call(" "), "helpful", "1")), "call");
        assert_eq!(at_fault(score(ScoreTarget::Trace(TraceId::new()), "", "1")), "name");
        assert_eq!(at_fault(score(ScoreTarget::call("r"), &"x".repeat(257), "1")), "name");
        assert_eq!(
            at_fault(score(ScoreTarget::call("r"), "a", &format!("\"{}\"", "x".repeat(TEXT_BYTES + 1)))),
            "value"
        );
        let key = BTreeMap::from([("k".repeat(257), String::new())]);
        assert_eq!(at_fault(Score { metadata: key, ..plain() }), "metadata");
        let none = |kind| Score { value: ScoreValue::none(), kind, ..plain() };
        assert!(none(ScoreKind::Feedback).check().is_ok());
        assert_eq!(at_fault(none(ScoreKind::Expectation)), "value");
    }

    #[test]
    fn only_valid_judgements_count() {
        let plain = || score(ScoreTarget::call("r"), "helpful", "3");
        assert_eq!(plain().counts(), Some(3.0));
        assert_eq!(Score { valid: false, ..plain() }.counts(), None);
        assert_eq!(Score { kind: ScoreKind::Expectation, ..plain() }.counts(), None);
    }
}
