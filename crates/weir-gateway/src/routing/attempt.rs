//! The one attempt loop: picks a deployment, sends, judges the outcome, and goes on until there is an answer, the
//! request is at fault, or attempts or time are used up.
//!
//! Invariant: an answer leaves this loop before its first byte reaches the client; after that nothing is tried again,
//! so that two answers are never spliced.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::Full;
use tokio::time::{Instant, timeout_at};
use weir_core::error::{Code, Error};
use weir_core::observe::Observer;
use weir_core::time::{Clock, Micros};

use super::classify::{self, Verdict};
use super::health::InFlight;
use super::pick::{Choice, pick};
use super::plan::{Plan, Step, Target};
use crate::answer::first_event_error;
use crate::providers::{Endpoint, demo};
use crate::sse::{Event, Splitter};
use crate::upstream::{UpstreamBody, retry_after};

/// Longest event of a stream.
const MAX_EVENT: usize = 8 << 20;
/// Largest body of a failure that is read.
const MAX_ERROR_BODY: usize = 1 << 20;
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(2);

/// What one attempt sends.
#[expect(clippy::large_enum_variant, reason = "one at a time, on its way to the connection")]
pub enum Outgoing {
    /// Over the network.
    Network(Request<Full<Bytes>>),
    /// To the demo provider.
    Demo(Endpoint, Bytes),
}

/// What all attempts of a call share.
pub struct Attempts<'a> {
    /// Who can serve it.
    pub plan: &'a Plan,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Attempts after the first, per model.
    pub retries: u32,
    /// Longest wait before a retry.
    pub max_wait: Duration,
    /// Largest whole answer.
    pub max_response: usize,
    /// Makes the request for a target.
    pub build: &'a (dyn Fn(&Target) -> Result<Outgoing, Error> + Send + Sync),
    /// Reads a whole answer and makes it the client's; says what is wrong with one that cannot be used.
    pub accept: &'a (dyn Fn(Bytes) -> Result<Bytes, String> + Send + Sync),
    /// Told of retries, fallbacks and health.
    pub observer: &'a dyn Observer,
    /// For cooldowns and waits.
    pub clock: &'a Clock,
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
    /// Counts the request as in flight at its deployment.
    pub in_flight: Option<InFlight>,
    /// When the call must have ended.
    pub deadline: Instant,
}

/// No answer.
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
enum Outcome {
    Answer(StatusCode, HeaderMap, AnswerBody),
    Failure(Failure),
}

struct Failure {
    cause: Cause,
    verdict: Verdict,
    retry_after_ms: Option<u64>,
    /// Whether it says something about the deployment's health.
    ill: bool,
    /// Whether the same deployment may be asked again.
    same: bool,
}

/// Gets an answer.
///
/// # Errors
/// The last failure, when nobody answered.
pub async fn send(call: &Attempts<'_>) -> Result<Answered, Box<Failed>> {
    let begun = Instant::now();
    let total = call.plan.steps.iter().flat_map(|s| &s.targets).map(|t| t.provider.timeouts.total).max();
    let deadline = begun + total.unwrap_or(Duration::from_secs(600));
    let mut attempts = 0;
    let mut last: Option<(Failure, Option<Target>)> = None;
    let steps = &call.plan.steps;

    for (fallbacks, step) in (0u32..).zip(steps) {
        if fallbacks > 0 {
            call.observer.fell_back(&steps[fallbacks as usize - 1].model, &step.model);
        }
        let is_last = fallbacks as usize + 1 == steps.len();
        let (failure, target) = match try_step(call, step, is_last, Times { begun, deadline }, &mut attempts).await {
            Ok((status, headers, body, target, in_flight)) => {
                let in_flight = Some(in_flight);
                let deadline = begun + target.provider.timeouts.total;
                return Ok(Answered { status, headers, body, target, attempts, fallbacks, in_flight, deadline });
            }
            Err(failed) => *failed,
        };
        let go_on = failure.verdict != Verdict::Fatal && Instant::now() < deadline;
        // A fallback that could not be asked at all must not hide what really happened.
        if target.is_some() || last.is_none() {
            last = Some((failure, target));
        }
        if !go_on || is_last {
            break;
        }
    }
    let (cause, target) = match last {
        Some((failure, target)) => (failure.cause, target),
        None => (Cause::Own(Error::new(Code::Internal, "the call had nobody to go to")), None),
    };
    let fallbacks = u32::try_from(steps.len() - 1).unwrap_or(0);
    Err(Box::new(Failed { cause, target, attempts, fallbacks }))
}

/// When the call began, and when it must have ended whoever answers.
#[derive(Clone, Copy)]
struct Times {
    begun: Instant,
    deadline: Instant,
}

