//! A whole answer as the stream that the endpoint's clients expect: for answers out of the cache, and for those that
//! were looked at whole before they could be sent.
//!
//! Invariants: the events, put together by a client, are the answer again, and members that are not known here reach
//! the client too; the number of events does not grow with the length of the texts; values are copied as they stand,
//! never printed anew.

mod chat;
mod messages;
mod responses;

use bytes::Bytes;

use crate::providers::Endpoint;
use crate::translate::json::{self, Members, Object};

/// Most pieces that one text is cut into.
const MAX_PIECES: usize = 64;
/// Shorter pieces are not worth an event.
const MIN_PIECE: usize = 48;

/// The events of a whole answer, each as its bytes. `None` when the endpoint does not stream or the body is not of its
/// form: then it goes to the client as it is. Usage is sent as the protocol has it; with chat and plain completions
/// only where the client asked (`include_usage`).
#[must_use]
pub fn replay(endpoint: Endpoint, body: &[u8], include_usage: bool) -> Option<Vec<Bytes>> {
    // An event is one line, so the whitespace of a body that was written for people goes.
    let mut line = Vec::with_capacity(body.len());
    json::compact(&mut line, std::str::from_utf8(body).ok()?);
    let whole = Members::read(&line).ok()?;
    let mut events = Events::default();
    match endpoint {
        Endpoint::Chat => chat::chat(&whole, include_usage, &mut events)?,
        Endpoint::Completions => chat::completions(&whole, include_usage, &mut events)?,
        Endpoint::Messages => messages::messages(&whole, &mut events)?,
        Endpoint::Responses => responses::responses(std::str::from_utf8(&line).ok()?, &whole, &mut events)?,
        Endpoint::Embeddings => return None,
    }
    Some(events.0)
}

/// The events as they are made.
#[derive(Default)]
struct Events(Vec<Bytes>);

impl Events {
    /// An event of no name.
    fn data(&mut self, data: &[u8]) {
        self.0.push([b"data: ", data, b"\n\n"].concat().into());
    }

    /// A named event.
    fn named(&mut self, name: &str, data: &[u8]) {
        self.0.push([b"event: ", name.as_bytes(), b"\ndata: ", data, b"\n\n"].concat().into());
    }
}

/// The pieces of a text, each as a JSON string. An empty text has none.
fn pieces(text: &str) -> Vec<Vec<u8>> {
    let size = text.len().div_ceil(MAX_PIECES).max(MIN_PIECE);
    let mut all = Vec::with_capacity(text.len() / size + 1);
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.ceil_char_boundary(size.min(rest.len()));
        let (piece, after) = rest.split_at(end);
        let mut quoted = Vec::with_capacity(piece.len() + 2);
        json::string(&mut quoted, piece);
        all.push(quoted);
        rest = after;
    }
    all
}

/// The pieces of a string token; of one that stands for no text (half a surrogate pair), itself.
fn pieces_of(token: &str) -> Vec<Vec<u8>> {
    match json::decode(token) {
        Some(text) => pieces(&text),
        None => vec![token.as_bytes().to_vec()],
    }
}

/// Copies all members but those of the lists. Names that need escapes are left out, as no API has such.
fn copy_except(to: &mut Object<'_>, from: &Members<'_>, lists: &[&[&str]]) {
    for (name, token) in from.iter() {
        let is_plain = !name.contains(['"', '\\']) && !name.contains(char::is_control);
        if is_plain && !lists.iter().any(|list| list.contains(&name)) {
            to.token(name, token);
        }
    }
}

#[cfg(test)]
mod tests;
