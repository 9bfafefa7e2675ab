//! Time as integer microseconds since the Unix epoch (UTC), and a clock that tests can hold still.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Microseconds since the Unix epoch, UTC.
pub type Micros = i64;

/// Microseconds in one second.
pub const SECOND: Micros = 1_000_000;
/// Microseconds in one minute.
pub const MINUTE: Micros = 60 * SECOND;
/// Microseconds in one hour.
pub const HOUR: Micros = 60 * MINUTE;
/// Microseconds in one day.
pub const DAY: Micros = 24 * HOUR;

/// Where "now" comes from. Cloning is cheap; clones of a fixed clock share its hand.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that shows `now` until [`Clock::advance`] moves it.
    #[must_use]
    pub fn fixed(now: Micros) -> Self {
        Self(Some(Arc::new(AtomicI64::new(now))))
    }

    /// Now, in microseconds since the epoch.
    #[must_use]
    pub fn now(&self) -> Micros {
        match &self.0 {
            Some(hand) => hand.load(Ordering::Relaxed),
            None => jiff::Timestamp::now().as_microsecond(),
        }
    }

    /// Moves a fixed clock; a system clock is not moved.
    pub fn advance(&self, by: Micros) {
        if let Some(hand) = &self.0 {
            hand.fetch_add(by, Ordering::Relaxed);
        }
    }
}

/// RFC 3339 with microseconds and `Z`; times outside the calendar's range print as their number.
#[must_use]
pub fn to_rfc3339(at: Micros) -> String {
    match jiff::Timestamp::from_microsecond(at) {
        Ok(t) => format!("{t:.6}"),
        Err(_) => at.to_string(),
    }
}

/// Reads RFC 3339, or an integer of seconds, milliseconds or microseconds told apart by its size.
#[must_use]
pub fn parse(text: &str) -> Option<Micros> {
    if let Ok(number) = text.parse::<i64>() {
        return Some(match number.unsigned_abs() {
            0..100_000_000_000 => number * SECOND,
            100_000_000_000..100_000_000_000_000 => number * 1_000,
            _ => number,
        });
    }
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_microsecond)
}

/// Serde's form of a time as RFC 3339: `#[serde(with = "weir_core::time::rfc3339")]`.
pub mod rfc3339 {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::{Micros, parse, to_rfc3339};

    #[expect(missing_docs, clippy::missing_errors_doc, reason = "serde's names")]
    pub fn serialize<S: Serializer>(at: &Micros, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_rfc3339(*at))
    }

    #[expect(missing_docs, clippy::missing_errors_doc, reason = "serde's names")]
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Micros, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        parse(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is no time; write it as 2026-01-31T12:00:00Z")))
    }

    /// The same for a time that may be missing.
    pub mod option {
        use serde::{Deserialize, Deserializer, Serializer, de::Error};

        use super::super::{Micros, parse, to_rfc3339};

        #[expect(missing_docs, clippy::missing_errors_doc, reason = "serde's names")]
        pub fn serialize<S: Serializer>(at: &Option<Micros>, serializer: S) -> Result<S::Ok, S::Error> {
            match at {
                Some(at) => serializer.serialize_some(&to_rfc3339(*at)),
                None => serializer.serialize_none(),
            }
        }

        #[expect(missing_docs, clippy::missing_errors_doc, reason = "serde's names")]
        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Micros>, D::Error> {
            let Some(text) = <Option<String>>::deserialize(deserializer)? else { return Ok(None) };
            let at = parse(&text);
            at.map(Some)
                .ok_or_else(|| D::Error::custom(format!("{text:?} is no time; write it as 2026-01-31T12:00:00Z")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_reads_back() {
        let at = 1_763_683_200_123_456;
        assert_eq!(to_rfc3339(at), "2025-11-21T00:00:00.123456Z");
        assert_eq!(parse(&to_rfc3339(at)), Some(at));
        assert_eq!(parse("1763683200"), Some(1_763_683_200_000_000));
        assert_eq!(parse("1763683200123"), Some(1_763_683_200_123_000));
        assert_eq!(parse("yesterday"), None);
    }

    #[test]
    fn a_fixed_clock_moves_only_when_told() {
        let clock = Clock::fixed(5);
        let same = clock.clone();
        same.advance(2);
        assert_eq!(clock.now(), 7);
    }
}
