//! Identity. Internally every id is 16 bytes; ids that Weir makes are UUIDv7, so they sort by time.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub [u8; 16]);

        impl $name {
            /// A new time-ordered id (UUIDv7).
            #[must_use]
            pub fn new() -> Self {
                Self(*uuid::Uuid::now_v7().as_bytes())
            }

            /// Reads 16 or 32 hex digits, with or without UUID dashes; 16 digits fill the low 8 bytes.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                parse_hex(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let bytes = significant(&self.0);
                let mut digits = [0u8; 32];
                let digits = &mut digits[..bytes.len() * 2];
                hex::encode_to_slice(bytes, digits).map_err(|_| fmt::Error)?;
                f.write_str(std::str::from_utf8(digits).map_err(|_| fmt::Error)?)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = &'static str;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text).ok_or("expected 16 or 32 hex digits")
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
                Self::parse(&text).ok_or_else(|| serde::de::Error::custom("expected 16 or 32 hex digits"))
            }
        }
    };
}

id_type! {
    /// A run of a tracking client.
    RunId
}
id_type! {
    /// A trace: the tree of spans that belong together.
    TraceId
}
impl TraceId {
    /// The trace of what names only its request: the first 16 bytes of SHA-256 over `weir:request:` and the request's id.
    #[must_use]
    pub fn of_request(request_id: &str) -> Self {
        use sha2::Digest;
        let mut hash = sha2::Sha256::new();
        hash.update(b"weir:request:");
        hash.update(request_id.as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&hash.finalize()[..16]);
        Self(id)
    }
}

id_type! {
    /// A span. An 8-byte OpenTelemetry id sits in the low half with a zero high half, and prints as 16 digits.
    /// Unique only together with its trace.
    SpanId
}

id_type! {
    /// A score.
    ScoreId
}

id_type! {
    /// A dataset.
    DatasetId
}

id_type! {
    /// An example of a dataset.
    ExampleId
}

/// What identifies a span: a span id is unique only within its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SpanKey {
    /// The trace it belongs to.
    pub trace: TraceId,
    /// The span within that trace.
    pub span: SpanId,
}

/// The bytes that carry the id: the low 8 of an 8-byte id, else all 16. Also how ids are stored.
#[must_use]
pub fn significant(id: &[u8; 16]) -> &[u8] {
    if id[..8] == [0; 8] { &id[8..] } else { id }
}

/// The inverse of [`significant`]: 8 or 16 bytes; anything else is `None`.
#[must_use]
pub fn from_significant(bytes: &[u8]) -> Option<[u8; 16]> {
    let mut id = [0; 16];
    match bytes.len() {
        8 => id[8..].copy_from_slice(bytes),
        16 => id.copy_from_slice(bytes),
        _ => return None,
    }
    Some(id)
}

fn parse_hex(text: &str) -> Option<[u8; 16]> {
    let mut digits = [0u8; 32];
    let mut n = 0;
    for b in text.bytes().filter(|b| *b != b'-') {
        *digits.get_mut(n)? = b;
        n += 1;
    }
    let mut bytes = [0u8; 16];
    match n {
        16 | 32 => hex::decode_to_slice(&digits[..n], &mut bytes[16 - n / 2..]).ok()?,
        _ => return None,
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_print_and_read_back() {
        let id = SpanId::new();
        assert_eq!(id.to_string().parse(), Ok(id));
        let short = SpanId::parse("00f067aa0ba902b7").unwrap();
        assert_eq!(short.to_string(), "00f067aa0ba902b7");
        assert_eq!(from_significant(significant(&short.0)), Some(short.0));
        assert_eq!(
            TraceId::parse("0192f0c1-2345-7abc-8def-0123456789ab"),
            TraceId::parse("0192f0c123457abc8def0123456789ab")
        );
        assert_eq!(TraceId::parse("12"), None);
        assert_eq!(TraceId::parse("zz92f0c123457abc8def0123456789ab"), None);
    }

    #[test]
    fn new_ids_sort_by_time() {
        let made: Vec<_> = (0..100).map(|_| SpanId::new()).collect();
        assert!(made.is_sorted());
    }
}
