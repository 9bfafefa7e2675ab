//! A streamed answer on its way to the client.
//!
//! Invariants: no event is held back; the record is in the journal before the last event leaves; after the first byte a
//! failure ends the stream with an error event and nothing is tried again. Dropped early, the client has gone: the
//! upstream is cancelled with it, or drained where that is configured.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::time::{Instant, Sleep};
use weir_core::error::{Code, Error, Form};
use weir_core::span::Status;

use super::build::Translation;
use super::call::{Call, Ending};
use super::respond::error_event;
use crate::answer::Passed;
use crate::providers::Endpoint;
use crate::sse::{Event, Splitter, TooLong};
use crate::translate::{chat_to_messages, messages_to_chat};
use crate::upstream::UpstreamBody;

/// Bytes that leave at once instead of waiting for more.
const GATHER: usize = 16 << 10;
/// The server polls a body twice within one turn of the scheduler, so that the second look is the first after it.
const TURNS: u8 = 2;
/// How long an upstream may take to close a stream after its end mark.
const LINGER: Duration = Duration::from_secs(1);

/// Why a call ends at its deadline.
const TOOK_TOO_LONG: &str = "the call took longer than allowed (total_timeout)";

/// Turns the upstream's events into the client's.
enum Translator {
    FromMessages(Box<chat_to_messages::Stream>),
    FromChat(Box<messages_to_chat::Stream>),
}

impl Translator {
    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        let Some(data) = &event.data else { return };
        let name = event.name.as_deref().and_then(|n| std::str::from_utf8(n).ok());
        match self {
            Self::FromMessages(stream) => stream.event(name, data, out),
            Self::FromChat(stream) => stream.event(name, data, out),
        }
    }
}

/// What a stream is made of.
pub(super) struct StreamSource {
    pub splitter: Splitter,
    pub pending: Vec<Event>,
    pub body: UpstreamBody,
    pub translation: Option<Translation>,
    pub endpoint: Endpoint,
    pub form: Form,
    pub idle: Duration,
    pub deadline: Instant,
    pub drain: bool,
}

/// The body of a streamed answer.
pub(super) struct StreamBody(Option<Box<Running>>);

struct Running {
    call: Call,
    request_id: String,
    splitter: Splitter,
    pending: VecDeque<Event>,
    body: UpstreamBody,
    translator: Option<(Translator, Splitter)>,
    endpoint: Endpoint,
    form: Form,
    idle: Duration,
    deadline: Instant,
    last_piece: Instant,
    timer: Pin<Box<Sleep>>,
    /// What goes out with the next frame.
    out: Vec<u8>,
    /// Turns of the scheduler given to the upstream's connection since its last piece.
    turns_given: u8,
    /// The last event is in `out` or has left.
    ended: bool,
    drain: bool,
}

impl StreamBody {
    pub(super) fn new(call: Call, parts: StreamSource) -> Self {
        let now = Instant::now();
        let translator = parts.translation.map(|t| match t {
            Translation::FromMessages(ctx) => Translator::FromMessages(Box::new(chat_to_messages::Stream::new(ctx))),
            Translation::FromChat(ctx) => Translator::FromChat(Box::new(messages_to_chat::Stream::new(ctx))),
        });
        Self(Some(Box::new(Running {
            request_id: call.span.request_id.clone().unwrap_or_default(),
            call,
            splitter: parts.splitter,
            pending: parts.pending.into(),
            body: parts.body,
            translator: translator.map(|t| (t, Splitter::new(usize::MAX))),
            endpoint: parts.endpoint,
            form: parts.form,
            idle: parts.idle,
            deadline: parts.deadline,
            last_piece: now,
            timer: Box::pin(tokio::time::sleep_until(parts.deadline.min(now + parts.idle))),
            out: Vec::new(),
            turns_given: 0,
            ended: false,
            drain: parts.drain,
        })))
    }
}

impl Body for StreamBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Some(running) = &mut self.0 else { return Poll::Ready(None) };
        let next = ready!(running.poll_next(cx));
        if next.is_none()
            && let Some(running) = self.0.take()
        {
            running.close();
        }
        Poll::Ready(next.map(|bytes| Ok(Frame::data(bytes))))
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        let Some(mut running) = self.0.take() else { return };
        if running.drain && !running.ended {
            tokio::spawn(async move { while std::future::poll_fn(|cx| running.poll_next(cx)).await.is_some() {} });
        }
    }
}

