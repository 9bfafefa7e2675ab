//! One request: which endpoint, which behaviour, which answer.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::ask::Ask;
use super::behaviour::Behaviour;
use super::body::{BrokenOff, ReplyBody, Script};
use super::error::{self, Family};
use super::record::{Call, Ledger, now_us};
use super::server::Breaker;
use super::steps::{Steps, Tail};
use super::text::{Text, words};
use super::usage::{Counts, Usage};
use super::{anthropic, chat, completions, control, embeddings, models, responses};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const SSE: HeaderValue = HeaderValue::from_static("text/event-stream; charset=utf-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const HTML_BODY: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad \
    Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    Chat,
    Completions,
    Embeddings,
    Responses,
    Messages,
    CountTokens,
    Models,
}

impl Endpoint {
    /// Matches the end of the path, so that every prefix serves.
    fn of(path: &str) -> Option<Self> {
        let path = path.strip_suffix('/').unwrap_or(path);
        let ends = [
            ("/chat/completions", Self::Chat),
            ("/completions", Self::Completions),
            ("/embeddings", Self::Embeddings),
            ("/responses", Self::Responses),
            ("/messages", Self::Messages),
            ("/messages/count_tokens", Self::CountTokens),
            ("/models", Self::Models),
        ];
        let found = ends.iter().find(|(end, _)| path.ends_with(end)).map(|(_, endpoint)| *endpoint);
        found.or_else(|| path.contains("/models/").then_some(Self::Models))
    }

    fn family(self) -> Family {
        match self {
            Self::Messages | Self::CountTokens => Family::Anthropic,
            _ => Family::OpenAi,
        }
    }
}

/// Everything an answer is made of.
pub(crate) struct Turn<'a> {
    pub(crate) ask: &'a Ask<'a>,
    pub(crate) behaviour: &'a Behaviour,
    /// The model without its behaviour.
    pub(crate) model: &'a str,
    /// Number of the request, from 0, for ids.
    pub(crate) sequence: u64,
    /// Seconds since 1970.
    pub(crate) created: u64,
    pub(crate) text: Text,
    pub(crate) usage: Usage,
}

impl Turn<'_> {
    /// The text, with the time of now when the behaviour wants it.
    pub(crate) fn stamped_text(&self) -> Cow<'_, str> {
        if self.behaviour.stamp {
            Cow::Owned(format!("{} [{:016}]", self.text.full, now_us()))
        } else {
            Cow::Borrowed(&self.text.full)
        }
    }
}

