//! Content parts: texts, images and files become blocks.

use std::fmt;

use super::super::error::TranslateError;
use super::super::json::{self, Members, Object};
use super::RequestOptions;

/// Where in the request a member stands.
#[derive(Clone, Copy)]
pub(super) struct At {
    message: usize,
    part: Option<usize>,
}

impl At {
    /// A message.
    pub(super) fn message(message: usize) -> Self {
        Self { message, part: None }
    }

    fn part(self, part: usize) -> Self {
        Self { part: Some(part), ..self }
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
        write!(f, "messages[{}]", self.message)?;
        self.part.map_or(Ok(()), |part| write!(f, ".content[{part}]"))
    }
}

/// One block of content.
pub(super) enum Piece<'a> {
    /// Plain text, as a string token of the client's.
    Text(&'a str),
    /// A block as JSON.
    Json(Vec<u8>),
}

impl<'a> Piece<'a> {
    /// The string token of plain text.
    pub(super) fn as_text(&self) -> Option<&'a str> {
        match self {
            Self::Text(token) => Some(token),
            Self::Json(_) => None,
        }
    }
}

/// Appends an array of blocks.
pub(super) fn write_pieces<'p, 'a: 'p>(out: &mut Vec<u8>, pieces: impl Iterator<Item = &'p Piece<'a>>) {
    out.push(b'[');
    for (at, piece) in pieces.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        match piece {
            Piece::Text(token) => write_text_block(out, token, None),
            Piece::Json(block) => out.extend_from_slice(block),
        }
    }
    out.push(b']');
}

/// A text block as JSON.
pub(super) fn text_block<'a>(token: &str, cache_control: Option<&str>) -> Piece<'a> {
    let mut out = Vec::with_capacity(token.len() + 64);
    write_text_block(&mut out, token, cache_control);
    Piece::Json(out)
}

fn write_text_block(out: &mut Vec<u8>, token: &str, cache_control: Option<&str>) {
    let mut block = Object::begin(out);
    block.text("type", "text");
    block.token("text", token);
    block.maybe("cache_control", cache_control);
    block.end();
}

/// The content of a message. Blank texts are left out, Messages refuses them.
pub(super) fn parts<'a>(
    message: &Members<'a>,
    at: At,
    opts: &RequestOptions<'_>,
) -> Result<Vec<Piece<'a>>, TranslateError> {
    let Some(content) = message.get("content") else { return Ok(Vec::new()) };
    if content.starts_with('"') {
        // The mark of a message whose content is a string belongs to that string; a tool result carries its own.
        let mark = message.get("cache_control").filter(|_| message.get("tool_call_id").is_none());
        return Ok(text(content, mark).into_iter().collect());
    }
    let Some(items) = json::elements(content) else {
        return Err(TranslateError::invalid(at.member("content"), "expected a string or an array of parts"));
    };
    let mut pieces = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let at = at.part(index);
        let Some(item) = Members::of(item.get()) else {
            return Err(TranslateError::invalid(at, "expected an object"));
        };
        pieces.extend(part(&item, at, opts)?);
    }
    Ok(pieces)
}

fn text<'a>(token: &'a str, cache_control: Option<&str>) -> Option<Piece<'a>> {
    if json::is_blank(token) {
        return None;
    }
    Some(if cache_control.is_some() { text_block(token, cache_control) } else { Piece::Text(token) })
}

fn part<'a>(part: &Members<'a>, at: At, opts: &RequestOptions<'_>) -> Result<Option<Piece<'a>>, TranslateError> {
    let mark = part.get("cache_control");
    let kind = part.text("type").unwrap_or_default();
    match kind.as_ref() {
        "text" | "refusal" => match part.string(&kind) {
            Some(token) => Ok(text(token, mark)),
            None => Err(TranslateError::invalid(at.member(&kind), "expected a string")),
        },
        "image_url" => {
            let image = part.object("image_url").unwrap_or_default();
            // Some clients give the URL itself instead of an object.
            match image.text("url").or_else(|| part.text("image_url")) {
                Some(url) => Ok(Some(media(&url, "image", None, mark, &at.member("image_url.url"))?)),
                None => Err(TranslateError::invalid(at.member("image_url.url"), "expected a string")),
            }
        }
        "file" => file(&part.object("file").unwrap_or_default(), mark, at).map(Some),
        _ if opts.drop_params => Ok(None),
        _ => Err(TranslateError::Unsupported { member: at.to_string() }),
    }
}

fn file<'a>(file: &Members<'_>, mark: Option<&str>, at: At) -> Result<Piece<'a>, TranslateError> {
    let title = file.string("filename");
    if let Some(data) = file.text("file_data") {
        return media(&data, "document", title, mark, &at.member("file.file_data"));
    }
    let Some(id) = file.string("file_id") else {
        return Err(TranslateError::invalid(at.member("file"), "expected file_data or file_id"));
    };
    Ok(block("document", title, mark, |source| {
        source.text("type", "file");
        source.token("file_id", id);
    }))
}

/// A block from a URL; `data:` URLs carry their bytes.
fn media<'a>(
    url: &str,
    kind: &str,
    title: Option<&str>,
    mark: Option<&str>,
    path: &str,
) -> Result<Piece<'a>, TranslateError> {
    let Some(rest) = url.strip_prefix("data:") else {
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(TranslateError::invalid(path, "expected a data: URL or an https URL"));
        }
        return Ok(block(kind, title, mark, |source| {
            source.text("type", "url");
            source.text("url", url);
        }));
    };
    let Some((head, data)) = rest.split_once(',') else {
        return Err(TranslateError::invalid(path, "expected data:TYPE;base64,DATA"));
    };
    let Some(media_type) = head.strip_suffix(";base64") else {
        return Err(TranslateError::invalid(path, "expected base64 data"));
    };
    let media_type = media_type.split(';').next().unwrap_or_default();
    let (kind, media_type) = match media_type {
        "image/jpg" => ("image", "image/jpeg"),
        "image/jpeg" | "image/png" | "image/gif" | "image/webp" => ("image", media_type),
        "application/pdf" => ("document", media_type),
        _ => return Err(TranslateError::invalid(path, "expected a JPEG, PNG, GIF, WebP or PDF")),
    };
    let title = title.filter(|_| kind == "document");
    Ok(block(kind, title, mark, |source| {
        source.text("type", "base64");
        source.text("media_type", media_type);
        source.text("data", data);
    }))
}

fn block<'a>(
    kind: &str,
    title: Option<&str>,
    cache_control: Option<&str>,
    write_source: impl FnOnce(&mut Object<'_>),
) -> Piece<'a> {
    let mut out = Vec::new();
    let mut block = Object::begin(&mut out);
    block.text("type", kind);
    let mut source = Object::begin(block.key("source"));
    write_source(&mut source);
    source.end();
    block.maybe("title", title);
    block.maybe("cache_control", cache_control);
    block.end();
    Piece::Json(out)
}
