//! The ids of traces: `tr-` and 32 hex digits on MLflow's wire.
//!
//! Old clients' ids and those of importers are any text. Such a trace gets 16 bytes that are made of the text, and its row
//! keeps the text.

use sha2::{Digest, Sha256};
use weir_core::id::TraceId;

use crate::mlflow::errors::Refused;

const PREFIX: &str = "tr-";
/// Longest id.
const MOST: usize = 50;

/// The trace of an id, and the id itself where it cannot be told from the trace.
pub(in crate::mlflow) fn read(text: &str) -> (TraceId, Option<String>) {
    let digits = text.strip_prefix(PREFIX).filter(|digits| digits.len() == 32);
    let own = digits.and_then(TraceId::parse).filter(|id| print(*id) == text);
    own.map_or_else(|| (of_text(text), Some(text.to_owned())), |id| (id, None))
}

/// The same of an id by which a trace is made.
pub(super) fn made(text: &str) -> Result<(TraceId, Option<String>), Refused> {
    if text.chars().count() > MOST {
        return Err(Refused::invalid(format!("'trace_id' exceeds the maximum length of {MOST} characters")));
    }
    Ok(read(text))
}

/// The usual id of a trace.
pub(in crate::mlflow) fn print(id: TraceId) -> String {
    format!("{PREFIX}{}", digits(id))
}

/// All 32 digits, also where the first ones are zero.
pub(super) fn digits(id: TraceId) -> String {
    format!("{:032x}", u128::from_be_bytes(id.0))
}

fn of_text(text: &str) -> TraceId {
    let mut hash = Sha256::new();
    hash.update(b"weir:mlflow:trace:");
    hash.update(text.as_bytes());
    let mut id = [0; 16];
    for (to, from) in id.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    TraceId(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_back_whatever_they_are() {
        let id = "tr-0000000000000000a468f53934ad0f01";
        let (trace, foreign) = read(id);
        assert_eq!((print(trace).as_str(), foreign), (id, None));
        for foreign in ["tr-1", "abc", "TR-F567D9D793C5200D26A468F53934AD0F", "tr-F567D9D793C5200D26A468F53934AD0F"] {
            assert_eq!(read(foreign).1.as_deref(), Some(foreign));
            assert_eq!(read(foreign), read(foreign));
        }
        assert_ne!(read("a").0, read("b").0);
        assert!(made(&"x".repeat(51)).is_err() && made(&"x".repeat(50)).is_ok());
    }
}
