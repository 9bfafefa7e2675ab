//! Which ranges of rows are covered by groups, as the writer knows it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use rusqlite::Connection;

/// A dropped group is not built again before that: rows that come late come in company.
const SETTLE: Duration = Duration::from_secs(if cfg!(test) { 0 } else { 2 });

/// A range without groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sqlite) struct Hole {
    pub(in crate::sqlite) first: i64,
    pub(in crate::sqlite) end: i64,
    /// Whether it is the open end, where rows are still added.
    pub(in crate::sqlite) open: bool,
}

/// Drops the groups of the rows that a transaction has written, for a writer that does not know them: those of a file
/// that was written by one process alone before.
pub(in crate::sqlite) fn forget_unseen(db: &Connection, touched: &[i64]) -> rusqlite::Result<()> {
    let last: Option<i64> = db
        .prepare_cached("SELECT max(end_seq) FROM groups WHERE first_seq = (SELECT max(first_seq) FROM groups)")?
        .query_row([], |row| row.get(0))?;
    let Some(last) = last else { return Ok(()) };
    let mut delete = db.prepare_cached(
        "DELETE FROM groups WHERE first_seq = (SELECT max(first_seq) FROM groups WHERE first_seq <= ?1) AND end_seq > ?1",
    )?;
    for seq in touched.iter().filter(|seq| **seq < last) {
        delete.execute([seq])?;
    }
    Ok(())
}

/// The closed groups, by first seq.
#[derive(Debug, Default)]
pub(in crate::sqlite) struct Cover {
    ends: BTreeMap<i64, i64>,
    /// When groups were dropped, by first seq.
    dropped: HashMap<i64, Instant>,
    /// While groups are being built: the rows written since the build began.
    watched: Option<Vec<i64>>,
}

impl Cover {
    /// Reads the groups of the database.
    pub(in crate::sqlite) fn load(db: &Connection) -> rusqlite::Result<Self> {
        let mut statement = db.prepare("SELECT first_seq, end_seq FROM groups")?;
        let ends = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        Ok(Self { ends, ..Self::default() })
    }

    /// Drops the groups of the rows that a transaction has written, in the database.
    pub(in crate::sqlite) fn forget(&self, db: &Connection, touched: &[i64]) -> rusqlite::Result<()> {
        for first in self.hit(touched) {
            db.prepare_cached("DELETE FROM groups WHERE first_seq = ?1")?.execute([first])?;
        }
        Ok(())
    }

    /// The transaction was committed: the same in memory.
    pub(in crate::sqlite) fn committed(&mut self, touched: &[i64]) {
        for first in self.hit(touched) {
            self.ends.remove(&first);
            self.dropped.insert(first, Instant::now());
        }
        if let Some(watched) = &mut self.watched {
            watched.extend_from_slice(touched);
        }
    }

    /// Begins to watch what is written, and says where groups are missing and may be built.
    pub(in crate::sqlite) fn begin_build(&mut self) -> Vec<Hole> {
        self.watched = Some(Vec::new());
        self.dropped.retain(|_, at| at.elapsed() < SETTLE);
        let mut holes = Vec::new();
        let mut at = 0;
        for (first, end) in &self.ends {
            if at < *first && !self.dropped.keys().any(|d| (at..*first).contains(d)) {
                holes.push(Hole { first: at, end: *first, open: false });
            }
            at = *end;
        }
        holes.push(Hole { first: at, end: i64::MAX, open: true });
        holes
    }

    /// Whether no row of a range was written since the build began.
    pub(in crate::sqlite) fn is_untouched(&self, first: i64, end: i64) -> bool {
        self.watched.as_ref().is_some_and(|seqs| !seqs.iter().any(|seq| (first..end).contains(seq)))
    }

    /// The build is over; these groups were committed.
    pub(in crate::sqlite) fn end_build(&mut self, built: impl Iterator<Item = (i64, i64)>) {
        self.watched = None;
        self.ends.extend(built);
    }

    /// Forgets the groups that begin before a seq.
    pub(in crate::sqlite) fn cut(&mut self, before: i64) {
        self.ends = self.ends.split_off(&before);
    }

    fn hit(&self, touched: &[i64]) -> BTreeSet<i64> {
        let Some((_, last)) = self.ends.last_key_value() else { return BTreeSet::new() };
        touched
            .iter()
            .filter(|seq| *seq < last)
            .filter_map(|seq| self.ends.range(..=seq).next_back().filter(|(_, end)| *seq < **end))
            .map(|(first, _)| *first)
            .collect()
    }
}
