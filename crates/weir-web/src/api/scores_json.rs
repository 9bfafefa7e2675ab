//! Scores as JSON, in and out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_core::error::Error;
use weir_core::id::{ScoreId, SpanId, SpanKey, TraceId};
use weir_core::score::{Score, ScoreError, ScoreKind, ScoreSource, ScoreTarget, ScoreValue};
use weir_core::time::{Micros, to_rfc3339};
use weir_core::unread::reason;
use weir_store::scores::ScoreName;

/// Most scores of one request.
pub(super) const MAX_SCORES: usize = 1_000;

/// A score to write.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewScore {
    /// UUID or hex. The same id replaces; one is made where none is given.
    id: Option<String>,
    /// The call: its span id (hex or UUID) or its request id. It may be recorded later.
    call: Option<String>,
    /// The trace, instead of a call; with a call, which is a span id then, the span of that trace.
    trace_id: Option<String>,
    /// `feedback`, a judgement, or `expectation`, what would be right. Default: feedback.
    kind: Option<String>,
    /// What is judged: `helpfulness`, `correct`, ...
    name: String,
    /// A number (more is better), true or false, a text, or any other JSON. May be missing where there is an error.
    #[schema(value_type = Object)]
    value: Option<ScoreValue>,
    /// Who judged: `human`, `judge` (a model), `code` or `api`. Default: api.
    source: Option<String>,
    /// The person, model or program that judged.
    author: Option<String>,
    /// Why.
    reason: Option<String>,
    /// What else is known of it.
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    /// Why judging failed.
    error: Option<ScoreErrorJson>,
    /// The id of the score that this one stands instead of; that one is invalid from then on.
    overrides: Option<String>,
}

/// Why there is no judgement.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScoreErrorJson {
    /// Its kind: `RATE_LIMIT_EXCEEDED`, `ValueError`, ...
    pub code: String,
    /// What happened.
    pub message: Option<String>,
    /// Where it happened.
    pub stack: Option<String>,
}

/// A score, or a list of them.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes for the OpenAPI document what `parse` reads with better messages")]
pub(super) enum NewScores {
    /// One.
    One(Box<NewScore>),
    /// At most 1000.
    Many(Vec<NewScore>),
}

/// A score as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ScoreJson {
    /// Its id, as hex.
    pub id: String,
    /// The call: span id as hex, or request id.
    pub call: Option<String>,
    /// The trace, as hex; with a call, the span of that trace.
    pub trace_id: Option<String>,
    /// What is judged.
    pub name: String,
    /// A number, true or false, a text, or any other JSON; null where judging failed.
    #[schema(value_type = Object)]
    pub value: ScoreValue,
    /// `human`, `judge`, `code` or `api`.
    pub source: String,
    /// The person, model or program that judged.
    pub author: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// `feedback`, `expectation`, or `issue`: it belongs to a known issue.
    pub kind: String,
    /// What else is known of it.
    pub metadata: BTreeMap<String, String>,
    /// Why judging failed.
    pub error: Option<ScoreErrorJson>,
    /// The id of the score that this one stands instead of.
    pub overrides: Option<String>,
    /// Whether no other score stands instead of it.
    pub valid: bool,
    /// When it was written first, RFC 3339.
    #[schema(format = DateTime)]
    pub created: String,
    /// When it was written last, RFC 3339.
    #[schema(format = DateTime)]
    pub updated: String,
}

/// Scores.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ScoreList {
    /// The scores, oldest first.
    pub scores: Vec<ScoreJson>,
    /// Whether there are more than the 1000 that are shown.
    pub truncated: bool,
}

/// Names of scores.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ScoreNames {
    /// The names that are numbers, true and false among them, most frequent first.
    pub names: Vec<ScoreNameJson>,
}

/// A name that scores have, and what its numbers are like.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ScoreNameJson {
    /// The name: `helpfulness`, `correct`, ...
    pub name: String,
    /// Scores of that name among the newest ones.
    pub count: u64,
    /// The least of them; false is 0.
    pub least: f64,
    /// The greatest of them; true is 1.
    pub most: f64,
}

impl ScoreNames {
    pub(super) fn new(names: Vec<ScoreName>) -> Self {
        let name = |ScoreName { name, count, least, most }| ScoreNameJson { name, count, least, most };
        Self { names: names.into_iter().map(name).collect() }
    }
}

