//! Span ids in the 8 bytes that OpenTelemetry has for them.

use sha2::{Digest, Sha256};
use weir_core::id::SpanId;

/// The id in the low 8 bytes: as it is where it came so, else derived, the same at every time and in every process, so
/// that the steps of a trace find their parent. Never 0, which stands for no span.
#[must_use]
pub fn short(id: SpanId) -> SpanId {
    let is_short = id.0.iter().take(8).all(|byte| *byte == 0);
    if is_short && id != SpanId::default() {
        return id;
    }
    let hash = Sha256::digest(id.0);
    let mut short = [0; 16];
    for (to, from) in short.iter_mut().skip(8).zip(hash) {
        *to = from;
    }
    if short == [0; 16] {
        short = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    }
    SpanId(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ids_stay_and_long_ones_are_derived() {
        let own = SpanId::parse("00f067aa0ba902b7").unwrap();
        assert_eq!(short(own), own);
        let long = SpanId::parse("0192f0c123457abc8def0123456789ab").unwrap();
        assert_eq!(short(long).to_string(), "03fd18055e8ecf9c", "receivers have it already: it must never change");
        assert_eq!(short(short(long)), short(long));
        assert_ne!(short(SpanId::default()), SpanId::default());
    }
}