type StepAnswer = (StatusCode, HeaderMap, AnswerBody, Target, InFlight);

async fn try_step(
    call: &Attempts<'_>,
    step: &Step,
    last_resort: bool,
    times: Times,
    attempts: &mut u32,
) -> Result<StepAnswer, Box<(Failure, Option<Target>)>> {
    let Times { begun, deadline } = times;
    let mut tried: Vec<usize> = Vec::new();
    let mut last: Option<(Failure, Target)> = None;
    for round in 0..=call.retries {
        let now = call.clock.now();
        let mut picked = match pick(step, &tried, last_resort, now) {
            Choice::Exhausted if last.as_ref().is_some_and(|(f, _)| f.same) => {
                // Everyone has been asked once: wait a little, then ask anyone again.
                let wait = last.as_ref().and_then(|(f, _)| f.retry_after_ms).map(Duration::from_millis);
                let wait = wait.unwrap_or_else(|| backoff(round));
                if wait > call.max_wait || Instant::now() + wait >= deadline {
                    break;
                }
                tokio::time::sleep(wait).await;
                tried.clear();
                pick(step, &tried, last_resort, call.clock.now())
            }
            other => other,
        };
        if let (Choice::Blocked(until), true) = (&picked, last.is_some()) {
            let wait = Duration::from_micros(u64::try_from(until - now).unwrap_or(0));
            if wait > call.max_wait || Instant::now() + wait >= deadline {
                break;
            }
            tokio::time::sleep(wait).await;
            tried.clear();
            picked = pick(step, &tried, last_resort, call.clock.now());
        }
        let (target, index, probe) = match picked {
            Choice::Call { target, index, probe } => (target, index, probe),
            Choice::Blocked(until) if last.is_none() => return Err(Box::new((blocked(step, until, now), None))),
            Choice::Blocked(_) | Choice::Exhausted => break,
        };
        if let Some((_, before)) = &last {
            call.observer.retried(&before.provider.name);
        }
        tried.push(index);
        *attempts += 1;
        let until = deadline.min(begun + target.provider.timeouts.total);
        match attempt(call, target, probe, until).await {
            (Outcome::Answer(status, headers, body), in_flight) => {
                return Ok((status, headers, body, target.clone(), in_flight));
            }
            (Outcome::Failure(failure), _) => {
                let stop = failure.verdict != Verdict::Retry;
                // Another deployment of the same model may have another key or another region.
                let others = failure.verdict == Verdict::Fallback && tried.len() < step.targets.len();
                last = Some((failure, target.clone()));
                if (stop && !others) || Instant::now() >= deadline {
                    break;
                }
            }
        }
    }
    Err(Box::new(match last {
        Some((failure, target)) => (failure, Some(target)),
        None => (no_deployment(step), None),
    }))
}

/// Doubling, with up to half of it at random, so that callers do not come back in step.
fn backoff(round: u32) -> Duration {
    let full = FIRST_BACKOFF.saturating_mul(1 << round.min(10)).min(LONGEST_BACKOFF);
    full.mul_f64(0.5 + fastrand::f64() / 2.0)
}

fn blocked(step: &Step, until: Micros, now: Micros) -> Failure {
    let ms = u64::try_from((until - now) / 1000).unwrap_or(0).max(1);
    let message =
        format!("every deployment of {:?} asked not to be called for another {:.1} s", step.model, ms as f64 / 1000.0);
    own(Error::new(Code::RateLimited, message).retry_after_ms(ms), Verdict::Fallback)
}

fn no_deployment(step: &Step) -> Failure {
    let message = format!("every deployment of {:?} is cooling down after failures", step.model);
    own(Error::new(Code::NoHealthyDeployment, message).retry_after_ms(5_000), Verdict::Fallback)
}

fn own(error: Error, verdict: Verdict) -> Failure {
    let retry_after_ms = error.retry_after_ms;
    Failure { cause: Cause::Own(error), verdict, retry_after_ms, ill: false, same: false }
}

/// A failure of the connection or the clock.
fn broken(code: Code, message: String, same: bool) -> Outcome {
    let cause = Cause::Own(Error::new(code, message));
    Outcome::Failure(Failure { cause, verdict: Verdict::Retry, retry_after_ms: None, ill: true, same })
}

/// Frees a probe's place when the attempt is dropped before it says anything.
struct Probe<'a>(&'a Target);

impl Drop for Probe<'_> {
    fn drop(&mut self) {
        self.0.deployment.probe_ended();
    }
}

