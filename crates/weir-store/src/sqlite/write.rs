//! The writer: one connection, one transaction per batch.
//!
//! Invariant: what it keeps in memory about the database (numbers of texts, the closed groups) is changed only after the
//! commit, or forgotten at a rollback. A file that other processes write too leaves only the numbers of texts, which are
//! never changed by anybody.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use weir_core::merge::{Merged, SpanWrite};
use weir_core::span::Span;
use weir_core::time::Micros;

use super::error;
use super::exports;
use super::groups::{self, Cover};
use super::names::{NameIds, NameTexts};
use super::options::PayloadEncoding;
use super::payload::block;
use super::payload::dictionary::Dictionaries;
use super::payload::read::PayloadReader;
use super::place::Place;
use super::prepare::{self, Prepared, PreparedRow};
use super::rollup;
use super::rollup::contribution::Contribution;
use super::rollup::floors::Floors;
use super::rollup::fold::Fold;
use super::rollup::under::Under;
use super::row::{self, NAMED, StoredSpan};
use super::seq;
use crate::exports::Scope;
use crate::ingest::CommitError;
use crate::journal::Position;

/// What only the writer has.
pub(super) struct Writer {
    pub(super) db: Connection,
    pub(super) ids: NameIds,
    pub(super) counter: u32,
    /// Nothing where the file is shared.
    pub(super) cover: Option<Cover>,
    pub(super) encoding: PayloadEncoding,
    /// What is queued for exporters when it ends.
    pub(super) queued: Option<Scope>,
    /// Where the file is shared: which one it is.
    pub(super) place: Option<Place>,
}

/// What the writer shares with readers.
pub(super) struct Lookups<'a> {
    pub(super) texts: &'a NameTexts,
    pub(super) dictionaries: &'a Dictionaries,
    pub(super) now: Micros,
}

/// The rows that a block of the batch ended up serving.
#[derive(Clone, Copy, Default)]
struct Use {
    spans: i64,
    first: i64,
    last: i64,
}

impl Use {
    fn note(&mut self, seq: i64) {
        self.first = if self.spans == 0 { seq } else { self.first.min(seq) };
        self.last = self.last.max(seq);
        self.spans += 1;
    }
}

/// The spans of a batch that are stored as ended now and were not before.
#[derive(Default)]
pub(super) struct Ended {
    /// Places of new rows in the batch.
    rows: Vec<usize>,
    /// What stored rows became.
    merged: Vec<Span>,
}

impl Ended {
    pub(super) fn spans<'a>(&'a self, batch: &'a Prepared) -> impl Iterator<Item = &'a Span> {
        let new = self.rows.iter().filter_map(|at| batch.rows.get(*at)).map(|row| &row.merged.span);
        new.chain(&self.merged)
    }
}

/// A batch's transaction.
struct Commit<'a> {
    db: &'a Connection,
    lookups: &'a Lookups<'a>,
    ids: &'a mut NameIds,
    counter: &'a mut u32,
    next_block: i64,
    plain: bool,
    queued: Option<Scope>,
    fold: Fold<i64>,
    uses: Vec<Use>,
    first_block: i64,
    touched: Vec<i64>,
    ended: Ended,
}

impl Writer {
    /// Commits a batch and the journal position.
    pub(super) fn commit(
        &mut self,
        batch: &Prepared,
        position: Option<Position>,
        lookups: &Lookups<'_>,
    ) -> Result<Ended, CommitError> {
        match self.try_commit(batch, position, lookups) {
            Ok((touched, ended)) => {
                if let Some(cover) = &mut self.cover {
                    cover.committed(&touched);
                }
                Ok(ended)
            }
            Err(e) => {
                self.ids.clear();
                Err(e)
            }
        }
    }

    fn try_commit(
        &mut self,
        batch: &Prepared,
        position: Option<Position>,
        lookups: &Lookups<'_>,
    ) -> Result<(Vec<i64>, Ended), CommitError> {
        let transaction = rusqlite::Transaction::new_unchecked(&self.db, TransactionBehavior::Immediate)?;
        let floors = Floors::read(&transaction, lookups.now)?;
        let first_block = transaction
            .prepare_cached("SELECT coalesce(max(id), 0) + 1 FROM payload_blocks")?
            .query_row([], |row| row.get(0))?;
        let mut numbers = Vec::with_capacity(batch.names.len() + 1);
        numbers.push(0);
        for name in &batch.names {
            numbers.push(self.ids.id(&transaction, name)?);
        }
        let number = |n: u32| numbers.get(n as usize).copied().unwrap_or_default();
        let mut commit = Commit {
            db: &transaction,
            lookups,
            ids: &mut self.ids,
            counter: &mut self.counter,
            first_block,
            next_block: first_block + batch.blocks.len() as i64,
            plain: self.encoding == PayloadEncoding::Plain,
            queued: self.queued,
            fold: batch.fold.translate(number),
            uses: vec![Use::default(); batch.blocks.len()],
            touched: Vec::new(),
            ended: Ended::default(),
        };
        for (at, row) in batch.rows.iter().enumerate() {
            if commit.row(row, &row.named.map(number), row.counted.map(|under| under.map(number)))? {
                commit.ended.rows.push(at);
            }
        }
        commit.blocks(batch)?;
        rollup::write::apply(&transaction, &commit.fold, floors)?;
        let Commit { touched, ended, .. } = commit;
        if let Some(position) = position {
            store_position(&transaction, position)?;
        }
        match &self.cover {
            Some(cover) => cover.forget(&transaction, &touched)?,
            None => groups::cover::forget_unseen(&transaction, &touched)?,
        }
        transaction.commit()?;
        Ok((touched, ended))
    }
}

