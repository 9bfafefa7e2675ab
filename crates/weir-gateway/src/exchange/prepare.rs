//! Between the parsed request and the first attempt: permission, limits, what is noted of the parameters.

use std::sync::Arc;

use weir_core::access::Identity;
use weir_core::error::{Code, Error};
use weir_core::money::NanoUsd;
use weir_core::price;
use weir_core::token::{TokenCounts, estimate_fast};

use super::call::Call;
use super::envelope::Envelope;
use crate::routing::Plan;

/// Tokens reserved for an answer whose length the request does not bound.
const ASSUMED_ANSWER: u64 = 1_024;

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

/// Refuses what the key may not do, and reserves what the call may use.
pub(super) fn permit(
    call: &mut Call,
    identity: &Arc<Identity>,
    model: &str,
    plan: &Plan,
    envelope: &Envelope<'_>,
) -> Result<(), Error> {
    if !identity.name.is_empty() {
        call.span.key = Some(identity.name.clone());
    }
    if !identity.may_call(model) {
        let message = format!(
            "key \"{}\" may not call the model {model:?}; it may call {}",
            identity.name,
            identity.models.join(", ")
        );
        return Err(Error { param: Some("model".to_owned()), ..Error::new(Code::PermissionDenied, message) });
    }
    let Some(state) = call.snapshot.limits.get(&identity.name) else { return Ok(()) };
    let prompt = estimate_fast(call.input.len());
    let bound = ["max_completion_tokens", "max_tokens", "max_output_tokens"]
        .iter()
        .find_map(|name| envelope.get(name)?.parse::<u64>().ok());
    let estimate = TokenCounts::of(prompt, bound.unwrap_or(ASSUMED_ANSWER));
    let cost = plan
        .steps
        .first()
        .and_then(|step| step.targets.first())
        .and_then(|t| call.snapshot.prices.lookup(t.provider.kind.name, &t.model))
        .map_or(NanoUsd::ZERO, |m| price::cost(&m.rates, &estimate));
    let now = call.gateway.parts.clock.now();
    call.reservation = Some(state.reserve(estimate.total(), cost, now)?);
    Ok(())
}
