//! The folder of prompt files: `<name>/<version>.jinja2` (or `.j2`, `.mustache`). Read whole; nothing in it is followed
//! out of it.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use weir_core::prompt::{PromptContent, PromptDefaults, PromptRole, PromptVersion, TemplateBody, TemplateFormat};
use weir_core::prompt::{TemplateMessage, is_name};

use super::file::{Body, MAX_BYTES, PromptFile, Role, Section, format_of};
use super::template::Format;

/// Most files that are looked at.
const MAX_FILES: usize = 10_000;

/// A version that stands in a file.
#[derive(Debug)]
pub(super) struct FilePrompt {
    pub(super) path: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) labels: Vec<String>,
    pub(super) version: PromptVersion,
    /// Lines of the file before each of its templates, so that mistakes are told by the file's lines.
    pub(super) lines_before: Vec<usize>,
}

/// What tells whether something in the folder has changed: path, size and time of change of each file.
pub(super) type Stamp = Vec<(String, u64, Option<SystemTime>)>;

/// The files of the folder. A folder that is not there has none.
pub(super) fn stamp(dir: &Path) -> Stamp {
    let mut found = Stamp::new();
    for prompt in entries(dir).filter(|entry| entry.file_type().is_ok_and(|t| t.is_dir())) {
        for file in entries(&prompt.path()).filter(|entry| entry.file_type().is_ok_and(|t| t.is_file())) {
            if found.len() >= MAX_FILES {
                break;
            }
            if let Ok(meta) = file.metadata() {
                found.push((file.path().display().to_string(), meta.len(), meta.modified().ok()));
            }
        }
    }
    found.sort();
    found
}

fn entries(dir: &Path) -> impl Iterator<Item = fs::DirEntry> {
    fs::read_dir(dir).into_iter().flatten().flatten()
}

/// Reads the files of a stamp. What cannot be read is a sentence in the second value.
pub(super) fn read(files: &Stamp) -> (Vec<FilePrompt>, Vec<String>) {
    let (mut prompts, mut problems) = (Vec::new(), Vec::new());
    for (path, size, changed) in files {
        match read_one(Path::new(path), *size, *changed) {
            Ok(Some(prompt)) => prompts.push(prompt),
            Ok(None) => {}
            Err(problem) => problems.push(format!("{path}: {problem}")),
        }
    }
    (prompts, problems)
}

fn read_one(path: &Path, size: u64, changed: Option<SystemTime>) -> Result<Option<FilePrompt>, String> {
    // A README, an editor's copy.
    let Some(format) = path.file_name().and_then(|n| n.to_str()).and_then(format_of) else { return Ok(None) };
    let name_of =
        |part: Option<&std::ffi::OsStr>| part.and_then(|s| s.to_str()).filter(|s| is_name(s)).map(str::to_owned);
    let wrong = "a prompt's folder and file are named with letters, digits, dots, dashes and underscores";
    let version = name_of(path.file_stem()).ok_or(wrong)?;
    let name = name_of(path.parent().and_then(Path::file_name)).ok_or(wrong)?;
    if size > MAX_BYTES as u64 {
        return Err(format!("it is larger than {MAX_BYTES} bytes"));
    }
    let text = fs::read_to_string(path).map_err(|e| e.to_string())?;
    let parsed = PromptFile::parse(format, &text).map_err(|e| e.to_string())?;
    let mut lines_before = Vec::new();
    let mut text_of = |section: Section| {
        lines_before.push(section.lines_before);
        section.text
    };
    let body = match parsed.body {
        Body::Text(section) => TemplateBody::Text { role: role_of(parsed.role), template: text_of(section) },
        Body::Chat(sections) => {
            let message = |(role, section)| TemplateMessage { role: role_of(role), content: text_of(section) };
            TemplateBody::Chat { messages: sections.into_iter().map(message).collect() }
        }
    };
    let format = match parsed.format {
        Format::Jinja2 => TemplateFormat::Jinja2,
        Format::Mustache => TemplateFormat::Mustache,
    };
    let created = changed.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    Ok(Some(FilePrompt {
        path: path.display().to_string(),
        name,
        description: parsed.description,
        labels: parsed.labels,
        version: PromptVersion {
            version,
            content: PromptContent { format, body },
            defaults: PromptDefaults {
                model: parsed.model,
                temperature: parsed.temperature,
                max_tokens: parsed.max_tokens.map(u64::from),
            },
            message: parsed.message,
            created_us: created.map_or(0, |age| i64::try_from(age.as_micros()).unwrap_or(0)),
        },
        lines_before,
    }))
}

fn role_of(role: Role) -> PromptRole {
    match role {
        Role::System => PromptRole::System,
        Role::User => PromptRole::User,
        Role::Assistant => PromptRole::Assistant,
        Role::Messages => PromptRole::Messages,
    }
}
