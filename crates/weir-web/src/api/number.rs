//! Numbers of the API: dollars as exact decimals, times in milliseconds.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use weir_core::money::NanoUsd;
use weir_core::time::Micros;

/// Dollars, printed as a JSON number with every digit of the nano-dollars and none besides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ToSchema)]
#[schema(value_type = f64)]
pub struct Usd(pub NanoUsd);

impl Usd {
    /// The decimal text, without trailing zeros.
    #[must_use]
    pub fn decimal(self) -> String {
        let nanos = self.0.0;
        let sign = if nanos < 0 { "-" } else { "" };
        let (whole, rest) = (nanos.unsigned_abs() / 1_000_000_000, nanos.unsigned_abs() % 1_000_000_000);
        if rest == 0 {
            return format!("{sign}{whole}");
        }
        let digits = format!("{rest:09}");
        format!("{sign}{whole}.{}", digits.trim_end_matches('0'))
    }
}

impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.decimal()).map_err(serde::ser::Error::custom)?.serialize(s)
    }
}

impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        f64::deserialize(d).map(|usd| Self(NanoUsd::from_usd(usd)))
    }
}

/// Microseconds as milliseconds.
pub(super) fn millis(us: Micros) -> f64 {
    us as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_print_exactly_and_read_back() {
        for (nanos, text) in [
            (0, "0"),
            (1, "0.000000001"),
            (150_000, "0.00015"),
            (1_234_567_890, "1.23456789"),
            (-2_500_000_000, "-2.5"),
            (7_000_000_000, "7"),
        ] {
            let usd = Usd(NanoUsd(nanos));
            assert_eq!(serde_json::to_string(&usd).unwrap(), text);
            assert_eq!(serde_json::from_str::<Usd>(text).unwrap(), usd);
        }
        assert_eq!(serde_json::to_string(&Usd(NanoUsd(i64::MAX))).unwrap(), "9223372036.854775807");
    }
}
