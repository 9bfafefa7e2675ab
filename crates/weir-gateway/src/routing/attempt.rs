//! The one attempt loop: picks a deployment, asks it, judges the outcome, and goes on until there is an answer, the
//! request is at fault, or attempts or time are used up. A cascade goes on from an answer that its check rejects.
//!
//! Invariant: an answer leaves this loop before its first byte reaches the client; after that nothing is tried again,
//! so that two answers are never spliced.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;
use weir_core::error::{Code, Error};
use weir_core::observe::Observer;
use weir_core::time::{Clock, Micros};

use super::ask::ask;
use super::cascade::Rejected;
use super::classify::Verdict;
use super::health::InFlight;
use super::outcome::{AnswerBody, Answered, Cause, Failed, Failure, Outcome, Outgoing, own};
use super::pick::{Choice, pick};
use super::plan::{Plan, Step, Target};

const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(2);

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
    /// Says what is wrong with a whole answer of a cascade that a dearer model may mend.
    pub reject: &'a (dyn Fn(&Target, &Bytes) -> Option<Rejected> + Send + Sync),
    /// Told of retries, fallbacks and health.
    pub observer: &'a dyn Observer,
    /// For cooldowns and waits.
    pub clock: &'a Clock,
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
    let mut rejected: Vec<Rejected> = Vec::new();
    // The rejected answer to fall back on when nobody gives a better one.
    let mut held: Option<(StepAnswer, u32)> = None;
    let steps = &call.plan.steps;
    let answered = |answer: StepAnswer, attempts, fallbacks, rejected, flaw| {
        let (status, headers, body, target, in_flight) = answer;
        let (in_flight, deadline) = (Some(in_flight), begun + target.provider.timeouts.total);
        Answered { status, headers, body, target, attempts, fallbacks, rejected, flaw, in_flight, deadline }
    };

    // A model that was given up; going on from a cascade's answer gives up none.
    let mut given_up = false;

    for (fallbacks, step) in (0u32..).zip(steps) {
        if std::mem::take(&mut given_up) {
            call.observer.fell_back(&steps[fallbacks as usize - 1].model, &step.model);
        }
        let is_last = fallbacks as usize + 1 == steps.len();
        let (failure, target) = match try_step(call, step, is_last, Times { begun, deadline }, &mut attempts).await {
            Ok(answer) => {
                let better = fallbacks as usize + 1 < call.plan.cascade && Instant::now() < deadline;
                if let (true, (_, _, AnswerBody::Whole(body), target, _)) = (better, &answer)
                    && let Some(flaw) = (call.reject)(target, body)
                {
                    rejected.push(flaw);
                    held = Some((answer, fallbacks));
                    continue;
                }
                return Ok(answered(answer, attempts, fallbacks, rejected, None));
            }
            Err(failed) => *failed,
        };
        given_up = true;
        let go_on = failure.verdict != Verdict::Fatal && Instant::now() < deadline;
        // A fallback that could not be asked at all must not hide what really happened.
        if target.is_some() || last.is_none() {
            last = Some((failure, target));
        }
        if !go_on || is_last {
            break;
        }
    }
    if let Some((answer, fallbacks)) = held {
        // It is the answer after all.
        let flaw = rejected.pop().map(|kept| kept.reason);
        return Ok(answered(answer, attempts, fallbacks, rejected, flaw));
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
    let outcome = ask(call, target, begun, deadline).await;
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
