use std::os::unix::fs::FileExt;
use std::sync::Arc;

use weir_core::id::{SpanId, SpanKey, TraceId};
use weir_core::span::Span;

use super::*;

fn span(n: u64) -> Span {
    Span {
        request_id: Some(format!("r{n}")),
        input: Some("x".repeat(100)),
        ..Span::new(SpanKey { trace: TraceId::new(), span: SpanId::new() })
    }
}

fn read_all(journal: &Arc<Journal>, from: Position) -> (Vec<String>, u64) {
    let mut reader = Reader::new(Arc::clone(journal), from);
    let mut spans = Vec::new();
    reader.read(usize::MAX, u64::MAX, &mut spans).unwrap();
    (spans.into_iter().filter_map(|s| s.request_id).collect(), reader.take_lost())
}

fn names(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|n| format!("r{n}")).collect()
}

fn only_segment(dir: &Path) -> PathBuf {
    let mut files: Vec<_> = std::fs::read_dir(dir.join("journal")).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files.into_iter().find(|f| std::fs::metadata(f).unwrap().len() > 0).unwrap()
}

#[test]
fn records_are_read_in_order_across_segments_and_restarts() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..3 {
        // Segments of a few records each.
        let journal = Arc::new(Journal::open(dir.path(), 16 << 10).unwrap());
        for n in 0..10 {
            journal.append(&span(round * 10 + n)).unwrap();
        }
        assert_eq!(read_all(&journal, Position::default()), (names(0..(round + 1) * 10), 0));
        let reader = Reader::new(Arc::clone(&journal), Position::default());
        assert_eq!(reader.count_ahead().unwrap(), (round + 1) * 10);
    }
}

#[test]
fn a_full_journal_refuses_until_it_is_drained() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(Journal::open(dir.path(), 16 << 10).unwrap());
    let mut n = 0;
    let full = loop {
        match journal.append(&span(n)) {
            Ok(()) => n += 1,
            Err(e) => break e,
        }
    };
    assert!(matches!(full, JournalError::Full(_)));
    assert!(journal.size() <= 16 << 10);
    let mut reader = Reader::new(Arc::clone(&journal), Position::default());
    let mut spans = Vec::new();
    reader.read(usize::MAX, u64::MAX, &mut spans).unwrap();
    assert_eq!(spans.len() as u64, n);
    assert_eq!(journal.bytes_after(reader.position()), 0);
    journal.release(reader.position());
    journal.append(&span(n)).unwrap();
    reader.read(usize::MAX, u64::MAX, &mut spans).unwrap();
    assert_eq!(spans.len() as u64, n + 1);
}

#[test]
fn a_torn_tail_ends_its_segment_and_is_no_loss() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), 1 << 20).unwrap();
    for n in 0..3 {
        journal.append(&span(n)).unwrap();
    }
    drop(journal);
    let file = std::fs::OpenOptions::new().write(true).open(only_segment(dir.path())).unwrap();
    let length = file.metadata().unwrap().len();
    file.set_len(length - 5).unwrap();
    let journal = Arc::new(Journal::open(dir.path(), 1 << 20).unwrap());
    journal.append(&span(3)).unwrap();
    assert_eq!(read_all(&journal, Position::default()), (vec!["r0".into(), "r1".into(), "r3".into()], 0));
}

#[test]
fn a_damaged_record_costs_the_rest_of_its_segment_and_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), 1 << 20).unwrap();
    for n in 0..4 {
        journal.append(&span(n)).unwrap();
    }
    let one = journal.end().offset / 4;
    drop(journal);
    let file = std::fs::OpenOptions::new().write(true).open(only_segment(dir.path())).unwrap();
    file.write_all_at(b"!!!", one + 40).unwrap();
    let journal = Arc::new(Journal::open(dir.path(), 1 << 20).unwrap());
    journal.append(&span(4)).unwrap();
    assert_eq!(read_all(&journal, Position::default()), (vec!["r0".into(), "r4".into()], 3));
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("journal"), "in the way").unwrap();
    let refused = Journal::open(dir.path(), 1 << 20).unwrap_err().to_string();
    assert!(refused.contains(&dir.path().display().to_string()), "{refused}");
}