impl Commit<'_> {
    /// Inserts a row, or merges it into the stored one. Returns whether it is a new one of a span that has ended.
    fn row(
        &mut self,
        row: &PreparedRow,
        named: &[i64; NAMED],
        counted: Option<Under<i64>>,
    ) -> Result<bool, CommitError> {
        let payload = match row.payload {
            prepare::Place::None => None,
            prepare::Place::Block(block, slot) => Some(block::place(self.first_block + block as i64, slot)),
            prepare::Place::Own => Some(block::place(self.next_block, 0)),
        };
        match self.insert(&row.merged, named, payload, None)? {
            Some(seq) => {
                self.enqueue(&row.merged.span, exports::due(&row.merged.span, self.queued))?;
                self.store_payload(row.payload, seq, &row.merged.span)?;
                Ok(row.merged.span.end_us.is_some())
            }
            None => {
                self.merge(row, counted)?;
                Ok(false)
            }
        }
    }

    /// Queues a span for those exporters that it has become due for.
    fn enqueue(&self, span: &Span, due: i64) -> Result<(), CommitError> {
        if due != 0 {
            exports::enqueue(self.db, span.span_key(), due, self.lookups.now)?;
        }
        Ok(())
    }

    /// Inserts a row at its place, or at a given one. `None` when the span is there already.
    fn insert(
        &mut self,
        merged: &Merged,
        named: &[i64; NAMED],
        payload: Option<i64>,
        at: Option<i64>,
    ) -> Result<Option<i64>, CommitError> {
        let mut statement = self.db.prepare_cached(&format!(
            "INSERT INTO spans ({}) VALUES ({}) ON CONFLICT (trace_id, span_id) DO NOTHING",
            row::COLUMNS,
            row::INSERT
        ))?;
        let start = merged.span.start_us.unwrap_or(merged.base.at);
        *self.counter = self.counter.wrapping_add(1);
        let mut attempt = 0;
        loop {
            let seq = at.unwrap_or_else(|| seq::place(start, *self.counter, attempt));
            match row::insert(&mut statement, seq, merged, named, payload) {
                Ok(true) => {
                    self.touched.push(seq);
                    return Ok(Some(seq));
                }
                Ok(false) => return Ok(None),
                // Another span has that place: take the next one.
                Err(e) if error::is_place_taken(&e) && attempt < 1 << 20 => {
                    attempt += 1;
                }
                Err(e) => return Err(e.into()),
            }
        }
    }

    fn store_payload(&mut self, place: prepare::Place, seq: i64, span: &Span) -> Result<(), CommitError> {
        let payload = block::payload_of(span);
        if self.plain {
            if !block::is_empty(&payload) {
                let [input, output, details] = payload;
                self.db
                    .prepare_cached(
                        "INSERT OR REPLACE INTO payload_text (seq, input, output, details) VALUES (?1, ?2, ?3, ?4)",
                    )?
                    .execute((seq, input, output, details))?;
            }
            return Ok(());
        }
        match place {
            prepare::Place::None => {}
            prepare::Place::Block(block, _) => {
                if let Some(used) = self.uses.get_mut(block) {
                    used.note(seq);
                }
            }
            prepare::Place::Own => {
                let mut laid_out = Vec::new();
                block::lay_out([payload].into_iter(), &mut laid_out);
                let (data, dictionary) = self
                    .lookups
                    .dictionaries
                    .compress(&laid_out, 1)
                    .map_err(|e| CommitError::Never(format!("a payload cannot be compressed: {e}")))?;
                let id = self.next_block;
                self.next_block += 1;
                insert_block(self.db, id, Use { spans: 1, first: seq, last: seq }, dictionary, &data)?;
            }
        }
        Ok(())
    }

    fn blocks(&self, batch: &Prepared) -> Result<(), CommitError> {
        for ((n, prepared), used) in batch.blocks.iter().enumerate().zip(&self.uses) {
            if used.spans > 0 {
                insert_block(self.db, self.first_block + n as i64, *used, prepared.dictionary, &prepared.data)?;
            }
        }
        Ok(())
    }

    /// The span is there: merge, rewrite its row, correct the rollups.
    fn merge(&mut self, row: &PreparedRow, counted: Option<Under<i64>>) -> Result<(), CommitError> {
        if let (Some(under), Some(new)) = (counted, Contribution::of(&row.merged.span)) {
            self.fold.correct(new.start, &under, &new.measures, false);
        }
        let Some(old) = self.load(row)? else {
            return Err(CommitError::Never("a span that is there cannot be read".into()));
        };
        let mut merged = old.merged.clone();
        if row.writes.is_empty() {
            merged.apply(SpanWrite { span: row.merged.span.clone(), stamp: row.merged.base });
        }
        for write in &row.writes {
            merged.apply(write.clone());
        }
        if merged == old.merged {
            return Ok(());
        }
        self.count(&old.merged.span, false)?;
        self.count(&merged.span, true)?;
        let was_due = exports::due(&old.merged.span, self.queued);
        self.enqueue(&merged.span, exports::due(&merged.span, self.queued) & !was_due)?;

        let start = merged.span.start_us.unwrap_or(old.merged.base.at);
        let stays = seq::is_in_place(old.seq, start);
        let (before, after) = (&old.merged.span, &merged.span);
        let payload = block::payload_of(after);
        let same_payload = stays && block::payload_of(before) == payload;
        self.touched.push(old.seq);
        self.db.prepare_cached("DELETE FROM spans WHERE seq = ?1")?.execute([old.seq])?;
        if !same_payload {
            self.drop_payload(&old)?;
        }
        let (place, payload) = if same_payload {
            (prepare::Place::None, old.payload)
        } else if !block::is_empty(&payload) && !self.plain {
            (prepare::Place::Own, Some(block::place(self.next_block, 0)))
        } else {
            (prepare::Place::None, None)
        };
        let named = self.numbers(after)?;
        let seq = self.insert(&merged, &named, payload, stays.then_some(old.seq))?;
        match seq {
            Some(_) if same_payload => {}
            Some(seq) => self.store_payload(place, seq, after)?,
            None => return Err(CommitError::Never("a span could not be rewritten".into())),
        }
        if before.end_us.is_none() && after.end_us.is_some() {
            self.ended.merged.push(merged.span);
        }
        Ok(())
    }

    fn load(&self, row: &PreparedRow) -> Result<Option<StoredSpan>, CommitError> {
        let span = &row.merged.span;
        let Some(mut stored) = find(self.db, self.lookups.texts, span.trace_id, span.span_id)? else {
            return Ok(None);
        };
        // A block of this very batch is not written yet; then the other write of the span is in this batch too, but
        // those were folded before, so the stored row is an earlier one.
        PayloadReader::new(self.db, self.lookups.dictionaries).fill(&mut stored)?;
        Ok(Some(stored))
    }

    fn drop_payload(&self, old: &StoredSpan) -> Result<(), CommitError> {
        match old.payload {
            // A shared block keeps the old text until it is pruned.
            Some(place) => self
                .db
                .prepare_cached("DELETE FROM payload_blocks WHERE id = ?1 AND spans = 1")?
                .execute([block::block_and_slot(place).0])?,
            None => self.db.prepare_cached("DELETE FROM payload_text WHERE seq = ?1")?.execute([old.seq])?,
        };
        Ok(())
    }

    fn count(&mut self, span: &Span, add: bool) -> Result<(), CommitError> {
        if let Some(part) = Contribution::of(span) {
            let under = part.under.try_map(|text| match text {
                Some(text) => self.ids.id(self.db, &text.as_ref().into()),
                None => Ok(0),
            })?;
            self.fold.correct(part.start, &under, &part.measures, add);
        }
        Ok(())
    }

    fn numbers(&mut self, span: &Span) -> Result<[i64; NAMED], CommitError> {
        let mut numbers = [0; NAMED];
        for (slot, text) in numbers.iter_mut().zip(row::named(span)) {
            if let Some(text) = text {
                *slot = self.ids.id(self.db, &text.into())?;
            }
        }
        Ok(numbers)
    }
}

/// The row of a span, without its payload.
pub(super) fn find(
    db: &Connection,
    texts: &NameTexts,
    trace: weir_core::id::TraceId,
    span: weir_core::id::SpanId,
) -> rusqlite::Result<Option<StoredSpan>> {
    use weir_core::id::significant;
    db.prepare_cached(&format!("SELECT {} FROM spans WHERE trace_id = ?1 AND span_id = ?2", row::COLUMNS))?
        .query_row((significant(&trace.0), significant(&span.0)), |found| row::read(db, texts, found))
        .optional()
}

fn insert_block(db: &Connection, id: i64, used: Use, dictionary: Option<i64>, data: &[u8]) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO payload_blocks (id, first_seq, last_seq, spans, dictionary, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute((id, used.first, used.last, used.spans, dictionary, data))?;
    Ok(())
}

fn store_position(db: &Connection, position: Position) -> rusqlite::Result<()> {
    let mut set = db.prepare_cached("INSERT OR REPLACE INTO state (key, value) VALUES (?1, ?2)")?;
    set.execute(("journal_segment", position.segment as i64))?;
    set.execute(("journal_offset", position.offset as i64))?;
    Ok(())
}
