//! The cache's part in a call: looked up once its request is whole, filled when its answer is.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use weir_core::access::{Identity, presented_key};
use weir_core::error::Error;

use super::call::Call;
use super::envelope::Envelope;
use super::meaning;
use super::run::Door;
use crate::cache::{
    Answer, Awaited, Control, Gather, Hit, Leader, Lookup, Scope, is_cacheable, is_storable_answer, key,
};
use crate::config::GatewayConfig;
use crate::providers::Endpoint;
use crate::routing::{Cause, Failed, Plan};
use crate::sse::Event;

/// Where a call's answer is to be stored.
pub(super) struct Filling {
    leader: Leader,
    endpoint: Endpoint,
    /// The events of a stream, of which the answer is put together.
    gather: Option<Gather>,
}

/// What came of looking up.
pub(super) enum Looked {
    /// There is an answer.
    Hit(Hit),
    /// An equal call asked, and the provider could not answer.
    Failed(Failed),
    /// The call asks.
    Ask,
}

/// Looks a call up; waits for an equal one that is under way.
pub(super) async fn look(
    call: &mut Call,
    door: Door,
    identity: &Arc<Identity>,
    headers: &HeaderMap,
    envelope: &Envelope<'_>,
    plan: &Plan,
) -> Result<Looked, Error> {
    let snapshot = call.snapshot.clone();
    let config = &snapshot.config.cache;
    let control = Control::of(config, headers, envelope.get("cache"))?;
    if !config.is_on() {
        return Ok(Looked::Ask);
    }
    let gateway = call.gateway.clone();
    let now = gateway.parts.clock.now();
    let presented = snapshot.keyring.is_open().then(|| presented_key(headers)).flatten();
    let tenant = key::tenant(config.scope, identity, presented.as_deref(), call.span.user.as_deref());
    let variant = key::variant(headers);
    let scope = Scope {
        tenant: &tenant,
        namespace: &control.namespace,
        endpoint: door.endpoint,
        model: &plan.identity,
        variant: &variant,
    };
    if !is_cacheable(envelope) {
        call.span.cache = Some("bypass".to_owned());
        return Ok(Looked::Ask);
    }
    let leader = match gateway.cache.lookup(key::key(&scope, envelope), &control, now) {
        Lookup::Hit(hit) => return Ok(found(call, hit)),
        Lookup::Lead(leader) => leader,
        Lookup::Wait(waiter) => {
            let patience = patience(&snapshot.config.gateway);
            match tokio::time::timeout(patience, waiter.landed()).await {
                Ok(Awaited::Hit(hit)) => return Ok(found(call, hit)),
                Ok(Awaited::Failed(failed)) => {
                    call.span.cache = Some("miss".to_owned());
                    // This call made no attempt of its own.
                    return Ok(Looked::Failed(Failed { attempts: 0, fallbacks: 0, ..Failed::clone(&failed) }));
                }
                Ok(Awaited::Lead(leader)) => leader,
                Err(_) => {
                    call.span.cache = Some("miss".to_owned());
                    return Ok(Looked::Ask);
                }
            }
        }
        Lookup::Bypass => {
            call.span.cache = Some("bypass".to_owned());
            return Ok(Looked::Ask);
        }
    };
    call.span.cache = Some(if control.read { "miss" } else { "bypass" }.to_owned());
    let leader = match meaning::nearest(call, identity, &scope, envelope, leader).await {
        Ok(hit) => return Ok(found(call, hit)),
        Err(leader) => leader,
    };
    if control.write {
        let gather = (call.span.stream == Some(true)).then(|| leader.gather(door.endpoint));
        call.filling = Some(Filling { leader, endpoint: door.endpoint, gather });
    }
    Ok(Looked::Ask)
}

/// How long a call waits for an equal one: as long as a provider may take to begin and then to say nothing. Whoever leads
/// may be longer at it, as a stream goes at the pace of its reader.
fn patience(config: &GatewayConfig) -> Duration {
    config.first_byte_timeout.0.saturating_add(config.idle_timeout.0).min(config.total_timeout.0)
}

fn found(call: &mut Call, hit: Hit) -> Looked {
    call.span.cache = Some(if hit.similarity.is_some() { "semantic" } else { "hit" }.to_owned());
    Looked::Hit(hit)
}

impl Filling {
    /// Takes an event of a stream in the client's protocol, before anything is hidden from the client. False once
    /// the answer is too long to be stored.
    pub(super) fn event(&mut self, event: &Event) -> bool {
        self.gather.as_mut().is_none_or(|gather| gather.push(event))
    }

    /// Lets those who wait ask for themselves.
    pub(super) fn release(self) {
        self.leader.release();
    }

    /// Gives the provider's failure to those who wait. One that may lie in the key that the caller has for the provider
    /// is not theirs: then the next of them asks.
    pub(super) fn fail(self, call: &Call, failed: &Failed) {
        let sends_callers_key =
            call.snapshot.keyring.is_open() && failed.target.as_ref().is_some_and(|t| !t.provider.has_key());
        let is_own = sends_callers_key
            && matches!(&failed.cause, Cause::Upstream { status, .. } if matches!(status.as_u16(), 401 | 403 | 429));
        if !is_own {
            self.leader.fail(failed.clone());
        }
    }

    /// The same for a stream that broke off.
    pub(super) fn break_off(self, call: &Call, error: &Error) {
        let cause = Cause::Own(error.clone());
        self.leader.break_off(Failed { cause, target: call.target.clone(), attempts: 0, fallbacks: 0 });
    }

    /// Stores an answer, the whole of a stream where none is given, unless it is one that could come out otherwise or
    /// that holds a secret.
    pub(super) fn fill(self, call: &Call, whole: Option<&[u8]>) {
        let Some(target) = &call.target else { return };
        let body = match whole {
            Some(body) => Some(Bytes::copy_from_slice(body)),
            None => self.gather.as_ref().and_then(Gather::whole),
        };
        let fit = |body: &Bytes| is_storable_answer(self.endpoint, body) && call.snapshot.policy.is_clean(body);
        let Some(body) = body.filter(fit) else {
            self.leader.release();
            return;
        };
        let answer = Answer {
            body,
            provider: target.provider.name.clone(),
            deployment: target.deployment.name.clone(),
            model: target.model.clone(),
            response_model: call.span.response_model.clone(),
            finish_reason: call.span.finish_reason.clone(),
            tokens: call.span.tokens,
            cost: call.span.cost,
            latency_us: call.upstream_us.unwrap_or(0),
            request_id: call.span.request_id.clone().unwrap_or_default(),
        };
        self.leader.fill(answer, call.gateway.parts.clock.now());
    }
}
