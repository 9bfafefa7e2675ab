//! A version of a prompt, compiled: one template, or those of a chat.
//!
//! Invariant: the bounds of a template hold for all messages of a chat together.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use weir_core::prompt::{PromptRole, PromptVersion, TemplateBody, TemplateFormat, TemplateMessage};

use super::template::{Format, Limits, Sources, Template, TemplateError, too_long};

/// Most messages of a chat.
const MAX_MESSAGES: usize = 64;
/// After a rendering that takes longer, the next ones are kept off the threads that answer requests: so many.
const SLOW: Duration = Duration::from_millis(2);
const WARY: u32 = 64;

/// A version of a prompt, compiled.
pub struct Version {
    /// The prompt's name.
    pub name: String,
    /// As it is stored.
    pub record: PromptVersion,
    /// The hash of its content.
    pub hash: String,
    /// Whether it comes from a file.
    pub from_file: bool,
    body: Compiled,
    limits: Limits,
    variables: BTreeSet<String>,
    /// Renderings to be made beside the requests; 0 of nearly every template.
    wary: AtomicU32,
}

enum Compiled {
    Text(PromptRole, Part),
    Chat(Vec<(PromptRole, Option<Part>)>),
}

/// One template of a version, and the lines of its file before it.
struct Part {
    template: Template,
    lines_before: usize,
}

/// An error by the lines of the file, unless it is one of an included template.
fn told(error: TemplateError, called: &str, lines_before: usize) -> TemplateError {
    if error.template == called { error.shifted(lines_before) } else { error }
}

/// What a template made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rendered {
    /// One text, of the user or the system.
    Text(PromptRole, String),
    /// Messages in order; [`PromptRole::Messages`] stands where the caller's conversation goes.
    Chat(Vec<(PromptRole, String)>),
}

impl Rendered {
    /// All of it as one text: of several messages each under its role.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Text(_, text) => text.clone(),
            Self::Chat(messages) => {
                let part = |(role, text): &(PromptRole, String)| format!("{}: {text}", role.as_str());
                messages.iter().map(part).collect::<Vec<_>>().join("\n\n")
            }
        }
    }
}

impl Version {
    /// Compiles a version. `lines_before` holds, of one that stands in a file, the lines before each of its templates.
    ///
    /// # Errors
    /// The mistake in its template, with the line.
    pub fn compile(
        name: &str,
        record: PromptVersion,
        lines_before: &[usize],
        sources: &dyn Sources,
        limits: Limits,
    ) -> Result<Self, TemplateError> {
        let format = match record.content.format {
            TemplateFormat::Jinja2 => Format::Jinja2,
            TemplateFormat::Mustache => Format::Mustache,
        };
        let called = format!("{name}@{}", record.version);
        let compile = |n: usize, source: &str| {
            let lines_before = lines_before.get(n).copied().unwrap_or(0);
            let template = Template::compile(format, &called, source, sources, limits)
                .map_err(|error| told(error, &called, lines_before))?;
            Ok(Part { template, lines_before })
        };
        let body = match &record.content.body {
            TemplateBody::Text { role, template } => Compiled::Text(*role, compile(0, template)?),
            TemplateBody::Chat { messages } if messages.len() > MAX_MESSAGES => {
                let message = format!("a chat has at most {MAX_MESSAGES} messages, not {}", messages.len());
                return Err(TemplateError::new(called.clone(), None, message));
            }
            TemplateBody::Chat { messages } => {
                let message = |(n, m): (usize, &TemplateMessage)| match m.role {
                    PromptRole::Messages => Ok((m.role, None)),
                    role => compile(n, &m.content).map(|part| (role, Some(part))),
                };
                Compiled::Chat(messages.iter().enumerate().map(message).collect::<Result<_, _>>()?)
            }
        };
        let variables = match &body {
            Compiled::Text(_, part) => part.template.variables().clone(),
            Compiled::Chat(messages) => {
                let parts = messages.iter().filter_map(|(_, part)| part.as_ref());
                parts.flat_map(|part| part.template.variables()).cloned().collect()
            }
        };
        let (hash, wary) = (record.content.hash(), AtomicU32::new(0));
        Ok(Self { name: name.to_owned(), record, hash, from_file: false, body, limits, variables, wary })
    }

    /// Renders it.
    ///
    /// # Errors
    /// An undefined variable, or a bound: with the template's name and line.
    pub fn render(&self, variables: &Map<String, Value>) -> Result<Rendered, TemplateError> {
        let begun = Instant::now();
        let rendered = self.rendered(variables);
        let wary = self.wary.load(Ordering::Relaxed);
        if begun.elapsed() > SLOW {
            self.wary.store(WARY, Ordering::Relaxed);
        } else if wary > 0 {
            self.wary.store(wary - 1, Ordering::Relaxed);
        }
        rendered
    }

    /// Whether one of the last renderings took so long that the next one should not hold up other requests.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        self.wary.load(Ordering::Relaxed) > 0
    }

    fn rendered(&self, variables: &Map<String, Value>) -> Result<Rendered, TemplateError> {
        let called = || format!("{}@{}", self.name, self.record.version);
        let (mut steps, mut bytes) = (0_u64, 0_usize);
        let mut text = |part: &Part| {
            let done = part.template.render_counted(variables);
            let (text, took) = done.map_err(|error| told(error, &called(), part.lines_before))?;
            (steps, bytes) = (steps.saturating_add(took), bytes.saturating_add(text.len()));
            if steps > self.limits.fuel {
                let most = self.limits.fuel;
                let message =
                    format!("its messages together do too much work: they used up the {most} steps of one prompt");
                return Err(TemplateError::new(called(), None, message));
            }
            if bytes > self.limits.output {
                return Err(TemplateError::new(called(), None, too_long(self.limits.output)));
            }
            Ok(text)
        };
        match &self.body {
            Compiled::Text(role, part) => Ok(Rendered::Text(*role, text(part)?)),
            Compiled::Chat(messages) => {
                let message = |(role, part): &(PromptRole, Option<Part>)| {
                    Ok((*role, part.as_ref().map(&mut text).transpose()?.unwrap_or_default()))
                };
                Ok(Rendered::Chat(messages.iter().map(message).collect::<Result<_, _>>()?))
            }
        }
    }

    /// The variables that it reads, by name.
    #[must_use]
    pub fn variables(&self) -> &BTreeSet<String> {
        &self.variables
    }
}
