//! A call's prompt and model, as rules and prompts make them.

use bytes::Bytes;
use serde_json::{Map, Value};
use weir_core::access::Identity;
use weir_core::error::Error;
use weir_core::token::estimate_fast;

use super::call::Call;
use super::envelope::Envelope;
use super::prepare;
use super::run::Door;
use crate::compress::{self, Input};
use crate::config::CompressConfig;
use crate::prompts::{PromptSet, assigned};
use crate::providers::Endpoint;
use crate::rule::Facts;
use crate::shape::{self, Members, Request};

/// Bodies up to that size are compressed where they are, which takes about a millisecond.
const COMPRESSED_HERE: usize = 32 << 10;
/// Prompts of bodies up to that size are rendered where they are, unless the template is slow.
const RENDERED_HERE: usize = 256 << 10;

/// Renders the call's prompt into its body, where it has one. `None`: the body stays as it came.
pub(super) async fn apply(
    call: &mut Call,
    door: Door,
    identity: &Identity,
    envelope: &Envelope<'_>,
) -> Result<Option<Bytes>, Error> {
    let kept = call.snapshot.policy.keeps_payload();
    if !kept {
        // Whatever becomes of the call: what its variables say is payload.
        call.forget_variables();
    }
    let library = call.gateway.parts.prompts.clone();
    let set = library.set();
    if set.is_empty() && !call.snapshot.shaping.assigns() {
        // Names of prompts that callers render themselves are labels.
        return Ok(None);
    }
    let Some((name, version)) = wanted(call, door, identity, envelope, &set) else { return Ok(None) };
    let version = set.find(&name, version.as_deref())?.clone();
    call.span.prompt_name = Some(version.name.clone());
    call.span.prompt_version = Some(version.record.version.clone());
    let endpoint = door.endpoint;
    let given = shape::given(endpoint, envelope)?;
    // Noted before it is rendered, so that the record of a call whose rendering failed shows with what.
    let mut used = serde_json::json!({"hash": version.hash});
    if kept {
        used["variables"] = Value::Object(given.variables.clone());
        used["user_message"] = Value::String(given.user_message.clone());
        call.forget_variables();
    }
    call.span.attributes.insert("prompt".to_owned(), used.to_string());
    let labels = ["department", "project", "user", "session"].into_iter().filter_map(|label| {
        let value = call.span.label(label)?;
        Some((label.to_owned(), Value::String(value.into_owned())))
    });
    let labels: Map<String, Value> = labels.collect();
    if !version.is_slow() && call.input.len() <= RENDERED_HERE {
        let request = Request { endpoint, envelope, labels };
        let members = shape::apply(&version, &request, given)?;
        return Ok(Some(edited(envelope, members, &call.input)));
    }
    // What takes milliseconds must not hold up other calls.
    let sent = call.input.clone();
    let work = move || {
        let envelope = Envelope::parse(&sent)?;
        let request = Request { endpoint, envelope: &envelope, labels };
        let members = shape::apply(&version, &request, given)?;
        Ok(edited(&envelope, members, &sent))
    };
    library.beside(work).await?.map(Some)
}

fn edited(envelope: &Envelope<'_>, members: Members, sent: &Bytes) -> Bytes {
    let mut edits = envelope.edit();
    for (member, json) in members {
        edits.set(member, json);
    }
    edits.apply(sent)
}

/// The prompt that the request asks for, and the version or label; else what a rule assigns; and where neither names a
/// version, what the split says.
fn wanted(
    call: &Call,
    door: Door,
    identity: &Identity,
    envelope: &Envelope<'_>,
    set: &PromptSet,
) -> Option<(String, Option<String>)> {
    let asked = call.span.prompt_version.clone();
    let (name, version) = match &call.asked_prompt {
        Some(name) => (name.clone(), asked),
        // An assignment is for what has a prompt; only who asks for one there is told that it cannot be.
        None if door.endpoint == Endpoint::Embeddings => return None,
        None => {
            let model = envelope.read::<String>("model", "a string").ok().flatten().unwrap_or_default();
            let assign = with_facts(call, door, identity, &model, call.input.len(), |facts| {
                call.snapshot.shaping.assigned(facts).map(|a| (a.prompt.clone(), a.version.clone()))
            })?;
            let (name, version) = assign;
            // A version that stands beside the name of another prompt is none of this one.
            let asked = asked.filter(|_| call.span.prompt_name.as_ref().is_none_or(|own| *own == name));
            (name, asked.or(version))
        }
    };
    let split = || {
        let split = call.snapshot.config.prompts.split.get(&name)?;
        assigned(&name, split, &call.span).map(str::to_owned)
    };
    let version = match version {
        None if set.prompts.contains_key(&name) => split(),
        version => version,
    };
    Some((name, version))
}