async fn attempt(call: &Attempts<'_>, target: &Target, probe: bool, deadline: Instant) -> (Outcome, InFlight) {
    let in_flight = target.deployment.start();
    let probe = probe.then_some(Probe(target));
    let begun = Instant::now();
    let outcome = exchange(call, target, begun, deadline).await;
    let now = call.clock.now();
    let provider = &target.provider.name;
    match &outcome {
        Outcome::Answer(..) => {
            let latency = Micros::try_from(begun.elapsed().as_micros()).unwrap_or(Micros::MAX);
            if target.deployment.succeeded(latency, now) {
                call.observer.upstream_health(provider, &target.deployment.name, true);
            }
        }
        Outcome::Failure(failure) if failure.ill => {
            if target.deployment.failed(failure.retry_after_ms, now) {
                call.observer.upstream_health(provider, &target.deployment.name, false);
                tracing::warn!(deployment = target.deployment.name, "leaves the rotation after failures");
            }
        }
        Outcome::Failure(_) => {}
    }
    drop(probe);
    (outcome, in_flight)
}

async fn exchange(call: &Attempts<'_>, target: &Target, begun: Instant, deadline: Instant) -> Outcome {
    let name = &target.provider.name;
    let request = match (call.build)(target) {
        Ok(Outgoing::Network(request)) => request,
        Ok(Outgoing::Demo(endpoint, body)) => {
            return match demo::answer(endpoint, &target.model, &body, call.stream) {
                Ok(demo::Made::Whole(body)) => match (call.accept)(body) {
                    Ok(body) => answer_json(AnswerBody::Whole(body)),
                    Err(problem) => broken(Code::Internal, format!("the demo provider answered with {problem}"), false),
                },
                Ok(demo::Made::Stream(body)) => {
                    let splitter = Splitter::new(MAX_EVENT);
                    answer_json(AnswerBody::Stream { splitter, pending: Vec::new(), body })
                }
                Err(error) => Outcome::Failure(own(error, Verdict::Fatal)),
            };
        }
        Err(error) => return Outcome::Failure(own(error, Verdict::Fatal)),
    };
    let timeouts = target.provider.timeouts;
    let first_byte = deadline.min(begun + timeouts.first_byte);
    let response = match timeout_at(first_byte, target.provider.client().send(request)).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) if timed_out(&error) => {
            let message = format!("provider \"{name}\" could not be connected to in time (connect_timeout)");
            return broken(Code::UpstreamTimeout, message, true);
        }
        Ok(Err(error)) => {
            let what =
                if error.is_connect() { "cannot be reached" } else { "closed the connection before it answered" };
            return broken(Code::UpstreamError, format!("provider \"{name}\" {what}: {}", chain(&error)), true);
        }
        Err(_) => return first_byte_timeout(name, begun),
    };
    let (head, body) = response.into_parts();
    let body = UpstreamBody::Network(body);
    if !head.status.is_success() {
        return refused(call, target, head.status, head.headers, body, deadline).await;
    }
    if call.stream && is_event_stream(&head.headers) {
        return first_event(target, head.status, head.headers, body, begun, deadline).await;
    }
    match whole(body, call.max_response, timeouts.idle, deadline).await {
        Ok(_) if is_web_page(&head.headers) => {
            let message = format!("provider \"{name}\" answered with a web page instead of JSON; check its base_url");
            broken(Code::UpstreamError, message, true)
        }
        Ok(bytes) => match (call.accept)(bytes) {
            Ok(body) => Outcome::Answer(head.status, head.headers, AnswerBody::Whole(body)),
            Err(problem) => broken(Code::UpstreamError, format!("provider \"{name}\" answered with {problem}"), true),
        },
        Err(Broke::Late) => {
            let code = Code::UpstreamTimeout;
            broken(code, format!("provider \"{name}\" stopped in the middle of its answer"), false)
        }
        Err(Broke::TooLong) => Outcome::Failure(own(
            Error::new(
                Code::UpstreamError,
                format!(
                    "the answer of provider \"{name}\" is longer than {} bytes (gateway.max_response)",
                    call.max_response
                ),
            ),
            Verdict::Fatal,
        )),
        Err(Broke::Cut(error)) => {
            broken(Code::UpstreamError, format!("provider \"{name}\" broke off its answer: {error}"), true)
        }
    }
}

fn answer_json(body: AnswerBody) -> Outcome {
    Outcome::Answer(StatusCode::OK, HeaderMap::new(), body)
}

fn first_byte_timeout(name: &str, begun: Instant) -> Outcome {
    let waited = begun.elapsed().as_secs_f64();
    broken(
        Code::UpstreamTimeout,
        format!("provider \"{name}\" sent no first byte within {waited:.1} s (first_byte_timeout)"),
        false,
    )
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    headers
        .get(http::header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.to_ascii_lowercase().starts_with("text/event-stream"))
}

