//! The body of an answer: whole, or a stream that keeps to its timetable.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use super::record::{Call, now_us};
use super::server::Breaker;
use super::steps::{Step, Tail};
use super::text::STAMP;

/// Time for the bytes before a cut to leave: hyper throws away what it has not written when a body fails.
const BEFORE_CUT: Duration = Duration::from_millis(5);

/// The connection is to be dropped.
#[derive(Debug, thiserror::Error)]
#[error("the fake provider breaks the connection off")]
pub(crate) struct BrokenOff;

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum ReplyBody {
    /// Sent at once. The call is absent for control answers.
    Whole(Bytes, Option<Call>),
    /// The beginning of a body of this many bytes, then the connection closes.
    Torn(Bytes, u64, Box<Script>),
    /// A stream.
    Script(Box<Script>),
}

/// A stream under way.
#[derive(Debug)]
pub(crate) struct Script {
    steps: std::vec::IntoIter<Step>,
    waiting: Option<Step>,
    sleep: Option<Pin<Box<Sleep>>>,
    pending: Bytes,
    pending_content: u64,
    pub(crate) split: Option<usize>,
    /// Each piece is written by itself.
    pub(crate) flush: bool,
    pub(crate) stamp: bool,
    paused: bool,
    tail: Tail,
    tail_waited: bool,
    breaker: Arc<Breaker>,
    call: Call,
}

impl Script {
    pub(crate) fn new(steps: Vec<Step>, tail: Tail, breaker: Arc<Breaker>, call: Call) -> Self {
        Self {
            steps: steps.into_iter(),
            waiting: None,
            sleep: None,
            pending: Bytes::new(),
            pending_content: 0,
            split: None,
            flush: false,
            stamp: false,
            paused: false,
            tail,
            tail_waited: false,
            breaker,
            call,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        loop {
            if !self.pending.is_empty() {
                if self.flush && !self.paused {
                    // Pending makes hyper write out what it has.
                    self.paused = true;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                self.paused = false;
                let length = self.split.unwrap_or(usize::MAX).min(self.pending.len());
                let piece = self.pending.split_to(length);
                if self.pending.is_empty() {
                    self.call.sent(self.pending_content);
                }
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            if let Some(sleep) = &mut self.sleep {
                ready!(sleep.as_mut().poll(cx));
                self.sleep = None;
            }
            if let Some(step) = self.waiting.take() {
                self.pending_content = step.content;
                self.pending = if self.stamp { stamped(&step.bytes) } else { step.bytes };
                continue;
            }
            if let Some(step) = self.steps.next() {
                if !step.wait.is_zero() {
                    self.sleep = Some(Box::pin(tokio::time::sleep(step.wait)));
                }
                self.waiting = Some(step);
                continue;
            }
            match self.tail {
                Tail::End => {
                    self.call.end();
                    return Poll::Ready(None);
                }
                Tail::Stall => return Poll::Pending,
                Tail::Cut | Tail::Reset if !self.tail_waited => {
                    self.tail_waited = true;
                    self.sleep = Some(Box::pin(tokio::time::sleep(BEFORE_CUT)));
                }
                Tail::Cut | Tail::Reset => {
                    if self.tail == Tail::Reset {
                        self.breaker.reset();
                    }
                    self.call.end();
                    return Poll::Ready(Some(Err(BrokenOff)));
                }
            }
        }
    }
}

/// Puts the time in the place of each mark.
fn stamped(bytes: &Bytes) -> Bytes {
    let mark = STAMP.as_bytes();
    let mut out = BytesMut::from(&bytes[..]);
    let mut at = 0;
    while let Some(found) = out[at..].windows(mark.len()).position(|window| window == mark) {
        let time = format!("{:016}", now_us());
        at += found;
        out[at..at + mark.len()].copy_from_slice(&time.as_bytes()[..mark.len()]);
    }
    out.freeze()
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match self.get_mut() {
            Self::Whole(bytes, call) => {
                if let Some(call) = call {
                    call.end();
                }
                let bytes = std::mem::take(bytes);
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Self::Torn(bytes, _, script) => {
                if bytes.is_empty() {
                    script.poll(cx)
                } else {
                    Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes)))))
                }
            }
            Self::Script(script) => script.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes, _) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes, _) => SizeHint::with_exact(bytes.len() as u64),
            Self::Torn(_, whole, _) => SizeHint::with_exact(*whole),
            Self::Script(_) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_take_the_place_of_their_marks() {
        let out = stamped(&Bytes::from(format!("a[{STAMP}]b[{STAMP}]")));
        let text = std::str::from_utf8(&out).unwrap();
        assert!(!text.contains('@'));
        let time: u64 = text[2..18].parse().unwrap();
        assert!(now_us() - time < 10_000_000);
    }
}