/// Compresses the call's prompt, where a rule says so. `None`: the body stays as it is.
pub(super) async fn compress(call: &mut Call, door: Door, identity: &Identity, body: &Bytes) -> Option<Bytes> {
    if !call.snapshot.shaping.compresses() || door.endpoint == Endpoint::Embeddings {
        return None;
    }
    let model = Envelope::parse(body).ok()?.read::<String>("model", "a string").ok().flatten().unwrap_or_default();
    let config =
        with_facts(call, door, identity, &model, body.len(), |facts| call.snapshot.shaping.compression(facts))?;
    let (of, endpoint) = (body.clone(), door.endpoint);
    let work = move || compressed(endpoint, &of, &model, &config);
    // What takes milliseconds must not hold up other calls.
    let done = if body.len() > COMPRESSED_HERE { tokio::task::spawn_blocking(work).await.ok()? } else { work() };
    let (body, report) = done?;
    call.span.attributes.insert("compression".to_owned(), report);
    Some(body)
}

/// The body with its prompt compressed, and the report as JSON.
fn compressed(endpoint: Endpoint, body: &Bytes, model: &str, config: &CompressConfig) -> Option<(Bytes, String)> {
    let envelope = Envelope::parse(body).ok()?;
    let (member, input) = match endpoint {
        Endpoint::Chat => ("messages", Input::Chat(envelope.get("messages")?)),
        Endpoint::Messages => {
            let messages = envelope.get("messages")?;
            ("messages", Input::Messages { system: envelope.get("system"), messages })
        }
        Endpoint::Completions => ("prompt", Input::Prompt(envelope.get("prompt")?)),
        Endpoint::Responses => {
            let input = envelope.get("input")?;
            ("input", if input.starts_with('"') { Input::Prompt(input) } else { Input::Chat(input) })
        }
        Endpoint::Embeddings => return None,
    };
    let compressed = compress::compress(input, model, config).ok()?;
    let mut edits = envelope.edit();
    if let Some(main) = compressed.main {
        edits.set(member, main);
    }
    if let Some(system) = compressed.system {
        edits.set("system", system);
    }
    Some((edits.apply(body), serde_json::to_string(&compressed.report).ok()?))
}

/// The model that the call gets: the one that was asked for, unless a rule selects another.
pub(super) fn select(call: &mut Call, door: Door, identity: &Identity, asked: &str) -> String {
    if !call.snapshot.shaping.selects() {
        return asked.to_owned();
    }
    let selected = with_facts(call, door, identity, asked, call.input.len(), |facts| {
        call.snapshot.shaping.select(facts).map(|(rule, model)| (rule, model.to_owned()))
    });
    let Some((rule, model)) = selected else { return asked.to_owned() };
    let note = serde_json::json!({"asked": asked, "rule": rule, "model": model});
    call.span.attributes.insert("selection".to_owned(), note.to_string());
    model
}

fn with_facts<T>(
    call: &Call,
    door: Door,
    identity: &Identity,
    model: &str,
    bytes: usize,
    read: impl FnOnce(&Facts<'_>) -> T,
) -> T {
    read(&Facts {
        model,
        route: &format!("/v1{}", door.endpoint.path()),
        span: &call.span,
        prompt_tokens: estimate_fast(bytes),
        now: call.gateway.parts.clock.now(),
        budget_left: &|| prepare::budget_left(call, identity),
    })
}
