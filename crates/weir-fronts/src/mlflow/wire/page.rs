//! Page tokens: opaque to clients, an offset within.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use weir_core::id::RunId;

use crate::mlflow::errors::Refused;

#[derive(Serialize, Deserialize)]
struct Token {
    offset: u64,
}

/// The offset that a page token stands for; none is the beginning.
pub(crate) fn offset(token: Option<&str>) -> Result<u64, Refused> {
    let Some(token) = token.filter(|token| !token.is_empty()) else { return Ok(0) };
    let parsed = STANDARD.decode(token).ok().and_then(|bytes| serde_json::from_slice::<Token>(&bytes).ok());
    parsed.map(|token| token.offset).ok_or_else(|| Refused::invalid("Invalid page token, could not base64-decode"))
}

/// The token of a page that begins at an offset.
pub(crate) fn next_token(offset: u64) -> String {
    STANDARD.encode(serde_json::to_vec(&Token { offset }).unwrap_or_default())
}

/// Where a page of runs ended, as its token says it.
#[derive(Serialize, Deserialize)]
struct After {
    start: i64,
    run: RunId,
}

/// The token of a page that begins behind a run.
pub(crate) fn token_after(start_ms: i64, run: RunId) -> String {
    STANDARD.encode(serde_json::to_vec(&After { start: start_ms, run }).unwrap_or_default())
}

/// The start and the id of the run that a token stands behind, if it is such a token.
pub(crate) fn run_after(token: &str) -> Option<(i64, RunId)> {
    let after: After = serde_json::from_slice(&STANDARD.decode(token).ok()?).ok()?;
    Some((after.start, after.run))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_back_and_garbage_is_refused() {
        assert_eq!(offset(Some(&next_token(2_000))).unwrap(), 2_000);
        assert_eq!(offset(None).unwrap(), 0);
        for garbage in ["x", "e30=", "!!!", "eyJvZmZzZXQiOiAtMX0="] {
            assert!(offset(Some(garbage)).is_err(), "{garbage}");
            assert_eq!(run_after(garbage), None);
        }
        let run = RunId::new();
        assert_eq!(run_after(&token_after(-5, run)), Some((-5, run)));
    }
}
