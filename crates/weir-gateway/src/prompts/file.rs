//! The file form of a prompt: an optional header between two lines `---`, and a body.
//!
//! ```text
//! ---
//! kind: chat
//! model: gpt-4o-mini
//! temperature: 0.2
//! labels: production, staging
//! ---
//! {# system #}
//! You answer for {{ company }}.
//! {# messages #}
//! ```
//!
//! A file without a header is a text prompt for the user's turn. The body of a chat holds sections, each opened by a
//! comment of the template's language that names a role and stands alone on its line, so that the body stays a
//! template; `messages` is where the caller's conversation goes. A text keeps no line break at its start and end.

mod header;
#[cfg(test)]
mod tests;

use super::template::Format;

/// A file larger than this is no prompt.
pub const MAX_BYTES: usize = 1 << 20;

/// A prompt as a file has it.
#[derive(Clone, Debug, PartialEq)]
pub struct PromptFile {
    /// Whose turn a text prompt is: [`Role::System`] or [`Role::User`].
    pub role: Role,
    /// The language of the body.
    pub format: Format,
    /// The model to ask where the request names none.
    pub model: Option<String>,
    /// The temperature where the request has none.
    pub temperature: Option<f64>,
    /// The bound of the answer where the request has none.
    pub max_tokens: Option<u32>,
    /// What the prompt is for.
    pub description: Option<String>,
    /// What this version changed.
    pub message: Option<String>,
    /// The labels that point at this version.
    pub labels: Vec<String>,
    /// The template or templates.
    pub body: Body,
}

/// Who speaks in a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Instructions.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// Not a turn: the place of the caller's own messages. Its text is empty.
    Messages,
}

/// What a prompt renders to.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// One turn.
    Text(Section),
    /// A conversation, in order.
    Chat(Vec<(Role, Section)>),
}

/// A template in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The template.
    pub text: String,
    /// Lines of the file before it: what to shift the line of a [`TemplateError`](super::template::TemplateError) by.
    pub lines_before: usize,
}

/// Why a file is no prompt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct FileError {
    /// The line of the file, from 1.
    pub line: usize,
    /// What was wrong and what to change.
    pub message: String,
}

impl FileError {
    fn new(line: usize, message: impl Into<String>) -> Self {
        Self { line, message: message.into() }
    }
}

/// The language that a file's name tells: `.jinja2`, `.j2` or `.mustache`.
#[must_use]
pub fn format_of(name: &str) -> Option<Format> {
    match name.rsplit_once('.')?.1 {
        "jinja2" | "j2" => Some(Format::Jinja2),
        "mustache" => Some(Format::Mustache),
        _ => None,
    }
}

impl PromptFile {
    /// Reads a file whose name tells the language `format`.
    ///
    /// # Errors
    /// The header has an unknown key or a bad value, or the body of a chat does not start with a section.
    pub fn parse(format: Format, file: &str) -> Result<Self, FileError> {
        if file.len() > MAX_BYTES {
            return Err(FileError::new(1, format!("a prompt file has at most {MAX_BYTES} bytes")));
        }
        let (header, body, lines_before) = header::split(file)?;
        let header = header::Header::parse(header)?;
        let format = header.format.unwrap_or(format);
        let body =
            if header.chat { chat(format, body, lines_before)? } else { Body::Text(trimmed(body, lines_before)) };
        Ok(Self {
            role: header.role.unwrap_or(Role::User),
            format,
            model: header.model,
            temperature: header.temperature,
            max_tokens: header.max_tokens,
            description: header.description,
            message: header.message,
            labels: header.labels,
            body,
        })
    }
}

/// A text without the line breaks at its start and end.
fn trimmed(text: &str, lines_before: usize) -> Section {
    let start = text.strip_prefix("\r\n").or_else(|| text.strip_prefix('\n'));
    let lines_before = lines_before + usize::from(start.is_some());
    let text = start.unwrap_or(text);
    let text = text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text));
    Section { text: text.to_owned(), lines_before }
}

/// The role that a line opens a section for.
fn marker(format: Format, line: &str) -> Option<Role> {
    let (open, close) = match format {
        Format::Jinja2 => ("{#", "#}"),
        Format::Mustache => ("{{!", "}}"),
    };
    let name = line.trim().strip_prefix(open)?.strip_suffix(close)?.trim_matches(['-', '+']).trim();
    match name {
        "system" => Some(Role::System),
        "user" => Some(Role::User),
        "assistant" => Some(Role::Assistant),
        "messages" => Some(Role::Messages),
        _ => None,
    }
}

fn chat(format: Format, body: &str, lines_before: usize) -> Result<Body, FileError> {
    let example = match format {
        Format::Jinja2 => "{# system #}",
        Format::Mustache => "{{! system }}",
    };
    // The sections: role, where its text starts, and after how many lines.
    let mut open: Option<(Role, usize, usize)> = None;
    let mut sections = Vec::new();
    let close = |open: Option<(Role, usize, usize)>, end: usize, sections: &mut Vec<(Role, Section)>| {
        let Some((role, start, lines)) = open else { return Ok(()) };
        let text = body.get(start..end).unwrap_or_default();
        if role == Role::Messages {
            if let Some(at) = text.lines().position(|line| !line.trim().is_empty()) {
                let message = format!("the caller's messages stand here; start a section before this text ({example})");
                return Err(FileError::new(lines + at + 1, message));
            }
            sections.push((role, Section { text: String::new(), lines_before: lines }));
        } else {
            sections.push((role, trimmed(text, lines)));
        }
        Ok(())
    };
    let mut at = 0;
    for (number, line) in body.split_inclusive('\n').enumerate() {
        let number = lines_before + number + 1;
        if let Some(role) = marker(format, line) {
            close(open, at, &mut sections)?;
            open = Some((role, at + line.len(), number));
        } else if open.is_none() && !line.trim().is_empty() {
            let message = format!("a chat starts with a section, opened by a comment alone on its line: {example}");
            return Err(FileError::new(number, message));
        }
        at += line.len();
    }
    close(open, at, &mut sections)?;
    if sections.is_empty() {
        return Err(FileError::new(lines_before + 1, format!("a chat needs a section, such as {example}")));
    }
    if sections.iter().filter(|(role, _)| *role == Role::Messages).count() > 1 {
        let second = sections.iter().rev().find(|(role, _)| *role == Role::Messages);
        let line = second.map_or(1, |(_, section)| section.lines_before);
        return Err(FileError::new(line, "the caller's messages can stand in one place only"));
    }
    Ok(Body::Chat(sections))
}
