//! What goes out to a deployment, and what can come back.

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::Full;
use tokio::time::Instant;
use weir_core::error::{Code, Error};

use super::cascade::Rejected;
use super::classify::Verdict;
use super::health::InFlight;
use super::plan::Target;
use crate::providers::Endpoint;
use crate::sse::{Event, Splitter};
use crate::upstream::UpstreamBody;

/// What one attempt sends.
#[expect(clippy::large_enum_variant, reason = "one at a time, on its way to the connection")]
pub enum Outgoing {
    /// Over the network.
    Network(Request<Full<Bytes>>),
    /// To the demo provider.
    Demo(Endpoint, Bytes),
}

/// The body of an answer.
pub enum AnswerBody {
    /// In one piece, in the client's form.
    Whole(Bytes),
    /// The first event is here, more will come.
    Stream {
        /// Holds what has been received of the next event.
        splitter: Splitter,
        /// Events that are here already.
        pending: Vec<Event>,
        /// The rest.
        body: UpstreamBody,
    },
}

/// An answer, successful upstream.
pub struct Answered {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: AnswerBody,
    /// Who gave it.
    pub target: Target,
    /// Attempts made, this one included.
    pub attempts: u32,
    /// Models given up before.
    pub fallbacks: u32,
    /// Answers of a cascade that were given before and rejected.
    pub rejected: Vec<Rejected>,
    /// What is wrong with this one, where a cascade gives it only because nobody gave a better one.
    pub flaw: Option<String>,
    /// Counts the request as in flight at its deployment.
    pub in_flight: Option<InFlight>,
    /// When the call must have ended.
    pub deadline: Instant,
}

/// No answer.
#[derive(Clone, Debug)]
pub struct Failed {
    /// What to tell the client.
    pub cause: Cause,
    /// Who failed last.
    pub target: Option<Target>,
    /// Attempts made.
    pub attempts: u32,
    /// Models given up.
    pub fallbacks: u32,
}

/// Why there is no answer.
#[derive(Clone, Debug)]
pub enum Cause {
    /// The upstream's own failure, to be handed on.
    Upstream {
        /// Its status.
        status: StatusCode,
        /// Its headers.
        headers: HeaderMap,
        /// Its body.
        body: Bytes,
        /// The class it is counted under.
        error_type: &'static str,
    },
    /// Weir's.
    Own(Error),
}

/// How one attempt ended.
pub(super) enum Outcome {
    Answer(StatusCode, HeaderMap, AnswerBody),
    Failure(Failure),
}

/// Why an attempt brought no answer.
pub(super) struct Failure {
    pub(super) cause: Cause,
    pub(super) verdict: Verdict,
    pub(super) retry_after_ms: Option<u64>,
    /// Whether it says something about the deployment's health.
    pub(super) ill: bool,
    /// Whether the same deployment may be asked again.
    pub(super) same: bool,
}

/// One of Weir's own refusals.
pub(super) fn own(error: Error, verdict: Verdict) -> Failure {
    let retry_after_ms = error.retry_after_ms;
    Failure { cause: Cause::Own(error), verdict, retry_after_ms, ill: false, same: false }
}

/// A failure of the connection or the clock.
pub(super) fn broken(code: Code, message: String, same: bool) -> Outcome {
    let cause = Cause::Own(Error::new(code, message));
    Outcome::Failure(Failure { cause, verdict: Verdict::Retry, retry_after_ms: None, ill: true, same })
}
