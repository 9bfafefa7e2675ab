//! Walks over the ranges of rows that a filter has to look at: the groups that may match and what no group covers.

use std::collections::{BTreeSet, HashMap, VecDeque};

use rusqlite::Connection;

use super::probe::{Entries, Probe};

/// Seqs from the first to the last, both inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sqlite) struct Range {
    pub(in crate::sqlite) first: i64,
    pub(in crate::sqlite) last: i64,
}

/// A group as it is stored.
#[derive(Clone, Copy, Debug)]
pub(in crate::sqlite) struct Group {
    pub(in crate::sqlite) first: i64,
    pub(in crate::sqlite) end: i64,
    pub(in crate::sqlite) rows: u64,
}

/// Gives the ranges in the order of a page by start, reading a few groups at first and ever more.
pub(in crate::sqlite) struct Walk<'a> {
    db: &'a Connection,
    probe: &'a Probe,
    fields: BTreeSet<usize>,
    /// What is left to be looked at.
    left: Option<Range>,
    ascending: bool,
    ready: VecDeque<Range>,
    chunk: usize,
}

const FIRST_CHUNK: usize = 8;
const LAST_CHUNK: usize = 1_024;

impl<'a> Walk<'a> {
    pub(in crate::sqlite) fn new(db: &'a Connection, probe: &'a Probe, within: Range, ascending: bool) -> Self {
        let mut fields = BTreeSet::new();
        probe.fields(&mut fields);
        let left = (within.first <= within.last && *probe != Probe::No).then_some(within);
        Self { db, probe, fields, left, ascending, ready: VecDeque::new(), chunk: FIRST_CHUNK }
    }

    /// The next range to scan.
    pub(in crate::sqlite) fn next(&mut self) -> rusqlite::Result<Option<Range>> {
        while self.ready.is_empty() {
            let Some(left) = self.left else { return Ok(None) };
            if *self.probe == Probe::Yes {
                self.left = None;
                return Ok(Some(left));
            }
            self.look(left)?;
        }
        Ok(self.ready.pop_front())
    }

    fn look(&mut self, left: Range) -> rusqlite::Result<()> {
        let mut groups = read_groups(self.db, left, self.ascending, self.chunk)?;
        let more = groups.len() == self.chunk;
        self.chunk = (self.chunk * 8).min(LAST_CHUNK);
        groups.sort_unstable_by_key(|g| g.first);
        let seen = match (more, groups.first(), groups.last()) {
            (true, _, Some(last)) if self.ascending => Range { first: left.first, last: last.end - 1 },
            (true, Some(first), _) => Range { first: first.first.max(left.first), last: left.last },
            _ => left,
        };
        let entries = read_entries(self.db, &self.fields, &groups)?;
        let none = Entries::new();
        let mut at = seen.first;
        let mut ranges: Vec<Range> = Vec::new();
        let mut add = |first: i64, last: i64| {
            if first > last {
                return;
            }
            match ranges.last_mut() {
                Some(range) if range.last + 1 == first => range.last = last,
                _ => ranges.push(Range { first, last }),
            }
        };
        for group in &groups {
            add(at, (group.first - 1).min(seen.last));
            at = at.max(group.end);
            if self.probe.may_match(entries.get(&group.first).unwrap_or(&none), group.rows) {
                add(group.first.max(seen.first), (group.end - 1).min(seen.last));
            }
        }
        add(at, seen.last);
        if !self.ascending {
            ranges.reverse();
        }
        self.ready.extend(ranges);
        let rest = if self.ascending {
            Range { first: seen.last.saturating_add(1), last: left.last }
        } else {
            Range { first: left.first, last: seen.first.saturating_sub(1) }
        };
        self.left = (more && rest.first <= rest.last).then_some(rest);
        Ok(())
    }
}

/// Groups that overlap a range, at most `limit`, from its near end on.
pub(in crate::sqlite) fn read_groups(
    db: &Connection,
    within: Range,
    ascending: bool,
    limit: usize,
) -> rusqlite::Result<Vec<Group>> {
    let sql = if ascending {
        "SELECT first_seq, end_seq, rows FROM groups WHERE end_seq > ?1 AND first_seq <= ?2 AND first_seq >= \
         coalesce((SELECT max(first_seq) FROM groups WHERE first_seq <= ?1), 0) ORDER BY first_seq LIMIT ?3"
    } else {
        "SELECT first_seq, end_seq, rows FROM groups WHERE end_seq > ?1 AND first_seq <= ?2 AND first_seq >= \
         coalesce((SELECT max(first_seq) FROM groups WHERE first_seq <= ?1), 0) ORDER BY first_seq DESC LIMIT ?3"
    };
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map((within.first, within.last, limit as i64), |row| {
        Ok(Group { first: row.get(0)?, end: row.get(1)?, rows: row.get::<_, i64>(2)? as u64 })
    })?;
    rows.collect()
}

/// The entries of sorted groups, by first seq.
pub(in crate::sqlite) fn read_entries(
    db: &Connection,
    fields: &BTreeSet<usize>,
    groups: &[Group],
) -> rusqlite::Result<HashMap<i64, Entries>> {
    let mut entries: HashMap<i64, Entries> = HashMap::with_capacity(groups.len());
    let (Some(first), Some(last)) = (groups.first(), groups.last()) else { return Ok(entries) };
    let mut statement =
        db.prepare_cached("SELECT first_seq, data FROM group_index WHERE field = ?1 AND first_seq BETWEEN ?2 AND ?3")?;
    for field in fields {
        let mut rows = statement.query((*field as i64, first.first, last.first))?;
        while let Some(row) = rows.next()? {
            entries.entry(row.get(0)?).or_default().insert(*field, row.get(1)?);
        }
    }
    Ok(entries)
}
