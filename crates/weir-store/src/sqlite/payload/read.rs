//! Reading payloads back, one block at a time.

use rusqlite::{Connection, OptionalExtension};
use weir_core::span::Span;

use super::block;
use super::dictionary::Dictionaries;
use crate::sqlite::row::StoredSpan;
use crate::telemetry::StoreError;

/// What is wrong: this block, or the database.
enum Broken {
    Block(String),
    Store(StoreError),
}

impl From<rusqlite::Error> for Broken {
    fn from(e: rusqlite::Error) -> Self {
        Self::Store(e.into())
    }
}

/// Fills in payloads; keeps the last block, because neighbours share it.
pub(in crate::sqlite) struct PayloadReader<'a> {
    db: &'a Connection,
    dictionaries: &'a Dictionaries,
    last: Option<(i64, Vec<u8>)>,
}

impl<'a> PayloadReader<'a> {
    pub(in crate::sqlite) fn new(db: &'a Connection, dictionaries: &'a Dictionaries) -> Self {
        Self { db, dictionaries, last: None }
    }

    /// Sets `input`, `output` and `details` of a span that was read.
    pub(in crate::sqlite) fn fill(&mut self, stored: &mut StoredSpan) -> Result<(), StoreError> {
        let span = &mut stored.merged.span;
        match stored.payload {
            Some(place) => match self.fill_from_block(place, span) {
                // One damaged block must not hide the rows of a page, nor stop a merge.
                Err(Broken::Block(what)) => {
                    tracing::error!(block = block::block_and_slot(place).0, what, "a payload is lost");
                    Ok(())
                }
                Err(Broken::Store(e)) => Err(e),
                Ok(()) => Ok(()),
            },
            None => self.fill_from_text(stored.seq, span),
        }
    }

    fn fill_from_text(&mut self, seq: i64, span: &mut Span) -> Result<(), StoreError> {
        // A file of an older Weir that is only read has no details, and no column of them.
        let texts = self
            .db
            .prepare_cached("SELECT * FROM payload_text WHERE seq = ?1")?
            .query_row([seq], |row| {
                let details = if row.as_ref().column_count() > 3 { row.get(3)? } else { None };
                Ok((row.get(1)?, row.get(2)?, details))
            })
            .optional()?;
        if let Some(texts) = texts {
            (span.input, span.output, span.details) = texts;
        }
        Ok(())
    }

    fn fill_from_block(&mut self, place: i64, span: &mut Span) -> Result<(), Broken> {
        let (id, slot) = block::block_and_slot(place);
        if self.last.as_ref().is_none_or(|(last, _)| *last != id) {
            self.last = Some((id, self.load(id)?));
        }
        let texts = self.last.as_ref().and_then(|(_, bytes)| block::slot(bytes, slot));
        let Some(texts) = texts else {
            return Err(Broken::Block("its slots cannot be read".into()));
        };
        let [input, output, details] = texts.map(|text| text.map(str::to_owned));
        (span.input, span.output, span.details) = (input, output, details);
        Ok(())
    }

    fn load(&self, id: i64) -> Result<Vec<u8>, Broken> {
        let mut statement = self.db.prepare_cached("SELECT dictionary, data FROM payload_blocks WHERE id = ?1")?;
        let mut rows = statement.query([id])?;
        let Some(row) = rows.next()? else {
            return Err(Broken::Block("it is missing".into()));
        };
        let dictionary: Option<i64> = row.get(0)?;
        let data = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        let dictionary = dictionary.map(|id| self.dictionaries.bytes(self.db, id)).transpose()?;
        block::decompress(data, dictionary.as_deref()).map_err(|e| Broken::Block(e.to_string()))
    }
}
