//! Ids of runs and of the calls that they are.
//!
//! A span id of 16 bytes is the run's id. One of 8 bytes, which is unique only in its trace, stands behind the last 8
//! bytes of the trace's id; the trace is found by looking for the span.

use weir_core::id::{RunId, SpanId, SpanKey};

/// The run of a call.
pub(super) fn run(call: SpanKey) -> RunId {
    let mut id = call.span.0;
    if is_short(call.span) {
        id[..8].copy_from_slice(&call.trace.0[8..]);
    }
    RunId(id)
}

/// The ids that the span of a run may have.
pub(super) fn spans(run: RunId) -> [SpanId; 2] {
    let mut short = [0; 16];
    short[8..].copy_from_slice(&run.0[8..]);
    [SpanId(run.0), SpanId(short)]
}

fn is_short(span: SpanId) -> bool {
    span.0[..8] == [0; 8]
}

/// The run of the text that the tag `weir.call_id` holds.
pub(super) fn of_call_id(text: &str) -> Option<RunId> {
    match text.split_once('-') {
        Some((trace, span)) => {
            let key = SpanKey { trace: trace.parse().ok()?, span: span.parse().ok()? };
            Some(run(key))
        }
        None => RunId::parse(text),
    }
}

#[cfg(test)]
mod tests {
    use weir_core::id::TraceId;

    use super::*;
    use crate::mlflow::call_run::call_id;

    #[test]
    fn ids_lead_to_each_other() {
        let trace: TraceId = "0102030405060708090a0b0c0d0e0f10".parse().unwrap();
        let long = SpanKey { trace, span: SpanId::new() };
        let short = SpanKey { trace, span: "a1a2a3a4a5a6a7a8".parse().unwrap() };
        assert_eq!(run(long).0, long.span.0);
        assert_eq!(run(short).to_string(), "090a0b0c0d0e0f10a1a2a3a4a5a6a7a8");
        for key in [long, short] {
            assert!(spans(run(key)).contains(&key.span));
            assert_eq!(of_call_id(&call_id(key)), Some(run(key)));
        }
        assert_eq!(of_call_id("x"), None);
    }
}