impl Running {
    /// The next bytes for the client. The upstream's connection hands over one frame at a time, even when a read brought
    /// many; so with bytes in hand it is given a turn of the scheduler, and what it brings goes out in the same write.
    /// The first bytes do not wait for that.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            while let Some(event) = self.pending.pop_front() {
                self.pass(&event);
            }
            if self.ended || self.out.len() >= GATHER {
                return Poll::Ready(self.take_out());
            }
            match self.body.poll_piece(cx) {
                Poll::Ready(Some(Ok(piece))) => {
                    self.last_piece = Instant::now();
                    self.turns_given = 0;
                    // Here too: while there is always something to pass on the timer is never looked at.
                    if self.last_piece >= self.deadline {
                        self.broken(Code::UpstreamTimeout, TOOK_TOO_LONG);
                    } else if let Err(error) = self.split(&piece) {
                        self.broken(Code::UpstreamError, &error.to_string());
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    let message = format!("the provider broke off its answer: {error}");
                    self.broken(Code::UpstreamTruncated, &message);
                }
                Poll::Ready(None) => self.upstream_ended(),
                Poll::Pending if !self.out.is_empty() => {
                    let is_first = self.call.span.ttft_us.is_none();
                    if is_first || self.turns_given >= TURNS {
                        return Poll::Ready(self.take_out());
                    }
                    self.turns_given += 1;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Pending => {
                    let message = ready!(self.poll_timers(cx));
                    self.broken(Code::UpstreamTimeout, message);
                }
            }
        }
    }

    /// What goes out now; `None` when the stream is over and everything has left.
    fn take_out(&mut self) -> Option<Bytes> {
        if self.out.is_empty() {
            return None;
        }
        self.turns_given = 0;
        self.call.first_piece();
        Some(std::mem::take(&mut self.out).into())
    }

    fn split(&mut self, piece: &[u8]) -> Result<(), TooLong> {
        self.splitter.push(piece);
        while let Some(event) = self.splitter.next_event()? {
            self.pending.push_back(event);
        }
        Ok(())
    }

    /// Resolves when the upstream was silent too long, or the whole call took too long.
    fn poll_timers(&mut self, cx: &mut Context<'_>) -> Poll<&'static str> {
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let now = Instant::now();
            if now >= self.deadline {
                return Poll::Ready(TOOK_TOO_LONG);
            }
            let silent_until = self.last_piece + self.idle;
            if now >= silent_until {
                return Poll::Ready("the provider fell silent in the middle of its answer (idle_timeout)");
            }
            // The timer is set anew only here, not at every piece, which would cost more than the pieces.
            self.timer.as_mut().reset(silent_until.min(self.deadline));
        }
    }

    /// One event of the upstream, on to the client.
    fn pass(&mut self, event: &Event) {
        let Some((mut translator, mut frames)) = self.translator.take() else {
            self.read(event);
            return;
        };
        let mut translated = Vec::new();
        translator.event(event, &mut translated);
        frames.push(&translated);
        while let Ok(Some(event)) = frames.next_event() {
            self.read(&event);
        }
        self.translator = Some((translator, frames));
    }

    /// One event in the client's protocol, through the reader.
    fn read(&mut self, event: &Event) {
        if self.ended {
            return;
        }
        if self.call.filling.as_mut().is_some_and(|filling| !filling.event(event))
            && let Some(filling) = self.call.filling.take()
        {
            // Now, and not at the end: who reads this stream may be in no hurry.
            filling.release();
        }
        let Some(reader) = &mut self.call.reader else { return };
        match reader.event(event) {
            Passed::AsIs => self.out.extend_from_slice(&event.raw),
            Passed::Changed(bytes) => self.out.extend_from_slice(&bytes),
            Passed::Hidden => {}
            Passed::Error(message) => {
                self.out.extend_from_slice(&event.raw);
                self.ended = true;
                self.call.broke_off(&Error::new(Code::UpstreamError, message.as_str()));
                self.call.end(&Ending::Failed {
                    status: Status::Error,
                    http_status: 200,
                    error_type: "http_5xx",
                    message,
                    body: None,
                });
                return;
            }
        }
        if reader.is_final() {
            self.ended = true;
            self.call.end(&Ending::Streamed);
        }
    }

    /// The upstream's body is at its end.
    fn upstream_ended(&mut self) {
        if let Some(event) = self.splitter.finish() {
            self.pass(&event);
        }
        if self.ended {
            return;
        }
        match &self.call.reader {
            Some(reader) if reader.is_complete() => {
                self.out.extend_from_slice(reader.closing());
                self.ended = true;
                self.call.end(&Ending::Streamed);
            }
            _ => self.broken(Code::UpstreamTruncated, "the provider's stream ended before the answer was complete"),
        }
    }

    /// Ends the stream with an error event.
    fn broken(&mut self, code: Code, message: &str) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let error = Error::new(code, message);
        self.out.extend(error_event(&error, self.endpoint, self.form, &self.request_id));
        self.call.broke_off(&error);
        self.call.fail(&error);
    }

    /// After the last event: reads the upstream to its end, so that its connection can be used again.
    fn close(mut self) {
        if let UpstreamBody::Network(body) = &self.body
            && body.is_end_stream()
        {
            return;
        }
        if self.call.reader.as_ref().is_some_and(|r| r.is_final()) {
            tokio::spawn(async move {
                let rest = async { while let Some(Ok(_)) = self.body.piece().await {} };
                // Slower than that, the connection is closed instead.
                let _ = tokio::time::timeout(LINGER, rest).await;
            });
        }
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
