//! Between the parsed request and the first attempt: permission, limits, what is noted of the parameters.

use std::sync::Arc;

use weir_core::access::Identity;
use weir_core::error::{Code, Error};
use weir_core::money::NanoUsd;
use weir_core::time::Micros;
use weir_core::token::{TokenCounts, estimate_fast};

use super::call::Call;
use super::envelope::Envelope;
use crate::limits::{Allowance, Reservation};
use crate::routing::{Plan, Step};

/// Tokens reserved for an answer whose length the request does not bound.
const ASSUMED_ANSWER: u64 = 1_024;
/// Longest answer that is reserved for; no model writes more.
const MAX_ANSWER: u64 = 10_000_000;
/// Most answers of one request that are reserved for.
const MAX_ANSWERS: u64 = 128;

/// Members that are noted on the call even where payloads are not kept.
const NOTED: &[&str] =
    &["temperature", "top_p", "max_tokens", "max_completion_tokens", "max_output_tokens", "seed", "n"];

/// Notes the parameters that people look for.
pub(super) fn note_parameters(call: &mut Call, envelope: &Envelope<'_>) {
    for name in NOTED {
        if let Some(value) = envelope.get(name).filter(|v| v.len() <= 64) {
            call.span.attributes.insert((*name).to_owned(), value.to_owned());
        }
    }
}

/// Notes whose key called.
pub(super) fn note_key(call: &mut Call, identity: &Identity) {
    if !identity.name.is_empty() {
        call.span.key = Some(identity.name.clone());
    }
}

/// Refuses what the key may not do.
pub(super) fn permit(identity: &Identity, model: &str) -> Result<(), Error> {
    if !identity.may_call(model) {
        let message = format!(
            "key \"{}\" may not call the model {model:?}; it may call {}",
            identity.name,
            identity.models.join(", ")
        );
        return Err(Error { param: Some("model".to_owned()), ..Error::new(Code::PermissionDenied, message) });
    }
    Ok(())
}

/// What came of reserving.
pub(super) enum Reserved {
    /// The call may go where it was to go.
    Granted,
    /// A budget is spent; the call goes to the model that is configured for that.
    Fallback(String),
}

/// Reserves what the call may use, with its key and with its labels. A spent budget refuses, or with `enforce` sends the
/// call to its fallback, for which nothing has been reserved yet; without, budgets that have a fallback let it pass.
pub(super) fn reserve(
    call: &mut Call,
    identity: &Identity,
    plan: &Plan,
    envelope: &Envelope<'_>,
    enforce: bool,
) -> Result<Reserved, Error> {
    let now = call.gateway.parts.clock.now();
    let allowances = allowances(call, identity, now);
    if allowances.is_empty() {
        return Ok(Reserved::Granted);
    }
    let number = |name: &str| envelope.get(name)?.parse::<f64>().ok().filter(|n| *n >= 0.0).map(|n| n.ceil() as u64);
    let bound =
        ["max_completion_tokens", "max_tokens", "max_output_tokens"].iter().filter_map(|name| number(name)).max();
    let answers = number("n").max(number("best_of")).unwrap_or(1).clamp(1, MAX_ANSWERS);
    let answer = bound.unwrap_or(ASSUMED_ANSWER).min(MAX_ANSWER).saturating_mul(answers);
    let estimate = TokenCounts::of(estimate_fast(call.input.len()), answer);
    // Any target may be the one that answers, so the dearest is reserved; of a cascade each model may have to be paid.
    let cost_of = |step: &Step| {
        step.targets
            .iter()
            .filter_map(|t| call.snapshot.cost(t, t.deployment.answered_as().as_deref(), &estimate))
            .max()
    };
    let (cascade, others) = plan.steps.split_at(plan.cascade.min(plan.steps.len()));
    let dearest = others.iter().filter_map(cost_of).max().unwrap_or(NanoUsd::ZERO);
    let cost = cascade.iter().filter_map(cost_of).fold(dearest, NanoUsd::saturating_add);
    let tokens = estimate.total().saturating_mul(cascade.len().max(1) as u64);
    let mut reservations = Vec::with_capacity(allowances.len());
    for allowance in allowances {
        // On the way to one budget's fallback the budgets that have none refuse all the same.
        let enforce = enforce || allowance.terms().fallback.is_none();
        match allowance.reserve(tokens, cost, enforce, now) {
            Ok(reservation) => reservations.push(reservation),
            Err(refused) => {
                // Nothing of a call that is not made counts.
                reservations.into_iter().for_each(Reservation::cancel);
                if let Some(crossing) = &refused.crossing {
                    call.gateway.tell(crossing);
                }
                let fallback = allowance.terms().fallback.clone();
                return match fallback.filter(|_| refused.error.code == Code::BudgetExceeded) {
                    Some(model) => Ok(Reserved::Fallback(model)),
                    None => Err(refused.error),
                };
            }
        }
    }
    call.reservations = reservations;
    Ok(Reserved::Granted)
}

/// What the call counts against.
fn allowances(call: &Call, identity: &Identity, now: Micros) -> Vec<Arc<Allowance>> {
    let snapshot = &call.snapshot;
    snapshot.limits.of_call(identity, &call.span, &|value| snapshot.policy.shown(value), now)
}

/// The share of the call's scarcest budget that is left.
pub(super) fn budget_left(call: &Call, identity: &Identity) -> Option<f64> {
    let now = call.gateway.parts.clock.now();
    let allowances = allowances(call, identity, now);
    let budgets = allowances.iter().flat_map(|a| a.budgets(now));
    budgets.map(|b| b.left.0 as f64 / (b.limit.0 as f64).max(1.0)).min_by(f64::total_cmp)
}
