//! Page tokens of traces in the order in which they stand: the place of the last one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use weir_core::id::TraceId;
use weir_store::traces::Place;

use crate::mlflow::errors::Refused;

#[derive(Serialize, Deserialize)]
struct Token {
    after_ms: i64,
    trace: TraceId,
}

pub(super) fn print(place: Place) -> String {
    STANDARD.encode(serde_json::to_vec(&Token { after_ms: place.at_ms, trace: place.id }).unwrap_or_default())
}

pub(super) fn read(token: &str) -> Result<Place, Refused> {
    let parsed = STANDARD.decode(token).ok().and_then(|bytes| serde_json::from_slice::<Token>(&bytes).ok());
    let place = parsed.map(|token| Place { at_ms: token.after_ms, id: token.trace });
    place.ok_or_else(|| Refused::invalid("Invalid page token, could not base64-decode"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back_and_garbage_is_refused() {
        let place = Place { at_ms: -5, id: TraceId([7; 16]) };
        assert_eq!(read(&print(place)).unwrap(), place);
        for garbage in ["x", "e30=", "eyJvZmZzZXQiOiAxfQ=="] {
            assert!(read(garbage).is_err(), "{garbage}");
        }
    }
}