/// Answers one request; an error drops the connection.
pub(crate) async fn answer(
    ledger: Arc<Ledger>,
    breaker: Arc<Breaker>,
    request: Request<Incoming>,
) -> Result<Response<ReplyBody>, BrokenOff> {
    let (parts, body) = request.into_parts();
    if parts.uri.path().starts_with(control::PREFIX) {
        let (status, json) = control::answer(&ledger, &parts.method, &parts.uri);
        return Ok(reply(status, JSON, ReplyBody::Whole(json, None)));
    }
    let body = body.collect().await.map_err(|_| BrokenOff)?.to_bytes();
    let endpoint = Endpoint::of(parts.uri.path());
    let family = endpoint.map_or(Family::OpenAi, Endpoint::family);
    let method = if endpoint == Some(Endpoint::Models) { Method::GET } else { Method::POST };
    let Some(endpoint) = endpoint.filter(|_| parts.method == method) else {
        let status = if endpoint.is_some() { 405 } else { 404 };
        let message = format!("Invalid URL ({} {})", parts.method, parts.uri.path());
        let call = ledger.begin((parts, body), "", "");
        return Ok(failed(status, &message, Some("unknown_url"), family, call));
    };

    let ask = match endpoint {
        Endpoint::Models => Ok(Ask::default()),
        _ => Ask::parse(&body),
    };
    let ask = match ask {
        Ok(ask) => ask,
        Err(error) => {
            let message = format!("We could not parse the JSON body of your request: {error}");
            let call = ledger.begin((parts, body.clone()), "", "");
            return Ok(failed(400, &message, None, family, call));
        }
    };
    let deployment = deployment(parts.uri.path());
    let (mut model, words) = Behaviour::split_model(&ask.model);
    let mut behaviour = Behaviour::default();
    let mut understood = behaviour.add(words);
    if let Some(deployment) = &deployment {
        let (name, words) = Behaviour::split_model(deployment);
        if model.is_empty() {
            model = name;
        }
        understood = understood.and_then(|()| behaviour.add(words));
    }
    for words in parts.headers.get_all("x-fake") {
        understood = understood.and_then(|()| behaviour.add(&String::from_utf8_lossy(words.as_bytes())));
    }
    let anthropic_version = parts.headers.contains_key("anthropic-version");
    let model_path = (endpoint == Endpoint::Models).then(|| parts.uri.path().to_owned());
    let mut call = ledger.begin((parts, body.clone()), &behaviour.key, model);
    if let Err(error) = understood {
        return Ok(failed(400, &error.to_string(), Some("fake_behaviour"), family, call));
    }
    if let Some(times) = behaviour.times
        && !ledger.within(&behaviour.key, times)
    {
        behaviour.clear_faults();
    }

    if !behaviour.first.is_zero() {
        tokio::time::sleep(behaviour.first).await;
    }
    if let Some(path) = model_path {
        let family = if anthropic_version { Family::Anthropic } else { Family::OpenAi };
        let json = match path.split_once("/models/") {
            Some((_, name)) if !name.is_empty() => models::one(&control::decode(name), family),
            _ => models::list(family),
        };
        return Ok(reply(StatusCode::OK, JSON, ReplyBody::Whole(json.into(), Some(call))));
    }
    let streamed = ask.stream == Some(true)
        && matches!(endpoint, Endpoint::Chat | Endpoint::Completions | Endpoint::Responses | Endpoint::Messages);
    if behaviour.reset && !(streamed && behaviour.after.is_some()) {
        breaker.reset();
        call.end();
        return Err(BrokenOff);
    }
    if behaviour.html {
        let body = ReplyBody::Whole(HTML_BODY.into(), Some(call));
        return Ok(reply(StatusCode::BAD_GATEWAY, HTML, body));
    }
    if let Some(status) = behaviour.status {
        return Ok(refused(status, &behaviour, family, call));
    }
    if behaviour.badjson {
        let broken = "{\"id\":\"chatcmpl-broken\",\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"mess";
        return Ok(reply(StatusCode::OK, JSON, ReplyBody::Whole(broken.into(), Some(call))));
    }

    let text = Text::new(&behaviour, &ledger.english, &body);
    let usage = usage(&ask, &behaviour, &text);
    let sequence = call.sequence;
    let created = now_us() / 1_000_000;
    let turn = Turn { ask: &ask, behaviour: &behaviour, model, sequence, created, text, usage };
    let answer = if streamed {
        stream(endpoint, &turn, breaker, call)
    } else {
        if behaviour.stall {
            std::future::pending::<()>().await;
        }
        whole(endpoint, &turn, &body, breaker, call)
    };
    Ok(with_headers(answer, &behaviour, family, sequence))
}

fn whole(endpoint: Endpoint, turn: &Turn<'_>, body: &[u8], breaker: Arc<Breaker>, call: Call) -> Response<ReplyBody> {
    let text = match endpoint {
        Endpoint::Chat => chat::whole(turn),
        Endpoint::Completions => completions::whole(turn),
        Endpoint::Responses => responses::whole(turn),
        Endpoint::Messages => anthropic::whole(turn),
        Endpoint::CountTokens => anthropic::count_tokens(turn),
        Endpoint::Embeddings => embeddings::whole(turn, body),
        Endpoint::Models => models::list(Family::OpenAi),
    };
    let bytes = Bytes::from(text);
    let half = bytes.slice(..bytes.len() / 2);
    let body = if turn.behaviour.cut {
        let script = Script::new(Vec::new(), Tail::Cut, breaker, call);
        ReplyBody::Torn(half, bytes.len() as u64, Box::new(script))
    } else if turn.behaviour.truncate {
        ReplyBody::Whole(half, Some(call))
    } else {
        ReplyBody::Whole(bytes, Some(call))
    };
    reply(StatusCode::OK, JSON, body)
}

fn stream(endpoint: Endpoint, turn: &Turn<'_>, breaker: Arc<Breaker>, call: Call) -> Response<ReplyBody> {
    let mut steps = Steps::new(turn.behaviour);
    let family = endpoint.family();
    let error = error::midstream(turn.behaviour, family);
    let name = match endpoint {
        Endpoint::Messages => {
            anthropic::stream(turn, &mut steps);
            Some("error")
        }
        Endpoint::Responses => {
            responses::stream(turn, &mut steps);
            Some("error")
        }
        Endpoint::Completions => {
            completions::stream(turn, &mut steps);
            None
        }
        _ => {
            chat::stream(turn, &mut steps);
            None
        }
    };
    let error = if endpoint == Endpoint::Responses {
        r#"{"type":"error","code":"server_error","message":"The server had an error in the middle of the answer.","param":null,"sequence_number":9999}"#
    } else {
        &error
    };
    call.streams();
    let (list, tail) = steps.finish(turn.behaviour, (name, error));
    let mut script = Script::new(list, tail, breaker, call);
    script.split = turn.behaviour.split;
    script.flush = turn.behaviour.flush || turn.behaviour.split.is_some();
    script.stamp = turn.behaviour.stamp;
    reply(StatusCode::OK, SSE, ReplyBody::Script(Box::new(script)))
}

