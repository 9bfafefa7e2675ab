//! The folder of prompt files: `<name>/<version>.jinja2` (or `.j2`, `.mustache`). Read whole; a link in it is followed
//! only to what stands in the folder too, which is how Kubernetes mounts a `ConfigMap`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use weir_core::prompt::{PromptContent, PromptDefaults, PromptRole, PromptVersion, TemplateBody, TemplateFormat};
use weir_core::prompt::{TemplateMessage, is_name};

use super::file::{Body, MAX_BYTES, PromptFile, Role, Section, format_of};
use super::set::LATEST;
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

/// A file of which no prompt came.
#[derive(Debug)]
pub(super) struct Broken {
    /// What is wrong, with the file's path.
    pub(super) problem: String,
    /// The name and the version that it would be.
    pub(super) place: Option<(String, String)>,
}

/// What tells whether something in the folder has changed: path, size and time of change of each file.
pub(super) type Stamp = Vec<(String, u64, Option<SystemTime>)>;

/// The files of the folder. A folder that is not there has none.
pub(super) fn stamp(dir: &Path) -> Stamp {
    let mut found = Stamp::new();
    let Ok(root) = dir.canonicalize() else { return found };
    for (prompt, _) in entries(dir, &root).filter(|(_, meta)| meta.is_dir()) {
        for (file, meta) in entries(&prompt, &root).filter(|(_, meta)| meta.is_file()) {
            if found.len() >= MAX_FILES {
                break;
            }
            found.push((file.display().to_string(), meta.len(), meta.modified().ok()));
        }
    }
    found.sort();
    found
}

/// What stands in a folder, hidden things (those of editors, and the ones behind a `ConfigMap`'s links) left out.
fn entries(dir: &Path, root: &Path) -> impl Iterator<Item = (PathBuf, fs::Metadata)> {
    fs::read_dir(dir).into_iter().flatten().flatten().filter_map(move |entry| {
        let path = entry.path();
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let linked = entry.file_type().ok()?.is_symlink();
        let inside = || path.canonicalize().is_ok_and(|target| target.starts_with(root));
        let taken = !hidden && (!linked || inside());
        let meta = taken.then(|| fs::metadata(&path).ok()).flatten()?;
        Some((path, meta))
    })
}

/// Reads the files of a stamp.
pub(super) fn read(files: &Stamp) -> (Vec<FilePrompt>, Vec<Broken>) {
    let (mut prompts, mut broken) = (Vec::new(), Vec::new());
    for (path, size, changed) in files {
        let file = Path::new(path);
        // A README, an editor's copy.
        let Some(format) = file.file_name().and_then(|n| n.to_str()).and_then(format_of) else { continue };
        let place = place(file);
        let read = place.clone().ok_or_else(|| {
            "a prompt's folder and file are named with letters, digits, dots, dashes and underscores".to_owned()
        });
        match read.and_then(|place| read_one(file, format, place, *size, *changed)) {
            Ok(prompt) => prompts.push(prompt),
            Err(problem) => broken.push(Broken { problem: format!("{path}: {problem}"), place }),
        }
    }
    (prompts, broken)
}

/// The name and the version that a path tells.
fn place(path: &Path) -> Option<(String, String)> {
    let name_of = |part: &std::ffi::OsStr| part.to_str().filter(|s| is_name(s)).map(str::to_owned);
    Some((name_of(path.parent()?.file_name()?)?, name_of(path.file_stem()?)?))
}

fn read_one(
    path: &Path,
    format: Format,
    (name, version): (String, String),
    size: u64,
    changed: Option<SystemTime>,
) -> Result<FilePrompt, String> {
    if size > MAX_BYTES as u64 {
        return Err(format!("it is larger than {MAX_BYTES} bytes"));
    }
    let text = fs::read_to_string(path).map_err(|e| e.to_string())?;
    // The set is built anew for other reasons too, and then a file may be half written.
    let now = fs::metadata(path).map_err(|e| e.to_string())?;
    if (now.len(), now.modified().ok()) != (size, changed) {
        return Err("it is being changed, and is looked at again when it is not".to_owned());
    }
    let parsed = PromptFile::parse(format, &text).map_err(|e| e.to_string())?;
    if let Some(label) = parsed.labels.iter().find(|label| !is_name(label) || **label == LATEST) {
        return Err(format!(
            "{label:?} cannot be a label: letters, digits, dots, dashes, underscores, and not {LATEST:?}"
        ));
    }
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
    Ok(FilePrompt {
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
    })
}

fn role_of(role: Role) -> PromptRole {
    match role {
        Role::System => PromptRole::System,
        Role::User => PromptRole::User,
        Role::Assistant => PromptRole::Assistant,
        Role::Messages => PromptRole::Messages,
    }
}
