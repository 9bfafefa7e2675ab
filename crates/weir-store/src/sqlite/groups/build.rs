//! Builds groups from rows, in the background.

use std::collections::BTreeSet;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::entry;
use super::field::{INDEXED, Shape};
use super::{ROWS, TAIL};
use crate::sqlite::groups::cover::Hole;

/// A group that was built from a snapshot.
#[derive(Debug)]
pub(in crate::sqlite) struct Built {
    pub(in crate::sqlite) first: i64,
    pub(in crate::sqlite) end: i64,
    rows: usize,
    entries: Vec<(usize, Vec<u8>)>,
}

/// What is collected of one field.
enum Collected {
    Members(BTreeSet<i64>),
    Hashes(BTreeSet<u64>),
    Range { count: u64, least: i64, greatest: i64 },
}

impl Collected {
    fn new(shape: Shape) -> Self {
        match shape {
            Shape::Members => Self::Members(BTreeSet::new()),
            Shape::Hashes | Shape::EachHash => Self::Hashes(BTreeSet::new()),
            Shape::Range => Self::Range { count: 0, least: i64::MAX, greatest: i64::MIN },
        }
    }

    fn add(&mut self, shape: Shape, value: ValueRef<'_>) {
        match (self, value) {
            (Self::Members(set), ValueRef::Integer(n)) => {
                set.insert(n);
            }
            (Self::Hashes(set), ValueRef::Text(json)) if shape == Shape::EachHash => {
                let tags: Vec<String> = serde_json::from_slice(json).unwrap_or_default();
                set.extend(tags.iter().map(|tag| entry::hash(tag.as_bytes())));
            }
            (Self::Hashes(set), ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => {
                set.insert(entry::hash(bytes));
            }
            (Self::Range { count, least, greatest }, ValueRef::Integer(n)) => {
                *count += 1;
                *least = (*least).min(n);
                *greatest = (*greatest).max(n);
            }
            _ => {}
        }
    }

    fn entry(self) -> Option<Vec<u8>> {
        match self {
            Self::Members(set) => (!set.is_empty()).then(|| entry::members(&set)),
            Self::Hashes(set) => (!set.is_empty()).then(|| entry::hashes(&set)),
            Self::Range { count, least, greatest } => (count > 0).then(|| entry::range(count, least, greatest)),
        }
    }
}

/// Where the ungrouped tail begins; rows from there on are left alone.
pub(in crate::sqlite) fn tail_start(db: &Connection) -> rusqlite::Result<Option<i64>> {
    let sql = format!("SELECT seq FROM spans ORDER BY seq DESC LIMIT 1 OFFSET {TAIL}");
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    rows.next()?.map(|row| row.get(0)).transpose()
}

/// Builds at most `limit` groups in a hole. The groups partition what they cover of it, from its start on.
pub(in crate::sqlite) fn build(db: &Connection, hole: Hole, limit: usize) -> rusqlite::Result<Vec<Built>> {
    let columns: Vec<&str> = INDEXED.iter().map(|i| i.column).collect();
    let sql =
        format!("SELECT seq, {} FROM spans WHERE seq >= ?1 AND seq < ?2 ORDER BY seq LIMIT ?3", columns.join(", "));
    let mut statement = db.prepare_cached(&sql)?;
    let mut built = Vec::new();
    let mut first = hole.first;
    while built.len() < limit && first < hole.end {
        // Half a group more than one: a rest smaller than half a group joins the last.
        let mut seqs = Vec::with_capacity(ROWS);
        {
            let mut seq_only =
                db.prepare_cached("SELECT seq FROM spans WHERE seq >= ?1 AND seq < ?2 ORDER BY seq LIMIT ?3")?;
            let mut rows = seq_only.query((first, hole.end, (ROWS + ROWS / 2) as i64))?;
            while let Some(row) = rows.next()? {
                seqs.push(row.get::<_, i64>(0)?);
            }
        }
        let rest = seqs.len() < ROWS + ROWS / 2;
        if rest && hole.open {
            // The open end: only whole groups.
            match seqs.get(ROWS) {
                Some(_) => {}
                None => break,
            }
        }
        let (take, end) = match seqs.get(ROWS) {
            Some(next) if !rest || hole.open => (ROWS, *next),
            _ => (seqs.len(), hole.end),
        };
        let mut collected: Vec<Collected> = INDEXED.iter().map(|i| Collected::new(i.shape)).collect();
        let mut rows = statement.query((first, end, take as i64))?;
        while let Some(row) = rows.next()? {
            for (n, (of, into)) in INDEXED.iter().zip(&mut collected).enumerate() {
                into.add(of.shape, row.get_ref(n + 1)?);
            }
        }
        let entries =
            collected.into_iter().enumerate().filter_map(|(field, c)| c.entry().map(|data| (field, data))).collect();
        built.push(Built { first, end, rows: take, entries });
        first = end;
    }
    Ok(built)
}

/// Writes a group, within the writer's transaction.
pub(in crate::sqlite) fn store(db: &Connection, group: &Built) -> rusqlite::Result<()> {
    // Entries of groups that were dropped here.
    let mut delete =
        db.prepare_cached("DELETE FROM group_index WHERE field = ?1 AND first_seq >= ?2 AND first_seq < ?3")?;
    for field in 0..INDEXED.len() {
        delete.execute((field as i64, group.first, group.end))?;
    }
    db.prepare_cached("INSERT INTO groups (first_seq, end_seq, rows) VALUES (?1, ?2, ?3)")?.execute((
        group.first,
        group.end,
        group.rows as i64,
    ))?;
    let mut insert = db.prepare_cached("INSERT INTO group_index (field, first_seq, data) VALUES (?1, ?2, ?3)")?;
    for (field, data) in &group.entries {
        insert.execute((*field as i64, group.first, data))?;
    }
    Ok(())
}
