//! Content blocks: texts, images and documents become parts.

use std::fmt;

use super::super::error::TranslateError;
use super::super::json::{self, Members, Object};
use super::RequestOptions;

/// How deep blocks may stand in blocks: a tool's result, a document in it, its text.
const MAX_DEPTH: u8 = 3;

/// Where in the request a member stands.
#[derive(Clone, Copy)]
pub(super) struct At {
    /// `None` is `system`.
    message: Option<usize>,
    part: Option<usize>,
    nested: Option<usize>,
    depth: u8,
}

impl At {
    /// The system prompt.
    pub(super) fn system() -> Self {
        Self { message: None, part: None, nested: None, depth: 0 }
    }

    /// A message.
    pub(super) fn message(message: usize) -> Self {
        Self { message: Some(message), ..Self::system() }
    }

    /// A block there; a block of a block when one is already told. Deeper ones are told by their parent's place.
    pub(super) fn part(self, index: usize) -> Self {
        let depth = self.depth.saturating_add(1);
        match self.depth {
            0 => Self { part: Some(index), depth, ..self },
            1 => Self { nested: Some(index), depth, ..self },
            _ => Self { depth, ..self },
        }
    }

    /// The path of a member there.
    pub(super) fn member(self, name: &str) -> String {
        format!("{self}.{name}")
    }
}

impl From<At> for String {
    fn from(at: At) -> Self {
        at.to_string()
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.message, self.part) {
            (Some(message), Some(part)) => write!(f, "messages[{message}].content[{part}]"),
            (Some(message), None) => write!(f, "messages[{message}]"),
            (None, Some(part)) => write!(f, "system[{part}]"),
            (None, None) => f.write_str("system"),
        }?;
        self.nested.map_or(Ok(()), |nested| write!(f, ".content[{nested}]"))
    }
}

/// One part of content.
pub(super) enum Part<'a> {
    /// Text, as a string token, with its cache mark where the upstream takes one.
    Text { token: &'a str, mark: Option<&'a str> },
    /// A part as JSON.
    Json(Vec<u8>),
}

impl<'a> Part<'a> {
    /// The string token of text.
    pub(super) fn as_text(&self) -> Option<&'a str> {
        match self {
            Self::Text { token, .. } => Some(token),
            Self::Json(_) => None,
        }
    }

    /// Reads one block. One block can become several parts: a document made of blocks.
    pub(super) fn read(token: &'a str, at: At, opts: &RequestOptions<'_>) -> Result<Vec<Self>, TranslateError> {
        let block = Members::of(token).unwrap_or_default();
        let mark = block.get("cache_control").filter(|_| opts.keep_cache_control);
        match block.text("type").as_deref() {
            Some("text") => match block.string("text") {
                Some("\"\"") => Ok(Vec::new()),
                Some(token) => Ok(vec![Self::Text { token, mark }]),
                None => Err(TranslateError::invalid(at.member("text"), "expected a string")),
            },
            Some("image") => match image(&block, mark) {
                Some(part) => Ok(vec![part]),
                None => unsupported(at.member("source"), opts),
            },
            Some("document") => document(&block, mark, at, opts),
            None => Err(TranslateError::invalid(at.member("type"), "expected a string")),
            Some(_) => unsupported(at.to_string(), opts),
        }
    }
}

/// The content of a message, of the system prompt, of a tool result.
pub(super) fn parts<'a>(content: &'a str, at: At, opts: &RequestOptions<'_>) -> Result<Vec<Part<'a>>, TranslateError> {
    if content.starts_with('"') {
        return Ok(vec![Part::Text { token: content, mark: None }]);
    }
    let Some(items) = json::elements(content) else {
        return Err(TranslateError::invalid(at, "expected a string or an array of blocks"));
    };
    let mut parts = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        parts.extend(Part::read(item.get(), at.part(index), opts)?);
    }
    Ok(parts)
}

/// Appends content: one text alone as a string, which every server takes, anything else as parts.
pub(super) fn write_content(out: &mut Vec<u8>, parts: &[Part<'_>]) {
    if let [Part::Text { token, mark: None }] = parts {
        out.extend_from_slice(token.as_bytes());
        return;
    }
    out.push(b'[');
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        match part {
            Part::Json(json) => out.extend_from_slice(json),
            Part::Text { token, mark } => {
                let mut object = Object::begin(&mut *out);
                object.text("type", "text");
                object.token("text", token);
                object.maybe("cache_control", *mark);
                object.end();
            }
        }
    }
    out.push(b']');
}

fn unsupported<'a>(member: String, opts: &RequestOptions<'_>) -> Result<Vec<Part<'a>>, TranslateError> {
    if opts.drop_params { Ok(Vec::new()) } else { Err(TranslateError::Unsupported { member }) }
}

/// A `data:` URL as a string token, from the string tokens of a base64 source.
fn data_url(source: &Members<'_>) -> Option<Vec<u8>> {
    let media_type = json::inner(source.string("media_type")?);
    let data = json::inner(source.string("data")?);
    let mut url = Vec::with_capacity(data.len() + 64);
    for piece in ["\"data:", media_type, ";base64,", data, "\""] {
        url.extend_from_slice(piece.as_bytes());
    }
    Some(url)
}

fn image<'a>(block: &Members<'_>, mark: Option<&str>) -> Option<Part<'a>> {
    let source = block.object("source")?;
    let url = match source.text("type")?.as_ref() {
        "base64" => data_url(&source)?,
        "url" => source.string("url")?.as_bytes().to_vec(),
        _ => return None,
    };
    let mut out = Vec::with_capacity(url.len() + 64);
    let mut part = Object::begin(&mut out);
    part.text("type", "image_url");
    let mut image = Object::begin(part.key("image_url"));
    image.key("url").extend_from_slice(&url);
    image.end();
    part.maybe("cache_control", mark);
    part.end();
    Some(Part::Json(out))
}

/// A PDF becomes a file, a plain text or a list of blocks becomes just that. URLs and uploaded files have no
/// equivalent.
fn document<'a>(
    block: &Members<'a>,
    mark: Option<&'a str>,
    at: At,
    opts: &RequestOptions<'_>,
) -> Result<Vec<Part<'a>>, TranslateError> {
    let title = block.string("title");
    let source = block.object("source").unwrap_or_default();
    match source.text("type").as_deref() {
        Some("base64") => {
            let Some(url) = data_url(&source) else {
                return Err(TranslateError::invalid(at.member("source"), "expected media_type and data"));
            };
            let mut out = Vec::with_capacity(url.len() + 96);
            let mut part = Object::begin(&mut out);
            part.text("type", "file");
            let mut file = Object::begin(part.key("file"));
            file.token("filename", title.unwrap_or(r#""document.pdf""#));
            file.key("file_data").extend_from_slice(&url);
            file.end();
            part.maybe("cache_control", mark);
            part.end();
            Ok(vec![Part::Json(out)])
        }
        Some("text") => {
            let data = source.string("data").map(|token| Part::Text { token, mark });
            let title = title.map(|token| Part::Text { token, mark: None });
            Ok(title.into_iter().chain(data).collect())
        }
        Some("content") => match source.get("content") {
            Some(content) if at.depth < MAX_DEPTH => parts(content, at, opts),
            _ => unsupported(at.member("source"), opts),
        },
        _ => unsupported(at.member("source"), opts),
    }
}
