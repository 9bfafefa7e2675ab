use weir_core::score::ScoreValue;

use super::*;
use crate::telemetry::Telemetry;

fn score(target: ScoreTarget, name: &str, value: &str, at: Micros) -> Score {
    Score {
        id: ScoreId::new(),
        target,
        name: name.into(),
        value: serde_json::from_str(value).unwrap(),
        source: ScoreSource::Judge,
        author: Some("gpt-4o".into()),
        reason: None,
        created_us: at,
    }
}

#[test]
fn scores_come_back_as_they_were_and_the_same_id_replaces() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    let (call, trace) = (ScoreTarget::call("req-1"), ScoreTarget::Trace(TraceId::new()));
    let mut first = score(call.clone(), "helpful", "3", 1);
    let of_trace = score(trace.clone(), "tone", "\"dry\"", 3);
    store.put(&[first.clone(), of_trace.clone()]).unwrap();
    first.value = ScoreValue::Bool(true);
    first.reason = Some("second thoughts".into());
    let later = score(call.clone(), "helpful", "0.50", 2);
    store.put(&[later.clone(), first.clone()]).unwrap();

    let both = [trace.clone(), call.clone()];
    assert_eq!(store.of(&both, 10).unwrap(), [first.clone(), later.clone(), of_trace.clone()]);
    assert_eq!(store.of(&both, 2).unwrap(), [first.clone(), later]);
    assert_eq!(store.of(&[ScoreTarget::call("req-2")], 10).unwrap(), []);
    // A correction may also move a score to another target.
    first.target = trace.clone();
    store.put(&[first.clone()]).unwrap();
    assert_eq!(store.of(&[trace], 10).unwrap(), [first, of_trace]);
    drop(store);
    assert_eq!(SqliteStore::open_read_only(dir.path()).unwrap().of(&[call], 10).unwrap().len(), 1);
}

#[test]
fn tallies_sum_numbers_per_target_and_name() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    let (a, b, trace) = (ScoreTarget::call("a"), ScoreTarget::call("b"), ScoreTarget::Trace(TraceId::new()));
    store
        .put(&[
            score(a.clone(), "helpful", "3", 0),
            score(a.clone(), "helpful", "4", 0),
            score(a.clone(), "helpful", "\"very\"", 0),
            score(a.clone(), "correct", "true", 0),
            score(trace.clone(), "correct", "false", 0),
            score(b.clone(), "note", "\"x\"", 0),
        ])
        .unwrap();
    let tally = |target, name: &str, sum, count| Tally { target, name: name.into(), sum, count };
    assert_eq!(
        store.tallies(&[b, trace, a]).unwrap(),
        [tally(1, "correct", 0.0, 1), tally(2, "correct", 1.0, 1), tally(2, "helpful", 7.0, 2)]
    );
}

#[test]
fn old_scores_go_with_their_calls() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    let call = ScoreTarget::call("a");
    store.put(&[score(call.clone(), "old", "1", 5), score(call.clone(), "new", "1", 10)]).unwrap();
    store.prune(10).unwrap();
    let left = store.of(&[call], 10).unwrap();
    assert_eq!(left.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["new"]);
}

#[test]
fn a_file_without_the_table_has_no_scores() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    let db = rusqlite::Connection::open(dir.path().join("telemetry.db")).unwrap();
    db.execute_batch("DROP TABLE scores; DELETE FROM schema_migrations WHERE version = 3;").unwrap();
    drop((db, store));
    let store = SqliteStore::open_read_only(dir.path()).unwrap();
    assert_eq!(store.tallies(&[ScoreTarget::call("a")]).unwrap(), []);
    assert_eq!(store.of(&[ScoreTarget::call("a")], 10).unwrap(), []);
    assert!(store.put(&[]).is_err());
}
