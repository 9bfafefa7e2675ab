//! A prompt applied to a request: which variables it gets, and where what it makes goes.
//!
//! A text prompt becomes the user's last turn (or the system's instructions) and leaves the rest of the conversation as
//! it is. A chat prompt becomes the messages; the caller's conversation goes where the template says, else the turns before
//! the user's last one go before the template's first turn of the user and those after it (calls of tools and what they
//! brought) go last, as does all of it where the template has no turn of the user.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::{Map, Value};
use weir_core::error::{Code, Error};
use weir_core::prompt::PromptRole;

use super::conversation::{self, Message};
use super::quoted;
use crate::exchange::envelope::Envelope;
use crate::prompts::template::TemplateError;
use crate::prompts::{Rendered, Version};
use crate::providers::Endpoint;

/// Largest metadata of a request with a prompt: as values it takes up to a hundred times the room.
const MAX_METADATA: usize = 1 << 20;

/// A request that a prompt is applied to.
pub(crate) struct Request<'a> {
    /// What is called.
    pub endpoint: Endpoint,
    /// Its body.
    pub envelope: &'a Envelope<'a>,
    /// Its labels, as variables.
    pub labels: Map<String, Value>,
}

/// Members of a body that get another value, in JSON.
pub(crate) type Members = Vec<(&'static str, String)>;

/// What a request brings to a template.
#[derive(Debug)]
pub(crate) struct Given {
    /// The variables that it sent.
    pub variables: Map<String, Value>,
    /// What the user said.
    pub user_message: String,
}

/// Reads what a request brings to a template.
///
/// # Errors
/// 400 for variables that are none.
pub(crate) fn given(endpoint: Endpoint, envelope: &Envelope<'_>) -> Result<Given, Error> {
    Ok(Given { variables: sent_variables(envelope)?, user_message: user_message(endpoint, envelope) })
}

/// Renders a prompt into a request: the members that it changes.
///
/// # Errors
/// 400 for a template that cannot be rendered with these variables, naming the variable, the template and the line, and
/// for a request that has no place for what it makes.
pub(crate) fn apply(version: &Version, request: &Request<'_>, given: Given) -> Result<Members, Error> {
    let mut all = own_variables(version, request, &given.user_message);
    all.extend(given.variables);
    // What the call is filed under is not for its text to change.
    all.extend(request.labels.clone());
    let rendered = version.render(&all).map_err(|e| refused(&e))?;
    let mut members = place(request, rendered)?;
    let defaults = &version.record.defaults;
    // The OpenAI clients cannot leave out the model; they can leave it empty.
    let missing =
        |names: &[&str]| names.iter().all(|name| request.envelope.get(name).is_none_or(|json| json == "\"\""));
    if let Some(model) = defaults.model.as_ref().filter(|_| missing(&["model"])) {
        members.push(("model", quoted(model)));
    }
    if let Some(temperature) = defaults.temperature.filter(|_| missing(&["temperature"])) {
        members.push(("temperature", Value::from(temperature).to_string()));
    }
    let bounds = ["max_tokens", "max_completion_tokens", "max_output_tokens"];
    if let Some(max) = defaults.max_tokens.filter(|_| missing(&bounds)) {
        let name = if request.endpoint == Endpoint::Responses { "max_output_tokens" } else { "max_tokens" };
        members.push((name, max.to_string()));
    }
    if let Some(metadata) = used_metadata(request.envelope) {
        members.push(("metadata", metadata));
    }
    Ok(members)
}

/// The request's metadata without the variables, which have served their purpose: providers refuse objects there, and
/// what a template does not say is not meant for them.
fn used_metadata(envelope: &Envelope<'_>) -> Option<String> {
    let metadata = Bytes::copy_from_slice(envelope.get("metadata")?.as_bytes());
    let members = Envelope::parse(&metadata).ok()?;
    members.get("variables")?;
    let mut edits = members.edit();
    edits.remove("variables");
    String::from_utf8(edits.apply(&metadata).to_vec()).ok()
}

fn refused(error: &TemplateError) -> Error {
    Error::invalid("metadata.variables", error.to_string())
}

/// `metadata.variables`: an object, or its JSON in a string (OpenAI's metadata holds only strings).
fn sent_variables(envelope: &Envelope<'_>) -> Result<Map<String, Value>, Error> {
    let wrong = || Error::invalid("metadata.variables", "\"metadata.variables\" must be an object of names and values");
    let Some(metadata) = envelope.get("metadata") else { return Ok(Map::new()) };
    if metadata.len() > MAX_METADATA {
        let message =
            format!("\"metadata\" with its variables is larger than {MAX_METADATA} bytes; send long texts as messages");
        return Err(Error::invalid("metadata.variables", message));
    }
    let mut metadata: Map<String, Value> = serde_json::from_str(metadata).map_err(|_| wrong())?;
    match metadata.remove("variables") {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(variables)) => Ok(variables),
        Some(Value::String(json)) => serde_json::from_str(&json).map_err(|_| wrong()),
        Some(_) => Err(wrong()),
    }
}

