//! Reads records in order from a position on.
//!
//! A torn tail of a closed segment (the process died while appending; never acknowledged) ends that segment. A damaged
//! record ends it too, and what it and the readable lengths behind it stood for is counted as lost.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use weir_core::span::Span;

use super::{Journal, Position, frame, segment};

/// Read at least that much at once.
const CHUNK: usize = 1 << 20;

/// A cursor over the journal.
#[derive(Debug)]
pub(crate) struct Reader {
    journal: Arc<Journal>,
    at: Position,
    file: Option<(u64, File)>,
    chunk: Vec<u8>,
    /// Offset in the segment of the chunk's first byte.
    chunk_at: u64,
    lost: u64,
}

/// What stands at a place.
enum Found {
    Span(Box<Span>, u64),
    /// Nothing more in this segment.
    End,
    Damaged,
}

impl Reader {
    pub(crate) fn new(journal: Arc<Journal>, from: Position) -> Self {
        Self { journal, at: from, file: None, chunk: Vec::new(), chunk_at: 0, lost: 0 }
    }

    /// Everything before it was returned.
    pub(crate) fn position(&self) -> Position {
        self.at
    }

    /// Whether there is something to read. May be wrong in saying yes.
    pub(crate) fn has_more(&self) -> bool {
        self.journal.bytes_after(self.at) > 0
    }

    /// Records lost to damage since the last call.
    pub(crate) fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    /// Counts the records from the position to the end by their lengths alone.
    pub(crate) fn count_ahead(&self) -> io::Result<u64> {
        let mut counter = Self::new(Arc::clone(&self.journal), self.at);
        let mut count = 0;
        while let Some(limit) = counter.limit()? {
            let mut offset = counter.at.offset;
            while let Some((length, _)) = counter.prefix_at(offset, limit)? {
                count += 1;
                offset += (frame::PREFIX + length) as u64;
            }
            if !counter.next_segment() {
                break;
            }
        }
        Ok(count)
    }

    /// Appends up to `max_spans` spans or about `max_bytes` of records to `out`.
    pub(crate) fn read(&mut self, max_spans: usize, max_bytes: u64, out: &mut Vec<Span>) -> io::Result<()> {
        let (mut spans, mut bytes) = (0, 0);
        while spans < max_spans && bytes < max_bytes {
            let Some(limit) = self.limit()? else { break };
            match self.find(limit)? {
                Found::Span(span, length) => {
                    out.push(*span);
                    self.at.offset += length;
                    spans += 1;
                    bytes += length;
                }
                Found::End => {
                    if !self.next_segment() {
                        break;
                    }
                }
                Found::Damaged => {
                    self.lost += self.count_rest(limit)?;
                    tracing::error!(
                        segment = self.at.segment,
                        offset = self.at.offset,
                        "a damaged journal record: the rest of the segment is skipped"
                    );
                    if !self.next_segment() {
                        self.at.offset = limit;
                        break;
                    }
                }
            }
        }
        if self.chunk.capacity() > 8 * CHUNK {
            self.chunk = Vec::new();
        }
        Ok(())
    }

    /// Opens the segment of the position, or the first one after it, and says where its records end.
    fn limit(&mut self) -> io::Result<Option<u64>> {
        loop {
            let end = self.journal.end();
            if self.file.as_ref().is_none_or(|(number, _)| *number != self.at.segment) {
                self.chunk.clear();
                match File::open(segment::path(&self.journal.shared.folder, self.at.segment)) {
                    Ok(file) => self.file = Some((self.at.segment, file)),
                    Err(e) if e.kind() == io::ErrorKind::NotFound => {
                        if !self.next_segment() {
                            return Ok(None);
                        }
                        continue;
                    }
                    Err(e) => return Err(e),
                }
            }
            let Some((number, file)) = &self.file else { return Ok(None) };
            return Ok(Some(if *number == end.segment { end.offset } else { file.metadata()?.len() }));
        }
    }

    fn next_segment(&mut self) -> bool {
        let active = self.journal.shared.active.lock();
        let next = active
            .closed
            .range(self.at.segment.saturating_add(1)..)
            .next()
            .map(|(n, _)| *n)
            .or_else(|| (active.number > self.at.segment).then_some(active.number));
        drop(active);
        match next {
            Some(number) => {
                self.at = Position { segment: number, offset: 0 };
                true
            }
            None => false,
        }
    }

    fn find(&mut self, limit: u64) -> io::Result<Found> {
        let offset = self.at.offset;
        if offset >= limit {
            return Ok(Found::End);
        }
        let Some((length, crc)) = self.prefix_at(offset, limit)? else {
            return Ok(Found::End);
        };
        let whole = frame::PREFIX + length;
        let record = self.bytes(offset, whole, limit)?;
        match record.get(frame::PREFIX..).and_then(|body| frame::decode(crc, body)) {
            Some(span) => Ok(Found::Span(Box::new(span), whole as u64)),
            None => Ok(Found::Damaged),
        }
    }

    /// Length and checksum of a record that lies wholly before `limit`. A length of 0 is what a power loss leaves.
    fn prefix_at(&mut self, offset: u64, limit: u64) -> io::Result<Option<(usize, u32)>> {
        if offset + frame::PREFIX as u64 > limit {
            return Ok(None);
        }
        let found = frame::prefix(self.bytes(offset, frame::PREFIX, limit)?);
        Ok(found.filter(|(length, _)| {
            *length > 0 && *length <= frame::MAX_FRAME && offset + (frame::PREFIX + length) as u64 <= limit
        }))
    }

    /// How many records the lengths from here on speak of, at least one.
    fn count_rest(&mut self, limit: u64) -> io::Result<u64> {
        let (mut offset, mut count) = (self.at.offset, 0);
        while let Some((length, _)) = self.prefix_at(offset, limit)? {
            count += 1;
            offset += (frame::PREFIX + length) as u64;
        }
        Ok(count.max(1))
    }

    fn bytes(&mut self, offset: u64, length: usize, limit: u64) -> io::Result<&[u8]> {
        let inside = offset >= self.chunk_at && offset + length as u64 <= self.chunk_at + self.chunk.len() as u64;
        if !inside {
            let want = (length.max(CHUNK) as u64).min(limit.saturating_sub(offset)) as usize;
            self.chunk.resize(want, 0);
            self.chunk_at = offset;
            if let Some((_, file)) = &self.file
                && let Err(e) = file.read_exact_at(&mut self.chunk, offset)
            {
                self.chunk.clear();
                return Err(e);
            }
        }
        let from = (offset - self.chunk_at) as usize;
        Ok(self.chunk.get(from..from + length).unwrap_or_default())
    }
}