/// Holds a stream back until its first event, so that a failure there can still go elsewhere.
async fn first_event(
    target: &Target,
    status: StatusCode,
    headers: HeaderMap,
    mut body: UpstreamBody,
    begun: Instant,
    deadline: Instant,
) -> Outcome {
    let name = &target.provider.name;
    let idle = target.provider.timeouts.idle;
    let first_byte = deadline.min(begun + target.provider.timeouts.first_byte);
    let mut splitter = Splitter::new(MAX_EVENT);
    let mut pending = Vec::new();
    let mut until = first_byte;
    loop {
        match timeout_at(until, body.piece()).await {
            Err(_) if until == first_byte => return first_byte_timeout(name, begun),
            Err(_) => {
                let message = format!("provider \"{name}\" fell silent before its answer began (idle_timeout)");
                return broken(Code::UpstreamTimeout, message, false);
            }
            Ok(None) => {
                return broken(
                    Code::UpstreamError,
                    format!("provider \"{name}\" ended the stream before it began"),
                    true,
                );
            }
            Ok(Some(Err(error))) => {
                let message = format!("provider \"{name}\" broke off the stream before it began: {}", chain(&error));
                return broken(Code::UpstreamError, message, true);
            }
            Ok(Some(Ok(piece))) => splitter.push(&piece),
        }
        // Comments that keep the connection alive are signs of life, and nothing that the client would miss.
        until = deadline.min(Instant::now() + idle);
        loop {
            match splitter.next_event() {
                Ok(Some(event)) if event.data.is_none() && pending.is_empty() => {}
                Ok(Some(event)) => pending.push(event),
                Ok(None) => break,
                Err(error) => return broken(Code::UpstreamError, format!("provider \"{name}\": {error}"), false),
            }
        }
        if let Some(first) = pending.iter().find(|e| e.data.is_some()) {
            if let Some(message) = first_event_error(first) {
                let message = format!("provider \"{name}\" began the stream with an error: {message}");
                return broken(Code::UpstreamError, message, true);
            }
            return Outcome::Answer(status, headers, AnswerBody::Stream { splitter, pending, body });
        }
    }
}

/// An answer that is not a success, judged.
async fn refused(
    call: &Attempts<'_>,
    target: &Target,
    status: StatusCode,
    headers: HeaderMap,
    body: UpstreamBody,
    deadline: Instant,
) -> Outcome {
    let name = &target.provider.name;
    if status.is_redirection() || status.is_informational() {
        let message = format!("provider \"{name}\" answered {status} instead of a result; check its base_url");
        return Outcome::Failure(own(Error::new(Code::UpstreamError, message), Verdict::Fallback));
    }
    let body = whole(body, MAX_ERROR_BODY, target.provider.timeouts.idle, deadline).await.unwrap_or_default();
    let body = target.provider.without_secrets(body);
    if status == StatusCode::TOO_MANY_REQUESTS {
        call.observer.upstream_rate_limited(&target.deployment.name);
    }
    let verdict = classify::of_status(status, &body);
    let retry_after_ms = retry_after(&headers, call.clock.now());
    let error_type = classify::error_type(status, &body);
    Outcome::Failure(Failure {
        cause: Cause::Upstream { status, headers, body, error_type },
        verdict,
        retry_after_ms,
        ill: verdict == Verdict::Retry,
        same: true,
    })
}

enum Broke {
    Late,
    TooLong,
    Cut(String),
}

/// The whole body, within a size, a longest silence and a deadline.
async fn whole(mut body: UpstreamBody, max: usize, idle: Duration, deadline: Instant) -> Result<Bytes, Broke> {
    let mut first: Option<Bytes> = None;
    let mut all = BytesMut::new();
    loop {
        let until = deadline.min(Instant::now() + idle);
        let piece = match timeout_at(until, body.piece()).await {
            Err(_) => return Err(Broke::Late),
            Ok(None) => break,
            Ok(Some(Err(error))) => return Err(Broke::Cut(chain(&error))),
            Ok(Some(Ok(piece))) => piece,
        };
        let held = first.as_ref().map_or(all.len(), Bytes::len);
        if held + piece.len() > max {
            return Err(Broke::TooLong);
        }
        // Most answers come in one piece, which needs no copy.
        match first.take() {
            None if all.is_empty() => first = Some(piece),
            None => all.extend_from_slice(&piece),
            Some(before) => {
                all.extend_from_slice(&before);
                all.extend_from_slice(&piece);
            }
        }
    }
    Ok(first.unwrap_or_else(|| all.freeze()))
}

fn is_web_page(headers: &HeaderMap) -> bool {
    headers.get(http::header::CONTENT_TYPE).is_some_and(|v| v.as_bytes().starts_with(b"text/html"))
}

/// Whether a deadline of the connection itself has passed.
fn timed_out(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::TimedOut) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// An error with its causes, which is where hyper says what happened.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}
