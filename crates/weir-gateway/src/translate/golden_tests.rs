//! Runs every folder of `golden/`: what goes in, what must come out.
//!
//! A case holds `request.in.json`, `response.in.json`, `stream.in.sse`, those that apply, with their `.out` beside, and
//! perhaps `options.json`: the options by name, `created`, `input_tokens`, and `exact`, the list of parts whose text
//! must agree byte by byte. A refused request's `.out` is the error that the client sees. `WEIR_BLESS=1` rewrites.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{TranslateError, chat_to_messages as c2m, messages_to_chat as m2c};

pub(super) fn root() -> PathBuf {
    let own = env!("CARGO_MANIFEST_DIR");
    if own.ends_with("weir-gateway") {
        return Path::new(own).join("golden");
    }
    PathBuf::from(std::env::var("WEIR_GOLDEN_DIR").expect("WEIR_GOLDEN_DIR outside of the gateway's crate"))
}

fn cases(direction: &str) -> Vec<Case> {
    let mut folders: Vec<PathBuf> =
        fs::read_dir(root().join(direction)).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    assert!(folders.len() >= 12, "only {} cases of {direction}", folders.len());
    folders.into_iter().map(Case::read).collect()
}

struct Case {
    folder: PathBuf,
    options: Value,
}

impl Case {
    fn read(folder: PathBuf) -> Self {
        let options = fs::read(folder.join("options.json")).map(|text| serde_json::from_slice(&text).unwrap());
        Self { folder, options: options.unwrap_or(Value::Null) }
    }

    fn flag(&self, name: &str) -> bool {
        self.options[name] == true
    }

    fn input(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.folder.join(name)).ok()
    }

    /// Compares, or rewrites.
    fn check(&self, part: &str, extension: &str, actual: &[u8]) {
        let path = self.folder.join(format!("{part}.out.{extension}"));
        let actual = std::str::from_utf8(actual).expect("output is UTF-8");
        let exact = self.options["exact"].as_array().is_some_and(|parts| parts.iter().any(|name| name == part));
        if std::env::var_os("WEIR_BLESS").is_some() {
            let pretty =
                || serde_json::to_string_pretty(&serde_json::from_str::<Value>(actual).unwrap()).unwrap() + "\n";
            let text = if exact || extension == "sse" { actual.to_owned() } else { pretty() };
            return fs::write(&path, text).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        if exact {
            assert_eq!(actual.trim_end(), expected.trim_end(), "{}", path.display());
        } else if extension == "sse" {
            let (actual, expected) = (frames(actual), frames(&expected));
            for (at, (actual, expected)) in actual.iter().zip(&expected).enumerate() {
                assert_eq!(actual, expected, "{} frame {at}", path.display());
            }
            assert_eq!(actual.len(), expected.len(), "{}: {actual:#?}", path.display());
        } else {
            let value = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|e| panic!("{e}: {text}"));
            assert_eq!(value(actual), value(&expected), "{}\n{actual}", path.display());
        }
    }
}

/// Event name and data of each frame; data that is no JSON (`[DONE]`) as a string.
pub(super) fn frames(text: &str) -> Vec<(Option<String>, Value)> {
    let parse = |frame: &str| {
        let field = |name: &str| {
            frame.lines().find_map(|line| line.strip_prefix(name)).map(|text| text.trim_start().to_owned())
        };
        let data = field("data:").unwrap_or_default();
        (field("event:"), serde_json::from_str(&data).unwrap_or(Value::String(data)))
    };
    text.split("\n\n").filter(|frame| !frame.trim().is_empty()).map(parse).collect()
}

/// The events of a recorded stream, as the gateway's reader hands them over.
pub(super) fn events(text: &str) -> Vec<(Option<&str>, &str)> {
    text.split("\n\n")
        .filter(|frame| !frame.trim().is_empty())
        .map(|frame| {
            let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name)).map(str::trim_start);
            (field("event:"), field("data:").unwrap_or_default())
        })
        .collect()
}

fn shown(result: Result<Vec<u8>, TranslateError>, error: impl Fn(&TranslateError) -> Vec<u8>) -> Vec<u8> {
    result.unwrap_or_else(|refusal| error(&refusal))
}

#[test]
fn chat_to_messages() {
    for case in cases("chat_to_messages") {
        let opts = c2m::RequestOptions {
            model: "claude-upstream",
            default_max_tokens: case.options["default_max_tokens"].as_u64(),
            drop_params: case.flag("drop_params"),
            native_json_schema: case.flag("native_json_schema"),
            native_effort: case.flag("native_effort"),
        };
        let mut ctx = c2m::RequestContext::default();
        if let Some(body) = case.input("request.in.json") {
            let result = c2m::request_with_context(&body, &opts);
            assert_eq!(c2m::request(&body, &opts), result.clone().map(|(body, _)| body));
            ctx = result.as_ref().map(|(_, ctx)| ctx.clone()).unwrap_or_default();
            case.check("request", "json", &shown(result.map(|(body, _)| body), TranslateError::to_openai));
        }
        ctx.created = 1_700_000_000;
        if let Some(body) = case.input("response.in.json") {
            case.check("response", "json", &shown(c2m::response(&body, &ctx), TranslateError::to_openai));
        }
        if let Some(text) = case.input("stream.in.sse") {
            let mut out = Vec::new();
            let mut stream = c2m::Stream::new(ctx);
            for (name, data) in events(std::str::from_utf8(&text).unwrap()) {
                stream.event(name, data.as_bytes(), &mut out);
            }
            stream.end(&mut out);
            assert!(stream.is_finished());
            case.check("stream", "sse", &out);
        }
    }
}

#[test]
fn messages_to_chat() {
    for case in cases("messages_to_chat") {
        let opts = m2c::RequestOptions {
            model: "gpt-upstream",
            drop_params: case.flag("drop_params"),
            max_completion_tokens: case.flag("max_completion_tokens"),
            reasoning_effort: case.flag("reasoning_effort"),
            keep_thinking: case.flag("keep_thinking"),
            keep_cache_control: case.flag("keep_cache_control"),
        };
        let mut ctx = m2c::RequestContext::default();
        if let Some(body) = case.input("request.in.json") {
            let result = m2c::request_with_context(&body, &opts);
            assert_eq!(m2c::request(&body, &opts), result.clone().map(|(body, _)| body));
            ctx = result.as_ref().map(|(_, ctx)| ctx.clone()).unwrap_or_default();
            case.check("request", "json", &shown(result.map(|(body, _)| body), |error| error.to_anthropic("req_1")));
        }
        ctx.input_tokens = case.options["input_tokens"].as_u64().unwrap_or(7);
        if let Some(body) = case.input("response.in.json") {
            case.check("response", "json", &shown(m2c::response(&body, &ctx), |error| error.to_anthropic("req_1")));
        }
        if let Some(text) = case.input("stream.in.sse") {
            let mut out = Vec::new();
            let mut stream = m2c::Stream::new(ctx);
            for (name, data) in events(std::str::from_utf8(&text).unwrap()) {
                stream.event(name, data.as_bytes(), &mut out);
            }
            stream.end(&mut out);
            assert!(stream.is_finished());
            case.check("stream", "sse", &out);
        }
    }
}
