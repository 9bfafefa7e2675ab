//! The value of a score.

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// The value of a score: any JSON. What is neither true, false, a number nor a text keeps the very text that was sent.
#[derive(Clone, Debug, PartialEq)]
pub enum ScoreValue {
    /// Passed or not.
    Bool(bool),
    /// A number; more is better.
    Number(serde_json::Number),
    /// A category or a correction.
    Text(String),
    /// The JSON text of a list or an object; `null` where there is no value, because judging failed.
    Json(String),
}

impl ScoreValue {
    /// No value.
    #[must_use]
    pub fn none() -> Self {
        Self::Json("null".to_owned())
    }

    /// Reads a JSON text.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(json: &str) -> Result<Self, serde_json::Error> {
        let json = json.trim_ascii();
        Ok(match json.as_bytes().first() {
            Some(b't' | b'f') => Self::Bool(serde_json::from_str(json)?),
            Some(b'"') => Self::Text(serde_json::from_str(json)?),
            Some(b'-' | b'0'..=b'9') => Self::Number(serde_json::from_str(json)?),
            _ => Self::Json(serde_json::from_str::<&RawValue>(json)?.get().to_owned()),
        })
    }

    /// Whether there is no value.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Self::Json(json) if json == "null")
    }

    /// The value as a number: true is 1, false is 0, so are the words `yes` and `no` with which judges answer; other
    /// texts, lists and objects have none.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Bool(passed) => Some(f64::from(u8::from(*passed))),
            Self::Number(number) => number.as_f64().filter(|n| n.is_finite()),
            Self::Text(text) => match text.trim() {
                yes if yes.eq_ignore_ascii_case("yes") => Some(1.0),
                no if no.eq_ignore_ascii_case("no") => Some(0.0),
                _ => None,
            },
            Self::Json(_) => None,
        }
    }

    /// The value as JSON, where it is no more than a part of a larger one.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        match self {
            Self::Bool(passed) => (*passed).into(),
            Self::Number(number) => number.clone().into(),
            Self::Text(text) => text.as_str().into(),
            Self::Json(json) => serde_json::from_str(json).unwrap_or_default(),
        }
    }

    /// Its length in bytes, as far as that is not bounded anyway.
    #[must_use]
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Bool(_) | Self::Number(_) => 0,
            Self::Text(text) | Self::Json(text) => text.len(),
        }
    }
}

impl Serialize for ScoreValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(passed) => passed.serialize(serializer),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => text.serialize(serializer),
            Self::Json(json) => RawValue::from_string(json.clone()).map_err(S::Error::custom)?.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ScoreValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <Box<RawValue>>::deserialize(deserializer)?;
        Self::parse(raw.get()).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_form_and_only_some_are_numbers() {
        for (text, number) in [
            ("true", Some(1.0)),
            ("false", Some(0.0)),
            ("3", Some(3.0)),
            ("5.0", Some(5.0)),
            ("0.5", Some(0.5)),
            ("\"good\"", None),
            ("\"Yes\"", Some(1.0)),
            ("\"no\"", Some(0.0)),
            ("{\"b\": 123456789012345678901234567890, \"a\":[1]}", None),
            ("null", None),
        ] {
            let value: ScoreValue = serde_json::from_str(text).unwrap();
            assert_eq!((value.number(), serde_json::to_string(&value).unwrap().as_str()), (number, text));
        }
        assert!(ScoreValue::parse("null").unwrap().is_none() && ScoreValue::parse("nul").is_err());
        assert!(ScoreValue::parse("").is_err() && ScoreValue::parse("1 2").is_err());
    }
}
