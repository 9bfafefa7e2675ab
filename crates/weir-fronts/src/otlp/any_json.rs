//! Attribute values as JSON and back, without loss.
//!
//! What JSON tells apart stands as itself; a double always has a fraction or an exponent, an integer never. What JSON
//! has no form for is an object with one member: `{"weir:bytes": base64}`, `{"weir:double": "NaN"}`, and
//! `{"weir:map": [[name, value], ...]}` for maps with a repeated name or whose only member begins with `weir:`.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{MapAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::wire::{AnyValue, Attributes};

const BYTES: &str = "weir:bytes";
const DOUBLE: &str = "weir:double";
const MAP: &str = "weir:map";
const OWN: &str = "weir:";

impl AnyValue {
    /// The value as JSON text, of which [`AnyValue::from_json`] makes the same value again.
    #[must_use]
    pub fn to_json(&self) -> String {
        // It cannot fail: keys are texts and the writer is memory.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The value of a JSON text; `None` when it is no JSON, or nested deeper than 127 levels.
    #[must_use]
    pub fn from_json(json: &str) -> Option<Self> {
        let json = json.trim_ascii();
        Some(match json.as_bytes().first()? {
            b'n' if json == "null" => Self::Empty,
            b't' if json == "true" => Self::Bool(true),
            b'f' if json == "false" => Self::Bool(false),
            b'"' => Self::Text(serde_json::from_str(json).ok()?),
            b'[' => Self::List(items(json)?),
            b'{' => of_members(members(json)?)?,
            _ => number(json)?,
        })
    }
}

/// Whether a map can stand as a JSON object.
fn is_plain(members: &Attributes) -> bool {
    match members.as_slice() {
        [(only, _)] => !only.starts_with(OWN),
        // Maps of attributes are short; a quadratic look beats a set there.
        short if short.len() <= 16 => {
            short.iter().enumerate().all(|(n, (name, _))| short.iter().take(n).all(|(other, _)| other != name))
        }
        long => {
            let mut names: Vec<_> = long.iter().map(|(name, _)| name).collect();
            names.sort_unstable();
            names.windows(2).all(|pair| pair.first() != pair.last())
        }
    }
}

impl Serialize for AnyValue {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let own = |s: S, name: &str, text: &str| {
            let mut map = s.serialize_map(Some(1))?;
            map.serialize_entry(name, text)?;
            map.end()
        };
        match self {
            Self::Empty => s.serialize_unit(),
            Self::Text(text) => s.serialize_str(text),
            Self::Bool(value) => s.serialize_bool(*value),
            Self::Int(value) => s.serialize_i64(*value),
            Self::Double(value) if value.is_finite() => s.serialize_f64(*value),
            Self::Double(value) if value.is_nan() => own(s, DOUBLE, "NaN"),
            Self::Double(value) => own(s, DOUBLE, if *value > 0.0 { "Infinity" } else { "-Infinity" }),
            Self::Bytes(bytes) => own(s, BYTES, &STANDARD.encode(bytes)),
            Self::List(items) => items.serialize(s),
            Self::Map(members) => Object(members).serialize(s),
        }
    }
}

/// Attributes as a JSON object, in their order.
pub(super) struct Object<'a>(pub(super) &'a Attributes);

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if is_plain(self.0) {
            let mut map = s.serialize_map(Some(self.0.len()))?;
            for (name, value) in self.0 {
                map.serialize_entry(name, value)?;
            }
            return map.end();
        }
        let mut map = s.serialize_map(Some(1))?;
        map.serialize_entry(MAP, &Pairs(self.0))?;
        map.end()
    }
}

struct Pairs<'a>(&'a Attributes);

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut list = s.serialize_seq(Some(self.0.len()))?;
        for pair in self.0 {
            list.serialize_element(pair)?;
        }
        list.end()
    }
}