/// What every template knows. A label that the call does not have is undefined, not empty.
fn own_variables(version: &Version, request: &Request<'_>, user_message: &str) -> Map<String, Value> {
    let mut own = request.labels.clone();
    let reads = |name: &str| version.variables().contains(name);
    if let Some(model) = request.envelope.read::<String>("model", "a string").ok().flatten() {
        own.insert("model".to_owned(), model.into());
    }
    // A long conversation is read only for a template that looks at it.
    let messages = request.envelope.get("messages").filter(|_| reads("messages"));
    if let Some(messages) = messages.and_then(|json| serde_json::from_str(json).ok()) {
        own.insert("messages".to_owned(), messages);
    }
    own.insert("user_message".to_owned(), user_message.into());
    own.insert("prompt_name".to_owned(), version.name.as_str().into());
    own.insert("prompt_version".to_owned(), version.record.version.as_str().into());
    own
}

/// What the user said last.
fn user_message(endpoint: Endpoint, envelope: &Envelope<'_>) -> String {
    let text = |name: &str| envelope.get(name).and_then(|json| serde_json::from_str::<String>(json).ok());
    match endpoint {
        Endpoint::Chat | Endpoint::Messages => {
            let Some(Ok(messages)) = envelope.get("messages").map(conversation::messages) else { return String::new() };
            let last = conversation::last_user(&messages).map(|n| conversation::text_of(messages[n].raw.get()));
            last.unwrap_or_default()
        }
        Endpoint::Completions => text("prompt").unwrap_or_default(),
        Endpoint::Responses => match envelope.get("input").filter(|json| json.starts_with('[')) {
            None => text("input").unwrap_or_default(),
            Some(json) => {
                let items = conversation::messages(json).unwrap_or_default();
                let last = conversation::last_user(&items).map(|n| conversation::text_of(items[n].raw.get()));
                last.unwrap_or_default()
            }
        },
        Endpoint::Embeddings => String::new(),
    }
}

/// The members that carry what was rendered.
fn place(request: &Request<'_>, rendered: Rendered) -> Result<Members, Error> {
    let no_place = |what: &str| Error::new(Code::InvalidRequest, format!("a prompt cannot be used here: {what}"));
    let sent = || request.envelope.get("messages").map_or_else(|| Ok(Vec::new()), conversation::messages);
    match (request.endpoint, rendered) {
        (Endpoint::Embeddings, _) => Err(no_place("embeddings have no prompt")),
        (Endpoint::Completions, Rendered::Text(..))
            if request.envelope.get("prompt").is_some_and(|prompt| !prompt.starts_with('"')) =>
        {
            Err(no_place("\"prompt\" must be one text"))
        }
        (Endpoint::Completions, Rendered::Text(_, text)) => Ok(vec![("prompt", quoted(&text))]),
        (Endpoint::Completions, Rendered::Chat(_)) => {
            Err(no_place("completions take a text prompt, not a chat prompt"))
        }
        (Endpoint::Responses, Rendered::Text(PromptRole::System, text)) => {
            let own = request.envelope.get("instructions").and_then(|json| serde_json::from_str::<String>(json).ok());
            let all = own.map_or_else(|| text.clone(), |own| format!("{text}\n\n{own}"));
            Ok(vec![("instructions", quoted(&all))])
        }
        (Endpoint::Responses, rendered) => input(request.envelope.get("input"), rendered),
        (Endpoint::Chat, Rendered::Text(PromptRole::System, text)) => {
            let system = conversation::message(PromptRole::System, &text);
            let sent = sent()?;
            let rest = sent.iter().map(|m| m.raw.get().into());
            Ok(vec![("messages", list(std::iter::once(system.into()).chain(rest)))])
        }
        (Endpoint::Messages, Rendered::Text(PromptRole::System, text)) => {
            Ok(vec![("system", with_system(request.envelope, &text)?)])
        }
        (_, Rendered::Text(_, text)) => Ok(vec![("messages", with_user_turn(&sent()?, &text)?)]),
        (Endpoint::Chat, Rendered::Chat(template)) => {
            let sent = sent()?;
            let has_system = template.iter().any(|(role, _)| *role == PromptRole::System);
            let (system, turns): (Vec<_>, Vec<_>) = sent.iter().partition(|m| conversation::is_system(m));
            let kept = system.into_iter().filter(|_| !has_system).map(|m| Cow::from(m.raw.get()));
            Ok(vec![("messages", list(kept.chain(woven(&template, &turns))))])
        }
        (Endpoint::Messages, Rendered::Chat(template)) => {
            let sent = sent()?;
            let turns: Vec<_> = sent.iter().collect();
            let (system, rest): (Vec<_>, Vec<_>) =
                template.into_iter().partition(|(role, _)| *role == PromptRole::System);
            let mut members = vec![("messages", list(woven(&rest, &turns)))];
            if !system.is_empty() {
                let text = system.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("\n\n");
                members.push(("system", quoted(&text)));
            }
            Ok(members)
        }
    }
}

