//! A streamed answer as the whole one that it would have been, to be stored. The other way round from
//! [`replay`](super::replay()); unlike the reader's record it keeps members that are not known here, log probabilities
//! and usage.
//!
//! Invariants: what is kept is bounded, of one stream and of all together; an answer that is not understood to its end
//! is none. While the stream passes its events are only copied; they are put together when it has ended.

mod choices;
mod messages;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::providers::Endpoint;
use crate::sse::Event;
use crate::translate::json::Members;

/// What an event takes beside its data in a stream: its frame, and what is repeated in every chunk. Texts come in small
/// pieces, so that a stream is many times longer than its answer.
const STREAM_PER_BYTE: usize = 64;
/// Most bytes of a stream that are kept, however large an answer may be.
const MAX_STREAM: usize = 16 << 20;

/// What all streams together may keep.
#[derive(Clone, Debug)]
pub struct Room {
    used: Arc<AtomicUsize>,
    max: usize,
}

impl Room {
    /// Room for so many bytes.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { used: Arc::default(), max }
    }

    /// The same room with another bound.
    #[must_use]
    pub fn with_bound(&self, max: usize) -> Self {
        Self { used: self.used.clone(), max }
    }

    fn take(&self, bytes: usize) -> bool {
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        let fits = before.saturating_add(bytes) <= self.max;
        if !fits {
            self.give_back(bytes);
        }
        fits
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The events of one streamed answer in the client's protocol.
#[derive(Debug)]
pub struct Gather {
    endpoint: Endpoint,
    data: Vec<u8>,
    /// Where each event's data ends.
    ends: Vec<usize>,
    max_answer: usize,
    is_too_long: bool,
    room: Room,
    /// Bytes of the room that are this one's.
    taken: usize,
}

impl Gather {
    /// Nothing yet, of an answer of at most so many bytes.
    #[must_use]
    pub fn new(endpoint: Endpoint, max_answer: usize, room: Room) -> Self {
        Self { endpoint, data: Vec::new(), ends: Vec::new(), max_answer, is_too_long: false, room, taken: 0 }
    }

    /// Takes an event, before anything is hidden from the client; whether there can still be an answer to store.
    pub fn push(&mut self, event: &Event) -> bool {
        if self.is_too_long {
            return false;
        }
        let Some(data) = event.data.as_deref() else { return true };
        // The events of a response repeat all that their last one says.
        if self.endpoint == Endpoint::Responses {
            self.data.clear();
            self.ends.clear();
        }
        let max = self.max_answer.saturating_mul(STREAM_PER_BYTE).min(MAX_STREAM);
        let needed = self.data.len() + data.len();
        if needed > max || !self.has_room_for(needed) {
            self.is_too_long = true;
            self.data = Vec::new();
            self.ends = Vec::new();
            self.room.give_back(std::mem::take(&mut self.taken));
            return false;
        }
        self.data.extend_from_slice(data);
        self.ends.push(self.data.len());
        true
    }

    fn has_room_for(&mut self, needed: usize) -> bool {
        let more = needed.saturating_sub(self.taken);
        let fits = more == 0 || self.room.take(more);
        if fits {
            self.taken += more;
        }
        fits
    }

    /// The answer; `None` when it was too long, is not complete or has something in it that is not known.
    #[must_use]
    pub fn whole(&self) -> Option<Bytes> {
        if self.is_too_long {
            return None;
        }
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let mut events = starts.zip(&self.ends).filter_map(|(start, end)| self.data.get(start..*end));
        let whole = match self.endpoint {
            Endpoint::Chat => choices::whole(&mut events, "chat.completion")?,
            Endpoint::Completions => choices::whole(&mut events, "text_completion")?,
            Endpoint::Messages => messages::whole(&mut events)?,
            Endpoint::Responses => return last_response(events.last()?).filter(|b| b.len() <= self.max_answer),
            Endpoint::Embeddings => return None,
        };
        let text = serde_json::to_vec(&whole).ok()?;
        (text.len() <= self.max_answer).then(|| text.into())
    }
}

impl Drop for Gather {
    fn drop(&mut self) {
        self.room.give_back(self.taken);
    }
}

/// The last event of a response has the whole of it.
fn last_response(data: &[u8]) -> Option<Bytes> {
    let event = Members::read(data).ok()?;
    let is_last = matches!(event.text("type")?.as_ref(), "response.completed" | "response.incomplete");
    is_last.then(|| event.get("response").map(|text| Bytes::copy_from_slice(text.as_bytes())))?
}

/// The members of an object.
fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
