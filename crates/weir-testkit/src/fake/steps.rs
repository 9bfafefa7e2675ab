//! A stream laid out: the SSE events in order, with waits, and how it ends.

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::behaviour::Behaviour;
use super::json;

/// Bytes to send after a wait.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) wait: Duration,
    pub(crate) bytes: Bytes,
    /// Content chunks in it: 1 or, for roles, ends and the like, 0.
    pub(crate) content: u64,
}

/// How a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    /// The body ends as HTTP wants it.
    End,
    /// Nothing more comes, the connection stays.
    Stall,
    /// The connection closes, the chunked encoding unterminated.
    Cut,
    /// As `Cut`, with a TCP reset.
    Reset,
}

/// The events of a stream under construction.
#[derive(Debug)]
pub(crate) struct Steps {
    list: Vec<Step>,
    buffer: BytesMut,
    delay: Duration,
    content: usize,
    stop_after: Option<usize>,
    form: Form,
    bigint: bool,
}

#[derive(Debug, Clone, Copy)]
struct Form {
    line_end: &'static str,
    data: &'static str,
    comments: bool,
}

impl Steps {
    pub(crate) fn new(behaviour: &Behaviour) -> Self {
        let faulty =
            behaviour.stall || behaviour.cut || behaviour.truncate || behaviour.midstream_error || behaviour.reset;
        Self {
            list: Vec::with_capacity(behaviour.chunks.unwrap_or(32) + 8),
            buffer: BytesMut::with_capacity(8 << 10),
            delay: behaviour.delay,
            content: 0,
            stop_after: faulty.then(|| behaviour.after()),
            form: Form {
                line_end: if behaviour.crlf { "\r\n" } else { "\n" },
                data: if behaviour.nospace { "data:" } else { "data: " },
                comments: behaviour.comments,
            },
            bigint: behaviour.bigint,
        }
    }

    /// True when a fault has been reached: what follows is not laid out.
    pub(crate) fn stopped(&self) -> bool {
        self.stop_after.is_some_and(|after| self.content >= after)
    }

    /// An event without content: role, start, end, usage.
    pub(crate) fn event(&mut self, name: Option<&str>, data: &str) {
        if !self.stopped() {
            self.write(name, data);
            self.push(Duration::ZERO, 0);
        }
    }

    /// An event with a piece of the answer.
    pub(crate) fn content(&mut self, name: Option<&str>, data: &str) {
        if self.stopped() {
            return;
        }
        let wait = if self.content == 0 { Duration::ZERO } else { self.delay };
        if self.form.comments {
            self.buffer.extend_from_slice(b": keep-alive");
            self.end_line();
            self.end_line();
        }
        if self.bigint {
            self.write(name, &json::splice(data, json::BIGINT));
        } else {
            self.write(name, data);
        }
        self.content += 1;
        self.push(wait, 1);
    }

    /// Closes the stream; `error` is the event that `midstream-error` sends.
    pub(crate) fn finish(mut self, behaviour: &Behaviour, error: (Option<&str>, &str)) -> (Vec<Step>, Tail) {
        let tail = if !self.stopped() {
            Tail::End
        } else if behaviour.stall {
            Tail::Stall
        } else if behaviour.reset {
            Tail::Reset
        } else if behaviour.cut {
            Tail::Cut
        } else {
            if behaviour.midstream_error {
                self.write(error.0, error.1);
                self.push(Duration::ZERO, 0);
            }
            Tail::End
        };
        if behaviour.split.is_some() && !behaviour.stamp {
            self.join();
        }
        (self.list, tail)
    }

    fn write(&mut self, name: Option<&str>, data: &str) {
        if let Some(name) = name {
            self.buffer.extend_from_slice(b"event: ");
            self.buffer.extend_from_slice(name.as_bytes());
            self.end_line();
        }
        self.buffer.extend_from_slice(self.form.data.as_bytes());
        self.buffer.extend_from_slice(data.as_bytes());
        self.end_line();
        self.end_line();
    }

    fn end_line(&mut self) {
        self.buffer.extend_from_slice(self.form.line_end.as_bytes());
    }

    fn push(&mut self, wait: Duration, content: u64) {
        self.list.push(Step { wait, bytes: self.buffer.split().freeze(), content });
    }

    /// Joins steps that follow without a wait, so that pieces cross the ends of events.
    fn join(&mut self) {
        let mut joined: Vec<(Duration, BytesMut, u64)> = Vec::new();
        for step in self.list.drain(..) {
            match joined.last_mut() {
                Some((_, bytes, content)) if step.wait.is_zero() => {
                    bytes.extend_from_slice(&step.bytes);
                    *content += step.content;
                }
                _ => joined.push((step.wait, BytesMut::from(&step.bytes[..]), step.content)),
            }
        }
        self.list.extend(joined.into_iter().map(|(wait, bytes, content)| Step {
            wait,
            bytes: bytes.freeze(),
            content,
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lay_out(words: &str) -> (String, Tail) {
        let mut behaviour = Behaviour::default();
        behaviour.add(words).unwrap();
        let mut steps = Steps::new(&behaviour);
        steps.event(Some("start"), "{}");
        for _ in 0..3 {
            steps.content(None, "{\"c\":1}");
        }
        steps.event(None, "[DONE]");
        let (list, tail) = steps.finish(&behaviour, (Some("error"), "{\"error\":1}"));
        (list.iter().map(|step| String::from_utf8_lossy(&step.bytes).into_owned()).collect(), tail)
    }

    #[test]
    fn forms_of_sse() {
        assert_eq!(
            lay_out("").0,
            "event: start\ndata: {}\n\ndata: {\"c\":1}\n\ndata: {\"c\":1}\n\ndata: {\"c\":1}\n\ndata: [DONE]\n\n"
        );
        assert!(lay_out("crlf,nospace").0.contains("\r\n\r\ndata:{\"c\":1}\r\n\r\n"));
        assert_eq!(lay_out("comments").0.matches(": keep-alive\n\n").count(), 3);
    }

    #[test]
    fn faults_come_after_the_asked_number_of_chunks() {
        let (text, tail) = lay_out("cut,after=2");
        assert_eq!((text.matches("\"c\"").count(), text.contains("DONE"), tail), (2, false, Tail::Cut));
        assert_eq!(lay_out("stall,after=0"), (String::new(), Tail::Stall));
        assert_eq!(lay_out("truncate").1, Tail::End);
        assert!(lay_out("midstream-error").0.ends_with("data: {\"c\":1}\n\nevent: error\ndata: {\"error\":1}\n\n"));
        // A fault beyond the end never comes.
        assert!(lay_out("stall,after=9").0.ends_with("[DONE]\n\n"));
    }
}
