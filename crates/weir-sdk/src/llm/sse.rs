//! Server-sent events, cut out of a stream of bytes.

use std::collections::VecDeque;

/// Longest event.
const MAX_EVENT: usize = 8 << 20;

/// Collects bytes and gives the data of whole events.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    /// Bytes of a line that has not ended.
    line: Vec<u8>,
    /// The data lines of an event that has not ended.
    data: Option<String>,
    events: VecDeque<String>,
}

impl Splitter {
    /// Takes bytes; `false` when an event is longer than the bound.
    pub(super) fn push(&mut self, bytes: &[u8]) -> bool {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.line.len() + part.len() + self.data.as_ref().map_or(0, String::len) > MAX_EVENT {
                return false;
            }
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.end_line();
            }
        }
        true
    }

    /// No more bytes come: what stands there is an event too.
    pub(super) fn finish(&mut self) {
        if !self.line.is_empty() {
            self.end_line();
        }
        self.events.extend(self.data.take());
    }

    /// The data of the next event.
    pub(super) fn next(&mut self) -> Option<String> {
        self.events.pop_front()
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end_matches(['\r', '\n']);
        if line.is_empty() {
            self.events.extend(self.data.take());
        } else if let Some(data) = line.strip_prefix("data:") {
            let data = data.strip_prefix(' ').unwrap_or(data);
            match &mut self.data {
                Some(held) => {
                    held.push('\n');
                    held.push_str(data);
                }
                None => self.data = Some(data.to_owned()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STREAM: &str =
        ": hello\r\n\r\ndata: {\"a\":1}\r\n\r\nevent: x\ndata:two\ndata: lines\n\ndata: é\n\ndata: [DONE]";

    fn events(pieces: &[&[u8]]) -> Vec<String> {
        let mut splitter = Splitter::default();
        for piece in pieces {
            assert!(splitter.push(piece));
        }
        splitter.finish();
        std::iter::from_fn(|| splitter.next()).collect()
    }

    proptest! {
        #[test]
        fn however_it_is_cut_the_events_are_the_same(mut cuts in proptest::collection::vec(0..STREAM.len(), 0..8)) {
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts {
                pieces.push(&STREAM.as_bytes()[from..cut]);
                from = cut;
            }
            pieces.push(&STREAM.as_bytes()[from..]);
            prop_assert_eq!(events(&pieces), ["{\"a\":1}", "two\nlines", "é", "[DONE]"]);
        }
    }

    #[test]
    fn an_event_without_end_is_refused() {
        let mut splitter = Splitter::default();
        assert!((0..9).map(|_| splitter.push(&vec![b'x'; 1 << 20])).any(|fits| !fits));
    }
}