fn usage(ask: &Ask<'_>, behaviour: &Behaviour, text: &Text) -> Usage {
    if behaviour.nousage {
        return Usage::Silent;
    }
    if let Some(lie) = behaviour.lieusage {
        return Usage::Lie(lie);
    }
    Usage::Told(behaviour.usage.unwrap_or_else(|| {
        let reasoning = if behaviour.reasoning { words(chat::THOUGHT) } else { 0 };
        let each = if behaviour.tools {
            chat::CALLS.iter().map(|(_, _, arguments)| words(arguments)).sum()
        } else {
            text.words()
        };
        let completion = (each + reasoning) * u64::from(ask.choices());
        Counts { prompt: ask.words(), completion, reasoning, ..Counts::default() }
    }))
}

/// The deployment's name in a path of Azure's form.
fn deployment(path: &str) -> Option<String> {
    let (_, rest) = path.split_once("/deployments/")?;
    let (name, _) = rest.split_once('/')?;
    Some(control::decode(name))
}

fn reply(status: StatusCode, kind: HeaderValue, body: ReplyBody) -> Response<ReplyBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn failed(status: u16, message: &str, code: Option<&str>, family: Family, call: Call) -> Response<ReplyBody> {
    let sequence = call.sequence;
    let json = error::told(status, message, code, family);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let response = reply(status, JSON, ReplyBody::Whole(json.into(), Some(call)));
    with_headers(response, &Behaviour::default(), family, sequence)
}

fn refused(status: u16, behaviour: &Behaviour, family: Family, call: Call) -> Response<ReplyBody> {
    let sequence = call.sequence;
    let json = error::asked(status, behaviour, family);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = reply(status, JSON, ReplyBody::Whole(json.into(), Some(call)));
    if let Some(seconds) = behaviour.retry {
        response.headers_mut().insert("retry-after", seconds.into());
    }
    if let Some(milliseconds) = behaviour.retryms {
        response.headers_mut().insert("retry-after-ms", milliseconds.into());
    }
    with_headers(response, behaviour, family, sequence)
}

fn with_headers(
    mut response: Response<ReplyBody>,
    behaviour: &Behaviour,
    family: Family,
    sequence: u64,
) -> Response<ReplyBody> {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::try_from(format!("req_fake{sequence:010}")) {
        headers.insert(if family == Family::Anthropic { "request-id" } else { "x-request-id" }, id);
    }
    if behaviour.ratelimit {
        let figures: [(&'static str, &'static str); 6] = match family {
            Family::OpenAi => [
                ("x-ratelimit-limit-requests", "10000"),
                ("x-ratelimit-remaining-requests", "9999"),
                ("x-ratelimit-reset-requests", "6ms"),
                ("x-ratelimit-limit-tokens", "2000000"),
                ("x-ratelimit-remaining-tokens", "1999000"),
                ("x-ratelimit-reset-tokens", "1m30s"),
            ],
            Family::Anthropic => [
                ("anthropic-ratelimit-requests-limit", "1000"),
                ("anthropic-ratelimit-requests-remaining", "999"),
                ("anthropic-ratelimit-requests-reset", "2030-01-01T00:00:00Z"),
                ("anthropic-ratelimit-tokens-limit", "400000"),
                ("anthropic-ratelimit-tokens-remaining", "399000"),
                ("anthropic-ratelimit-tokens-reset", "2030-01-01T00:00:00Z"),
            ],
        };
        for (name, value) in figures {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prefix_serves() {
        for (path, endpoint) in [
            ("/v1/chat/completions", Some(Endpoint::Chat)),
            ("/openai/deployments/gpt-4o/chat/completions", Some(Endpoint::Chat)),
            ("/v1beta/openai/chat/completions", Some(Endpoint::Chat)),
            ("/chat/completions/", Some(Endpoint::Chat)),
            ("/v1/completions", Some(Endpoint::Completions)),
            ("/v1/messages/count_tokens", Some(Endpoint::CountTokens)),
            ("/v1/models/meta/llama:7b", Some(Endpoint::Models)),
            ("/v1/files", None),
        ] {
            assert_eq!(Endpoint::of(path), endpoint, "{path}");
        }
        assert_eq!(deployment("/openai/deployments/a%21cut/embeddings").as_deref(), Some("a!cut"));
    }
}
