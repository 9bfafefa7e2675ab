//! `TraceInfo` on the wire, and its times.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;

use super::names::{MOST_METADATA, MOST_TAG};

/// What is known of a trace, in MLflow's words.
#[derive(Clone, Debug, Default)]
pub(super) struct TraceInfo {
    pub(super) trace_id: String,
    pub(super) experiment_id: String,
    pub(super) client_request_id: Option<String>,
    pub(super) request_preview: Option<String>,
    pub(super) response_preview: Option<String>,
    pub(super) request_time_ms: i64,
    pub(super) execution_ms: Option<i64>,
    pub(super) state: State,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) assessments: Vec<Box<RawValue>>,
}

/// How a trace ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    Unspecified,
    Ok,
    Error,
    InProgress,
}

impl State {
    /// Names and numbers on the wire.
    pub(super) const ALL: &'static [(&'static str, i64, Self)] = &[
        ("STATE_UNSPECIFIED", 0, Self::Unspecified),
        ("OK", 1, Self::Ok),
        ("ERROR", 2, Self::Error),
        ("IN_PROGRESS", 3, Self::InProgress),
    ];

    pub(super) fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(.., state)| *state == self).map_or("STATE_UNSPECIFIED", |(name, ..)| name)
    }
}

#[derive(Serialize)]
struct Form<'a> {
    trace_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_request_id: Option<&'a str>,
    trace_location: Location<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_preview: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_preview: Option<&'a str>,
    request_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    execution_duration: Option<String>,
    state: &'static str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    trace_metadata: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "<[Box<RawValue>]>::is_empty")]
    assessments: &'a [Box<RawValue>],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
struct Location<'a> {
    r#type: &'static str,
    mlflow_experiment: Experiment<'a>,
}

#[derive(Serialize)]
struct Experiment<'a> {
    experiment_id: &'a str,
}

impl Serialize for TraceInfo {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Form {
            trace_id: &self.trace_id,
            client_request_id: self.client_request_id.as_deref(),
            trace_location: Location {
                r#type: "MLFLOW_EXPERIMENT",
                mlflow_experiment: Experiment { experiment_id: &self.experiment_id },
            },
            request_preview: self.request_preview.as_deref(),
            response_preview: self.response_preview.as_deref(),
            request_time: time(self.request_time_ms),
            execution_duration: self.execution_ms.map(duration),
            state: self.state.as_str(),
            trace_metadata: cut(&self.metadata, MOST_METADATA),
            assessments: &self.assessments,
            tags: cut(&self.tags, MOST_TAG),
        }
        .serialize(serializer)
    }
}

pub(super) fn cut(map: &BTreeMap<String, String>, most: usize) -> BTreeMap<&str, &str> {
    map.iter().map(|(key, value)| (first(key, MOST_METADATA), first(value, most))).collect()
}

/// So many characters of a text at most.
pub(super) fn first(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// A time as protobuf's JSON writes it.
pub(super) fn time(ms: i64) -> String {
    let Ok(at) = Timestamp::from_millisecond(ms) else { return "1970-01-01T00:00:00Z".to_owned() };
    if ms.rem_euclid(1_000) == 0 { format!("{at:.0}") } else { format!("{at:.3}") }
}

/// The milliseconds of a time.
pub(super) fn parse_time(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(|at| at.as_microsecond().div_euclid(1_000))
}

/// A duration as protobuf's JSON writes it.
pub(super) fn duration(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let (seconds, rest) = (ms.unsigned_abs() / 1_000, ms.unsigned_abs() % 1_000);
    if rest == 0 { format!("{sign}{seconds}s") } else { format!("{sign}{seconds}.{rest:03}s") }
}

/// The milliseconds of a duration.
pub(super) fn parse_duration(text: &str) -> Option<i64> {
    let seconds: f64 = text.strip_suffix('s')?.parse().ok()?;
    let duration = SignedDuration::try_from_secs_f64(seconds).ok()?;
    // To the nearest, as a fraction in binary is rarely the one that was written.
    i64::try_from((duration.as_micros() + 500).div_euclid(1_000)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read_as_protobuf_does() {
        for (ms, text) in [
            (1_700_000_000_123, "2023-11-14T22:13:20.123Z"),
            (1_700_000_000_000, "2023-11-14T22:13:20Z"),
            (0, "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!((time(ms).as_str(), parse_time(text)), (text, Some(ms)));
        }
        assert_eq!(parse_time("2023-11-14T23:13:20.123456789+01:00"), Some(1_700_000_000_123));
        assert_eq!(parse_time("yesterday"), None);
        for (ms, text) in [(411, "0.411s"), (2_000, "2s"), (0, "0s"), (-1_500, "-1.500s"), (86_400_001, "86400.001s")] {
            assert_eq!((duration(ms).as_str(), parse_duration(text)), (text, Some(ms)));
        }
        assert_eq!(parse_duration("1"), None);
        assert_eq!(parse_duration("inf s"), None);
    }

    #[test]
    fn unset_members_are_left_out() {
        let info =
            TraceInfo { trace_id: "tr-1".into(), experiment_id: "0".into(), state: State::Ok, ..TraceInfo::default() };
        let json = serde_json::to_string(&info).unwrap();
        let expected = r#"{"trace_id":"tr-1","trace_location":{"type":"MLFLOW_EXPERIMENT","mlflow_experiment":{"experiment_id":"0"}},"request_time":"1970-01-01T00:00:00Z","state":"OK"}"#;
        assert_eq!(json, expected);
    }
}
