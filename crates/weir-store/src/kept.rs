//! What is said of traces and calls, on its way into the store by whichever route.
//!
//! Invariant: secrets are taken out of it first, and what the configuration does not keep of payloads is not kept of
//! previews either.

use std::sync::Arc;

use weir_core::id::{ScoreId, SpanKey, TraceId};
use weir_core::record::RecordPolicy;
use weir_core::score::{Score, ScoreTarget};
use weir_core::span::Span;

use crate::scores::{ScoreName, Scores, Tally};
use crate::telemetry::StoreError;
use crate::traces::{HeadQuery, Link, Totals, TraceHead, TraceWrite, Traces};

/// Does something under the policy in force.
pub type UnderPolicy = Arc<dyn Fn(&mut dyn FnMut(&RecordPolicy)) + Send + Sync>;

/// A store of scores or of traces that keeps what the policy allows.
pub struct Kept<T: ?Sized> {
    store: Arc<T>,
    policy: UnderPolicy,
}

impl<T: ?Sized> Kept<T> {
    /// What is written into a store, under a policy.
    pub fn new(store: Arc<T>, policy: UnderPolicy) -> Self {
        Self { store, policy }
    }
}

impl<T: Scores + ?Sized> Scores for Kept<T> {
    fn put(&self, scores: &[Score]) -> Result<(), StoreError> {
        let mut scores = scores.to_vec();
        (self.policy)(&mut |policy| scores.iter_mut().for_each(|score| policy.score(score)));
        self.store.put(&scores)
    }

    fn score(&self, id: ScoreId) -> Result<Option<Score>, StoreError> {
        self.store.score(id)
    }

    fn change(&self, id: ScoreId, change: &mut dyn FnMut(&mut Score)) -> Result<Option<Score>, StoreError> {
        self.store.change(id, &mut |score| {
            change(score);
            (self.policy)(&mut |policy| policy.score(score));
        })
    }

    fn delete(&self, id: ScoreId) -> Result<bool, StoreError> {
        self.store.delete(id)
    }

    fn delete_of(&self, traces: &[TraceId]) -> Result<(), StoreError> {
        self.store.delete_of(traces)
    }

    fn of(&self, targets: &[ScoreTarget], limit: usize) -> Result<Vec<Score>, StoreError> {
        self.store.of(targets, limit)
    }

    fn tallies(&self, targets: &[ScoreTarget]) -> Result<Vec<Tally>, StoreError> {
        self.store.tallies(targets)
    }

    fn names(&self, newest: usize) -> Result<Vec<ScoreName>, StoreError> {
        self.store.names(newest)
    }
}

impl<T: Traces + ?Sized> Traces for Kept<T> {
    fn write_traces(&self, writes: &[TraceWrite]) -> Result<(), StoreError> {
        let mut writes = writes.to_vec();
        (self.policy)(&mut |policy| writes.iter_mut().for_each(|write| clean(policy, write)));
        self.store.write_traces(&writes)
    }

    fn trace_heads(&self, ids: &[TraceId]) -> Result<Vec<Option<TraceHead>>, StoreError> {
        self.store.trace_heads(ids)
    }

    fn list_traces(&self, query: &HeadQuery) -> Result<Vec<TraceHead>, StoreError> {
        self.store.list_traces(query)
    }

    fn trace_totals(&self, ids: &[TraceId]) -> Result<Vec<Totals>, StoreError> {
        self.store.trace_totals(ids)
    }

    fn trace_spans(&self, ids: &[TraceId], with_payload: bool, most: usize) -> Result<Vec<Vec<Span>>, StoreError> {
        self.store.trace_spans(ids, with_payload, most)
    }

    fn spans_by_key(&self, keys: &[SpanKey]) -> Result<Vec<Option<Span>>, StoreError> {
        self.store.spans_by_key(keys)
    }

    fn delete_traces(&self, ids: &[TraceId]) -> Result<u64, StoreError> {
        self.store.delete_traces(ids)
    }

    fn link_traces(&self, ids: &[TraceId], links: &[Link]) -> Result<(), StoreError> {
        self.store.link_traces(ids, links)
    }

    fn linked_traces(&self, link: &Link, limit: usize) -> Result<Vec<TraceId>, StoreError> {
        self.store.linked_traces(link, limit)
    }

    fn trace_links(&self, ids: &[TraceId]) -> Result<Vec<Vec<Link>>, StoreError> {
        self.store.trace_links(ids)
    }
}

fn clean(policy: &RecordPolicy, write: &mut TraceWrite) {
    let row = &mut write.row;
    policy.payload(&mut row.request_preview);
    policy.payload(&mut row.response_preview);
    [&mut row.name, &mut row.session].into_iter().flatten().for_each(|text| policy.text(text));
    row.tags.values_mut().chain(row.metadata.values_mut()).for_each(|text| policy.either(text));
}

#[cfg(test)]
mod tests {
    use weir_core::record::{PayloadMode, RecordConfig};
    use weir_core::score::ScoreValue;

    use super::*;
    use crate::sqlite::SqliteStore;
    use crate::traces::TraceRow;

    const KEY: &str = "sk-proj-a1B2c3D4e5F6g7H8a1B2c3D4e5F6g7H8";

    fn under(payload: PayloadMode) -> UnderPolicy {
        let policy = RecordPolicy::new(&RecordConfig { payload, ..RecordConfig::default() }).unwrap();
        Arc::new(move |work| work(&policy))
    }

    fn opened() -> (tempfile::TempDir, Arc<SqliteStore>) {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(folder.path()).unwrap());
        (folder, store)
    }

    fn said() -> TraceWrite {
        let told = || format!("my key is {KEY}, keep it");
        let row = TraceRow {
            request_preview: Some(format!(r#"{{"q":"{}"}}"#, told())),
            response_preview: Some("yes".to_owned()),
            name: Some(told()),
            tags: [("note".to_owned(), told())].into(),
            metadata: [("m".to_owned(), told())].into(),
            ..TraceRow::default()
        };
        TraceWrite { id: TraceId::of_request("t"), row, removed_tags: Vec::new() }
    }

    #[test]
    fn no_secret_of_a_trace_or_a_score_is_stored() {
        let (_folder, store) = opened();
        let kept = Kept::new(store.clone(), under(PayloadMode::Full));
        kept.write_traces(&[said()]).unwrap();
        let target = ScoreTarget::Trace(TraceId::of_request("t"));
        let mut score = Score::new(target.clone(), "good", ScoreValue::Text(KEY.to_owned()), 1);
        score.reason = Some(format!("it says {KEY}"));
        kept.put(&[score.clone()]).unwrap();
        kept.change(score.id, &mut |score| score.metadata = [("why".to_owned(), KEY.to_owned())].into()).unwrap();
        let row = store.trace_heads(&[TraceId::of_request("t")]).unwrap().pop().flatten().unwrap().row.unwrap();
        let stored = format!("{row:?} {:?}", store.of(&[target], 9).unwrap());
        assert!(!stored.contains("a1B2"), "{stored}");
        assert!(row.request_preview.unwrap().ends_with(", keep it\"}"), "what is no secret stays");
        assert_eq!(row.response_preview.as_deref(), Some("yes"));
    }

    #[test]
    fn no_preview_is_kept_where_no_payload_is() {
        let (_folder, store) = opened();
        Kept::new(store.clone(), under(PayloadMode::None)).write_traces(&[said()]).unwrap();
        let row = store.trace_heads(&[TraceId::of_request("t")]).unwrap().pop().flatten().unwrap().row.unwrap();
        assert_eq!((row.request_preview, row.response_preview), (None, None));
    }
}