impl ScoreList {
    /// A list of at most [`MAX_SCORES`] of these.
    pub(super) fn new(mut scores: Vec<Score>) -> Self {
        let truncated = scores.len() > MAX_SCORES;
        scores.truncate(MAX_SCORES);
        Self { scores: scores.into_iter().map(ScoreJson::from).collect(), truncated }
    }
}

impl From<Score> for ScoreJson {
    fn from(score: Score) -> Self {
        let (call, trace_id) = match score.target {
            ScoreTarget::Call(call) => (Some(call), None),
            ScoreTarget::Trace(trace) => (None, Some(trace.to_string())),
            ScoreTarget::Span(key) => (Some(key.span.to_string()), Some(key.trace.to_string())),
        };
        Self {
            id: score.id.to_string(),
            call,
            trace_id,
            name: score.name,
            value: score.value,
            source: score.source.to_string(),
            author: score.author,
            reason: score.reason,
            kind: score.kind.to_string(),
            metadata: score.metadata,
            error: score.error.map(|e| ScoreErrorJson { code: e.code, message: e.message, stack: e.stack }),
            overrides: score.overrides.map(|id| id.to_string()),
            valid: score.valid,
            created: to_rfc3339(score.created_us),
            updated: to_rfc3339(score.updated_us),
        }
    }
}

/// Reads a body: one score, or a list of 1 to [`MAX_SCORES`].
///
/// # Errors
/// A 400 that names the member at fault, in a list with its place.
pub(super) fn parse(body: &[u8], now: Micros) -> Result<Vec<Score>, Error> {
    let unread = |e: serde_json::Error| Error::invalid("body", format!("the body holds no score: {}", reason(&e)));
    if body.trim_ascii_start().first() != Some(&b'[') {
        return Ok(vec![serde_json::from_slice::<NewScore>(body).map_err(unread)?.into_score(now)?]);
    }
    let list: Vec<NewScore> = serde_json::from_slice(body).map_err(unread)?;
    if list.is_empty() || list.len() > MAX_SCORES {
        return Err(Error::invalid("body", format!("the body holds {} scores: send 1 to {MAX_SCORES}", list.len())));
    }
    let placed = |(n, score): (usize, NewScore)| {
        score.into_score(now).map_err(|error| {
            let param = error.param.as_ref().map(|param| format!("[{n}].{param}"));
            Error { message: format!("score {n} of the list: {}", error.message), param, ..error }
        })
    };
    list.into_iter().enumerate().map(placed).collect()
}