/// The `input` of the Responses API: a text, or a list of items.
fn input(sent: Option<&str>, rendered: Rendered) -> Result<Members, Error> {
    let text = sent.filter(|json| !json.starts_with('['));
    let items = match (sent, text) {
        (None, _) => "[]".to_owned(),
        (_, Some(text)) => format!("[{{\"role\":\"user\",\"content\":{text}}}]"),
        (Some(items), None) => items.to_owned(),
    };
    let items = conversation::messages(&items).map_err(|e| Error { param: Some("input".to_owned()), ..e })?;
    let input = match rendered {
        Rendered::Text(_, rendered) if sent.is_none() || text.is_some() => quoted(&rendered),
        Rendered::Text(_, rendered) => with_user_turn(&items, &rendered)?,
        Rendered::Chat(template) => {
            let has_system = template.iter().any(|(role, _)| *role == PromptRole::System);
            let (system, turns): (Vec<_>, Vec<_>) = items.iter().partition(|m| conversation::is_system(m));
            let kept = system.into_iter().filter(|_| !has_system).map(|m| Cow::from(m.raw.get()));
            list(kept.chain(woven(&template, &turns)))
        }
    };
    Ok(vec![("input", input)])
}

fn list<'a>(items: impl Iterator<Item = Cow<'a, str>>) -> String {
    let mut out = String::from("[");
    for (n, item) in items.enumerate() {
        if n > 0 {
            out.push(',');
        }
        out.push_str(&item);
    }
    out.push(']');
    out
}