fn number(json: &str) -> Option<AnyValue> {
    serde_json::from_str::<&RawValue>(json).ok()?;
    // Read from the text: serde_json may be off by the last bit of a double.
    json.parse().map(AnyValue::Int).or_else(|_| json.parse().map(AnyValue::Double)).ok()
}

fn items(json: &str) -> Option<Vec<AnyValue>> {
    let raw: Vec<&RawValue> = serde_json::from_str(json).ok()?;
    raw.into_iter().map(|item| AnyValue::from_json(item.get())).collect()
}

fn of_members(members: Vec<(String, &RawValue)>) -> Option<AnyValue> {
    if let [(name, value)] = members.as_slice() {
        let text = || serde_json::from_str::<String>(value.get()).ok();
        match name.as_str() {
            BYTES => return STANDARD.decode(text()?).ok().map(AnyValue::Bytes),
            DOUBLE => {
                return Some(AnyValue::Double(match text()?.as_str() {
                    "NaN" => f64::NAN,
                    "Infinity" => f64::INFINITY,
                    "-Infinity" => f64::NEG_INFINITY,
                    _ => return None,
                }));
            }
            MAP => {
                let pairs: Vec<(String, &RawValue)> = serde_json::from_str(value.get()).ok()?;
                return values(pairs).map(AnyValue::Map);
            }
            _ => {}
        }
    }
    values(members).map(AnyValue::Map)
}

fn values(members: Vec<(String, &RawValue)>) -> Option<Attributes> {
    members.into_iter().map(|(name, value)| Some((name, AnyValue::from_json(value.get())?))).collect()
}

/// An object's members in their order with the exact text of their values; `None` for what is no JSON object.
pub(super) fn members(json: &str) -> Option<Vec<(String, &RawValue)>> {
    serde_json::from_str::<Members<'_>>(json).ok().map(|members| members.0)
}

/// Repeated names are kept.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Vec<(String, &'de RawValue)>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        d.deserialize_map(Collect).map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_value() -> impl Strategy<Value = AnyValue> {
        let name = || prop_oneof!["[a-b]{0,2}", Just("weir:bytes".to_owned()), Just("weir:map".to_owned())];
        let leaf = prop_oneof![
            Just(AnyValue::Empty),
            any::<String>().prop_map(AnyValue::Text),
            any::<bool>().prop_map(AnyValue::Bool),
            any::<i64>().prop_map(AnyValue::Int),
            any::<f64>().prop_filter("NaN differs from itself", |d| !d.is_nan()).prop_map(AnyValue::Double),
            proptest::collection::vec(any::<u8>(), 0..9).prop_map(AnyValue::Bytes),
        ];
        leaf.prop_recursive(4, 32, 4, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(AnyValue::List),
                proptest::collection::vec((name(), inner), 0..4).prop_map(AnyValue::Map),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_value_comes_back(value in any_value()) {
            let json = value.to_json();
            prop_assert!(serde_json::from_str::<&RawValue>(&json).is_ok(), "{}", json);
            prop_assert_eq!(AnyValue::from_json(&json), Some(value), "{}", json);
        }
    }

    #[test]
    fn numbers_keep_their_kind() {
        let json = |value: AnyValue| value.to_json();
        assert_eq!(json(AnyValue::Int(1)), "1");
        assert_eq!(json(AnyValue::Double(1.0)), "1.0");
        assert_eq!(json(AnyValue::Double(-0.0)), "-0.0");
        assert_eq!(json(AnyValue::Double(f64::NAN)), r#"{"weir:double":"NaN"}"#);
        assert_eq!(json(AnyValue::Bytes(vec![255])), r#"{"weir:bytes":"/w=="}"#);
        assert_eq!(AnyValue::from_json("0.30000000000000004"), Some(AnyValue::Double(0.1 + 0.2)));
        for wrong in ["", "nul", "+1", "01", "1.", "{", "[1,]", r#"{"weir:bytes":1}"#, "Infinity"] {
            assert_eq!(AnyValue::from_json(wrong), None, "{wrong}");
        }
    }
}