impl NewScore {
    fn into_score(self, now: Micros) -> Result<Score, Error> {
        let no_id = |member: &str| {
            Error::invalid(member, format!("\"{member}\" is no id; write a UUID, or 16 or 32 hex digits"))
        };
        let trace = |text: &str| TraceId::parse(text).ok_or_else(|| no_id("trace_id"));
        let target = match (self.call, self.trace_id) {
            (Some(call), None) => ScoreTarget::call(&call),
            (None, Some(id)) => ScoreTarget::Trace(trace(&id)?),
            (Some(call), Some(id)) => {
                let span = SpanId::parse(&call).ok_or_else(|| no_id("call"))?;
                ScoreTarget::Span(SpanKey { trace: trace(&id)?, span })
            }
            (None, None) => {
                return Err(Error::invalid(
                    "call",
                    "a score is about something: give \"call\" (a span id or a request id) or \"trace_id\"",
                ));
            }
        };
        let kind = match self.kind.as_deref() {
            None | Some("feedback") => ScoreKind::Feedback,
            Some("expectation") => ScoreKind::Expectation,
            Some(_) => return Err(Error::invalid("kind", "\"kind\" is not one of feedback, expectation")),
        };
        let value = match self.value {
            Some(value) => value,
            None if self.error.is_some() => ScoreValue::none(),
            None => {
                return Err(Error::invalid("value", "\"value\" is missing: give any JSON but null, or an \"error\""));
            }
        };
        let source = match self.source {
            None => ScoreSource::Api,
            Some(name) => ScoreSource::parse(&name)
                .ok_or_else(|| Error::invalid("source", "\"source\" is not one of human, judge, code, api"))?,
        };
        let id = |member: &str, text: Option<String>| {
            text.map(|text| ScoreId::parse(&text).ok_or_else(|| no_id(member))).transpose()
        };
        let score = Score {
            id: id("id", self.id)?.unwrap_or_else(ScoreId::new),
            kind,
            source,
            author: self.author,
            reason: self.reason,
            metadata: self.metadata,
            error: self.error.map(|e| ScoreError { code: e.code, message: e.message, stack: e.stack }),
            overrides: id("overrides", self.overrides)?,
            ..Score::new(target, self.name, value, now)
        };
        score.check()?;
        Ok(score)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(body: &str) -> Result<Score, (String, String)> {
        parse(body.as_bytes(), 5).map(|mut s| s.remove(0)).map_err(|e| (e.param.unwrap_or_default(), e.message))
    }

    #[test]
    fn one_or_many() {
        let score = one(r#" {"call":"req-1","name":"helpful","value":0.5,"source":"human","author":"ann"}"#).unwrap();
        assert_eq!((score.target, score.source, score.created_us), (ScoreTarget::call("req-1"), ScoreSource::Human, 5));
        assert_eq!(score.author.as_deref(), Some("ann"));
        let item = r#"{"trace_id":"0192f0c123457abc8def0123456789ab","name":"ok","value":true}"#;
        assert_eq!(parse(format!("[{item},{item}]").as_bytes(), 0).unwrap().len(), 2);
        let text = serde_json::to_string(&ScoreJson::from(one(item).unwrap())).unwrap();
        assert!(text.contains(r#""call":null,"trace_id":"0192f0c123457abc8def0123456789ab","name":"ok","value":true"#));
    }

    #[test]
    fn a_score_may_say_more() {
        let body = r#"{"call":"00f067aa0ba902b7","trace_id":"0192f0c123457abc8def0123456789ab","kind":"expectation",
            "name":"answer","value":{"b":1.0,"a":[2]},"metadata":{"k":"v"},"overrides":"0192f0c123457abc8def0123456789ac"}"#;
        let text = serde_json::to_string(&ScoreJson::from(one(body).unwrap())).unwrap();
        for part in [
            r#""call":"00f067aa0ba902b7","trace_id":"0192f0c123457abc8def0123456789ab","#,
            r#""value":{"b":1.0,"a":[2]},"#,
            r#""kind":"expectation","metadata":{"k":"v"},"error":null,"overrides":"0192f0c123457abc8def0123456789ac""#,
        ] {
            assert!(text.contains(part), "{text}");
        }
        let failed = one(r#"{"call":"a","name":"n","error":{"code":"E"}}"#).unwrap();
        assert!(failed.value.is_none() && failed.error.unwrap().code == "E");
    }

    #[test]
    fn refusals_name_the_member_and_the_place() {
        let at_fault = |body: &str| one(body).unwrap_err().0;
        assert_eq!(at_fault(r#"{"name":"a","value":1}"#), "call");
        assert_eq!(at_fault(r#"{"call":"a","trace_id":"b","name":"a","value":1}"#), "call");
        assert_eq!(at_fault(r#"{"call":"00f067aa0ba902b7","trace_id":"b","name":"a","value":1}"#), "trace_id");
        assert_eq!(at_fault(r#"{"call":"a","name":"a","value":1,"kind":"issue"}"#), "kind");
        assert_eq!(at_fault(r#"{"call":"a","name":"a","value":1,"overrides":"x"}"#), "overrides");
        assert_eq!(at_fault(r#"{"trace_id":"b","name":"a","value":1}"#), "trace_id");
        assert_eq!(at_fault(r#"{"call":"a","name":"a","value":null}"#), "value");
        assert_eq!(at_fault(r#"{"call":"a","name":"a"}"#), "value");
        assert_eq!(at_fault(r#"{"call":"a","name":"a","value":1,"source":"cat"}"#), "source");
        assert_eq!(at_fault(r#"{"call":"a","name":"a","value":1,"id":"7"}"#), "id");
        assert_eq!(at_fault(r#"{"call":"a","name":" ","value":1}"#), "name");
        assert_eq!(at_fault("[]"), "body");
        assert!(one(r#"{"call":"a","nmae":"a","value":1}"#).unwrap_err().1.contains("nmae"));
        assert!(one("{").unwrap_err().1.starts_with("the body holds no score: "));
        let (param, message) =
            one(r#"[{"call":"a","name":"a","value":1},{"call":"a","name":"","value":1}]"#).unwrap_err();
        assert_eq!(
            (param.as_str(), message.as_str()),
            ("[1].name", "score 1 of the list: \"name\" is empty: give it a text")
        );
        let item = r#"{"call":"a","name":"a","value":1}"#;
        assert_eq!(at_fault(&format!("[{}{item}]", format!("{item},").repeat(1_000))), "body");
    }
}