/// The conversation with the user's last turn replaced, or added where there is none.
fn with_user_turn(sent: &[Message<'_>], text: &str) -> Result<String, Error> {
    let last = conversation::last_user(sent);
    let mut items: Vec<Cow<'_, str>> = sent.iter().map(|m| m.raw.get().into()).collect();
    match last {
        Some(n) => items[n] = conversation::with_text(sent[n].raw.get(), text)?.into(),
        None => items.push(conversation::message(PromptRole::User, text).into()),
    }
    Ok(list(items.into_iter()))
}

/// Anthropic's `system` with the rendered instructions before the caller's.
fn with_system(envelope: &Envelope<'_>, text: &str) -> Result<String, Error> {
    let block = serde_json::json!({"type": "text", "text": text});
    match envelope.get("system") {
        None => Ok(quoted(text)),
        Some(own) => match serde_json::from_str(own) {
            Ok(Value::String(own)) => Ok(quoted(&format!("{text}\n\n{own}"))),
            Ok(Value::Array(own)) => Ok(Value::Array(std::iter::once(block).chain(own).collect()).to_string()),
            _ => Err(Error::invalid("system", "\"system\" must be a text or a list of text blocks")),
        },
    }
}

/// The template's messages with the caller's conversation among them.
fn woven<'a>(template: &'a [(PromptRole, String)], turns: &[&Message<'a>]) -> impl Iterator<Item = Cow<'a, str>> {
    let raw = |turns: &[&Message<'a>]| turns.iter().map(|m| Cow::Borrowed(m.raw.get())).collect::<Vec<_>>();
    let marked = template.iter().any(|(role, _)| *role == PromptRole::Messages);
    let first_user = template.iter().position(|(role, _)| *role == PromptRole::User);
    let last = turns.iter().rposition(|m| m.role == "user").unwrap_or(turns.len());
    let mut out: Vec<Cow<'a, str>> = Vec::new();
    for (n, (role, text)) in template.iter().enumerate() {
        if *role == PromptRole::Messages {
            out.extend(raw(turns));
            continue;
        }
        if !marked && first_user == Some(n) {
            out.extend(raw(&turns[..last]));
        }
        out.push(conversation::message(*role, text).into());
    }
    if !marked {
        // What came after the user's turn, as a model's calls of tools and what they brought, goes on from there.
        let rest = if first_user.is_none() { 0 } else { (last + 1).min(turns.len()) };
        out.extend(raw(&turns[rest..]));
    }
    out.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(endpoint: Endpoint, body: &str, rendered: Rendered) -> String {
        let envelope = Envelope::parse(body.as_bytes()).unwrap();
        let request = Request { endpoint, envelope: &envelope, labels: Map::new() };
        let members = place(&request, rendered).unwrap();
        members.iter().map(|(name, json)| format!("{name}={json}")).collect::<Vec<_>>().join(" ")
    }

    const TALK: &str = r#"{"messages":[{"role":"system","content":"S"},{"role":"user","content":"one"},
        {"role":"assistant","content":"two"},{"role":"user","content":"three","name":"ann"}]}"#;

    fn chat(parts: &[(PromptRole, &str)]) -> Rendered {
        Rendered::Chat(parts.iter().map(|(role, text)| (*role, (*text).to_owned())).collect())
    }

    #[test]
    fn a_text_becomes_the_users_turn() {
        let text = |text: &str| Rendered::Text(PromptRole::User, text.into());
        assert_eq!(
            placed(Endpoint::Chat, TALK, text("3!")),
            r#"messages=[{"role":"system","content":"S"},{"role":"user","content":"one"},{"role":"assistant","content":"two"},{"role":"user","name":"ann","content":"3!"}]"#
        );
        assert_eq!(
            placed(Endpoint::Chat, r#"{"messages":[]}"#, text("hi \"x\"")),
            r#"messages=[{"role":"user","content":"hi \"x\""}]"#
        );
        let with_image = r#"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"u"}},{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}"#;
        assert_eq!(
            placed(Endpoint::Chat, with_image, text("c")),
            r#"messages=[{"role":"user","content":[{"type":"text","text":"c"},{"type":"image_url","image_url":{"url":"u"}}]}]"#
        );
        assert_eq!(placed(Endpoint::Completions, r#"{"prompt":"x"}"#, text("y")), r#"prompt="y""#);
        assert_eq!(placed(Endpoint::Responses, r#"{"input":"x"}"#, text("y")), r#"input="y""#);
    }

    #[test]
    fn a_text_can_be_instructions() {
        let text = || Rendered::Text(PromptRole::System, "Be kind".into());
        assert!(
            placed(Endpoint::Chat, TALK, text())
                .starts_with(r#"messages=[{"role":"system","content":"Be kind"},{"role":"system","content":"S"}"#)
        );
        assert_eq!(placed(Endpoint::Messages, r#"{"system":"S"}"#, text()), r#"system="Be kind\n\nS""#);
        assert_eq!(
            placed(Endpoint::Messages, r#"{"system":[{"type":"text","text":"S"}]}"#, text()),
            r#"system=[{"type":"text","text":"Be kind"},{"type":"text","text":"S"}]"#
        );
        assert_eq!(placed(Endpoint::Responses, r#"{"input":[]}"#, text()), r#"instructions="Be kind""#);
    }

    #[test]
    fn a_chat_takes_the_conversation_in() {
        use PromptRole::{Messages, System, User};
        let roles = |rendered| {
            let placed = placed(Endpoint::Chat, TALK, rendered);
            let list: Vec<Value> = serde_json::from_str(placed.strip_prefix("messages=").unwrap()).unwrap();
            list.iter().map(|m| m["content"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join("|")
        };
        assert_eq!(roles(chat(&[(System, "T"), (User, "Q: three")])), "T|one|two|Q: three");
        assert_eq!(roles(chat(&[(System, "T")])), "T|one|two|three");
        assert_eq!(roles(chat(&[(User, "Q: three")])), "S|one|two|Q: three", "the caller's instructions stay");
        assert_eq!(roles(chat(&[(System, "T"), (Messages, ""), (User, "go on")])), "T|one|two|three|go on");
        let with_tool = TALK.replace(
            "\"name\":\"ann\"}",
            "\"name\":\"ann\"},{\"role\":\"assistant\",\"content\":\"call\"},{\"role\":\"tool\",\"content\":\"got\"}",
        );
        let tools = placed(Endpoint::Chat, &with_tool, chat(&[(System, "T"), (User, "Q")]));
        assert!(tools.ends_with(r#"{"role":"user","content":"Q"},{"role":"assistant","content":"call"},{"role":"tool","content":"got"}]"#), "{tools}");
        let anthropic = placed(
            Endpoint::Messages,
            r#"{"messages":[{"role":"user","content":"a"}]}"#,
            chat(&[(System, "T"), (User, "b")]),
        );
        assert_eq!(anthropic, r#"messages=[{"role":"user","content":"b"}] system="T""#);
    }
}
