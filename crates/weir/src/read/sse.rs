//! Splits the bytes of a stream of server-sent events, however they are cut.

/// An event.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// Its type; `message` is written as the empty text.
    pub(super) name: String,
    /// Its data lines, joined by line feeds.
    pub(super) data: String,
}

/// Bytes of a line that has not ended yet, and lines of an event that has not ended yet.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    line: Vec<u8>,
    event: Event,
    has_data: bool,
}

impl Splitter {
    /// Takes the next piece and gives the events that it completes.
    pub(super) fn push(&mut self, piece: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        for part in piece.split_inclusive(|b| *b == b'\n') {
            let Some(end) = part.strip_suffix(b"\n") else {
                self.line.extend_from_slice(part);
                continue;
            };
            self.line.extend_from_slice(end);
            let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
            events.extend(self.take(line.strip_suffix('\r').unwrap_or(&line)));
        }
        events
    }

    fn take(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return std::mem::take(&mut self.has_data).then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_the_same_however_the_bytes_are_cut() {
        let stream =
            ": live\n\nevent: call\r\ndata: {\"a\":\"é\"}\r\n\r\n:\n\nevent: lagged\ndata: 1\ndata: 2\n\ndata: cut";
        let event = |name: &str, data: &str| Event { name: name.to_owned(), data: data.to_owned() };
        let wanted = [event("call", "{\"a\":\"é\"}"), event("lagged", "1\n2")];
        for size in 1..stream.len() {
            let mut splitter = Splitter::default();
            let events: Vec<_> = stream.as_bytes().chunks(size).flat_map(|piece| splitter.push(piece)).collect();
            assert_eq!(events, wanted, "pieces of {size}");
        }
    }
}
