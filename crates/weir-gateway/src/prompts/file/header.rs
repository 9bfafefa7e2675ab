//! The header of a prompt file: `key: value` lines.

use super::{FileError, Role};
use crate::prompts::template::Format;

/// The keys that a header may have.
const KEYS: [&str; 9] =
    ["kind", "role", "format", "model", "temperature", "max_tokens", "description", "message", "labels"];
/// The line around a header.
const FENCE: &str = "---";

/// What a header says.
#[derive(Default)]
pub(super) struct Header {
    pub(super) chat: bool,
    pub(super) role: Option<Role>,
    pub(super) format: Option<Format>,
    pub(super) model: Option<String>,
    pub(super) temperature: Option<f64>,
    pub(super) max_tokens: Option<u32>,
    pub(super) description: Option<String>,
    pub(super) message: Option<String>,
    pub(super) labels: Vec<String>,
}

/// The lines of the header, the body, and the lines before the body.
pub(super) fn split(file: &str) -> Result<(&str, &str, usize), FileError> {
    let file = file.strip_prefix('\u{feff}').unwrap_or(file);
    let mut lines = file.split_inclusive('\n');
    let Some(first) = lines.next().filter(|line| line.trim_end() == FENCE) else { return Ok(("", file, 0)) };
    let (start, mut end) = (first.len(), first.len());
    for (number, line) in lines.enumerate() {
        if line.trim_end() == FENCE {
            let header = file.get(start..end).unwrap_or_default();
            return Ok((header, file.get(end + line.len()..).unwrap_or_default(), number + 2));
        }
        end += line.len();
    }
    Err(FileError::new(1, "the header is not closed: end it with a line \"---\""))
}

impl Header {
    /// Reads the lines between the fences.
    pub(super) fn parse(text: &str) -> Result<Self, FileError> {
        let mut header = Self::default();
        let mut seen = Vec::new();
        let mut role_line = 0;
        for (index, line) in text.lines().enumerate() {
            // The first line of the file is the fence.
            let number = index + 2;
            if line.trim().is_empty() || line.trim_start().starts_with('#') {
                continue;
            }
            let Some((key, value)) = line.split_once(':') else {
                return Err(FileError::new(number, format!("\"{}\" is not a \"key: value\" line", line.trim())));
            };
            let (key, value) = (key.trim(), unquoted(value.trim()));
            let Some(known) = KEYS.into_iter().find(|known| *known == key) else {
                return Err(FileError::new(number, unknown(key)));
            };
            if seen.contains(&known) {
                return Err(FileError::new(number, format!("{known} is set twice")));
            }
            seen.push(known);
            if known == "role" {
                role_line = number;
            }
            header.set(known, value).map_err(|message| FileError::new(number, message))?;
        }
        if header.chat && header.role.is_some() {
            return Err(FileError::new(role_line, "role is for kind: text; a chat names its roles in its sections"));
        }
        Ok(header)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let bad = |wanted: &str| format!("{key} must be {wanted}, not \"{value}\"");
        let text = || (!value.is_empty()).then(|| value.to_owned()).ok_or_else(|| format!("{key} has no value"));
        match key {
            "kind" => {
                self.chat = match value {
                    "text" => false,
                    "chat" => true,
                    _ => return Err(bad("text or chat")),
                }
            }
            "role" => {
                self.role = match value {
                    "user" => Some(Role::User),
                    "system" => Some(Role::System),
                    _ => return Err(bad("user or system")),
                }
            }
            "format" => {
                self.format = match value {
                    "jinja2" => Some(Format::Jinja2),
                    "mustache" => Some(Format::Mustache),
                    _ => return Err(bad("jinja2 or mustache")),
                }
            }
            "model" => self.model = Some(text()?),
            "description" => self.description = Some(text()?),
            "message" => self.message = Some(text()?),
            "temperature" => {
                let number = value.parse::<f64>().ok().filter(|number| (0.0..=2.0).contains(number));
                self.temperature = Some(number.ok_or_else(|| bad("a number from 0 to 2"))?);
            }
            "max_tokens" => {
                let number = value.parse::<u32>().ok().filter(|number| *number > 0);
                self.max_tokens = Some(number.ok_or_else(|| bad("a whole number above 0"))?);
            }
            _ => {
                for label in value.trim_start_matches('[').trim_end_matches(']').split(',') {
                    let label = unquoted(label.trim());
                    if label.is_empty() {
                        return Err(bad("names with commas between them"));
                    }
                    self.labels.push(label.to_owned());
                }
            }
        }
        Ok(())
    }
}

/// A value without the quotes around it.
fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote)) {
            return inner;
        }
    }
    value
}

/// What to say of an unknown key: the nearest known one.
fn unknown(key: &str) -> String {
    let nearest = KEYS
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(key, known), known))
        .min()
        .filter(|(distance, _)| *distance <= 3 && key.len() <= 64);
    match nearest {
        Some((_, known)) => format!("unknown key \"{key}\"; did you mean \"{known}\"?"),
        None => format!("unknown key \"{key}\"; known are {}", KEYS.join(", ")),
    }
}
