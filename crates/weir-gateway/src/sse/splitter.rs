use bytes::{Bytes, BytesMut};

/// One event: its bytes as they came, blank line included, and where its parts are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The bytes as they came, with everything up to and including the blank line.
    pub raw: Bytes,
    /// The event's name, if it has one.
    pub name: Option<Bytes>,
    /// The data; `None` for comments alone. Several data lines are joined by a line feed.
    pub data: Option<Bytes>,
}

/// An event grew beyond the bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is longer than {0} bytes")]
pub struct TooLong(pub usize);

/// Cuts a byte stream into events. Holds at most one unfinished event, up to a bound.
#[derive(Debug)]
pub struct Splitter {
    buffer: BytesMut,
    /// How far the buffer has been searched for the end of an event; always at the start of a line.
    searched: usize,
    limit: usize,
}

impl Splitter {
    /// A splitter that refuses events longer than `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { buffer: BytesMut::new(), searched: 0, limit }
    }

    /// Takes the next piece of the stream.
    pub fn push(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
    }

    /// The next complete event.
    ///
    /// # Errors
    /// When the unfinished event is longer than the bound.
    pub fn next_event(&mut self) -> Result<Option<Event>, TooLong> {
        while let Some(line) = self.line() {
            self.searched = line.end;
            if line.is_blank {
                let raw = self.buffer.split_to(line.end).freeze();
                self.searched = 0;
                return Ok(Some(parse(raw)));
            }
        }
        if self.buffer.len() > self.limit { Err(TooLong(self.limit)) } else { Ok(None) }
    }

    /// What came after the last complete event: empty when a stream ends as it should.
    #[must_use]
    pub fn rest(&self) -> &[u8] {
        &self.buffer
    }

    /// The unfinished event as an event, for streams that leave out the last blank line.
    pub fn finish(&mut self) -> Option<Event> {
        self.searched = 0;
        let raw = self.buffer.split().freeze();
        (!raw.iter().all(u8::is_ascii_whitespace)).then(|| parse(raw))
    }

    fn line(&self) -> Option<Line> {
        let start = self.searched;
        let rest = &self.buffer[start..];
        let at = memchr::memchr2(b'\n', b'\r', rest)?;
        let end = match (rest[at], rest.get(at + 1)) {
            (b'\r', Some(b'\n')) => at + 2,
            // A lone CR ends a line too, but only the next byte tells it from a CRLF cut in two.
            (b'\r', None) => return None,
            _ => at + 1,
        };
        Some(Line { end: start + end, is_blank: at == 0 })
    }
}

struct Line {
    end: usize,
    is_blank: bool,
}

fn parse(raw: Bytes) -> Event {
    let mut name = None;
    let mut parts: Vec<Bytes> = Vec::new();
    let mut rest = &raw[..];
    while !rest.is_empty() {
        let end = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let line = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        let value = |field: &[u8]| {
            let value = line.strip_prefix(field)?;
            Some(raw.slice_ref(value.strip_prefix(b" ").unwrap_or(value)))
        };
        if let Some(value) = value(b"data:") {
            parts.push(value);
        } else if let Some(value) = value(b"event:") {
            name = Some(value);
        }
    }
    let data = match parts.len() {
        0 => None,
        1 => parts.pop(),
        _ => Some(parts.join(&b'\n').into()),
    };
    Event { raw, name, data }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(pieces: &[&[u8]]) -> (Vec<Event>, Vec<u8>) {
        let mut splitter = Splitter::new(1 << 20);
        let mut events = Vec::new();
        for piece in pieces {
            splitter.push(piece);
            while let Some(event) = splitter.next_event().unwrap() {
                events.push(event);
            }
        }
        (events, splitter.rest().to_vec())
    }

    #[test]
    fn reads_every_legal_form() {
        let (events, rest) = split(&[b": hi\n\ndata:a\n\r\nevent: x\r\ndata: b\r\ndata: c\r\n\r\ndata: half"]);
        let seen: Vec<_> = events.iter().map(|e| (e.name.as_deref(), e.data.as_deref())).collect();
        assert_eq!(seen, [(None, None), (None, Some(&b"a"[..])), (Some(&b"x"[..]), Some(&b"b\nc"[..]))]);
        assert_eq!(rest, b"data: half");
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut splitter = Splitter::new(8);
        splitter.push(b"data: 123456");
        assert_eq!(splitter.next_event(), Err(TooLong(8)));
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_events_and_loses_no_byte(
            parts in proptest::collection::vec(
                proptest::sample::select(vec!["data: {\"a\":\"é\"}", "data:", ": c", "event: e", "\n", "\n", "\r\n", "\r", "x"]),
                0..40,
            ),
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..10),
        ) {
            // The end of a line stays undecided while its CR may be half a CRLF; a last byte settles it.
            let stream = [parts.concat().as_bytes(), b":"].concat();
            let mut at: Vec<usize> = cuts.iter().map(|c| c.index(stream.len() + 1)).collect();
            at.push(0);
            at.push(stream.len());
            at.sort_unstable();
            let pieces: Vec<&[u8]> = at.windows(2).map(|w| &stream[w[0]..w[1]]).collect();
            let whole = split(&[&stream]);
            let cut = split(&pieces);
            prop_assert_eq!(&cut, &whole);
            let mut joined: Vec<u8> = cut.0.iter().flat_map(|e| e.raw.to_vec()).collect();
            joined.extend(cut.1);
            prop_assert_eq!(joined, stream);
        }
    }
}
