use serde_json::{Map, Value};
use weir_core::prompt::{PromptRole, PromptVersion, TemplateBody, TemplateFormat};

use super::template::{Format, Limits, Sources, Template, TemplateError};

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
}

enum Compiled {
    Text(PromptRole, Template),
    Chat(Vec<(PromptRole, Option<Template>)>),
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
    /// Compiles a version.
    ///
    /// # Errors
    /// The mistake in its template, with the line.
    pub fn compile(
        name: &str,
        record: PromptVersion,
        from_file: bool,
        sources: &dyn Sources,
        limits: Limits,
    ) -> Result<Self, TemplateError> {
        let format = match record.content.format {
            TemplateFormat::Jinja2 => Format::Jinja2,
            TemplateFormat::Mustache => Format::Mustache,
        };
        let called = format!("{name}@{}", record.version);
        let compile = |source: &str| Template::compile(format, &called, source, sources, limits);
        let body = match &record.content.body {
            TemplateBody::Text { role, template } => Compiled::Text(*role, compile(template)?),
            TemplateBody::Chat { messages } => {
                let message = |m: &weir_core::prompt::TemplateMessage| match m.role {
                    PromptRole::Messages => Ok((m.role, None)),
                    role => compile(&m.content).map(|template| (role, Some(template))),
                };
                Compiled::Chat(messages.iter().map(message).collect::<Result<_, _>>()?)
            }
        };
        let hash = record.content.hash();
        Ok(Self { name: name.to_owned(), record, hash, from_file, body })
    }

    /// Renders it.
    ///
    /// # Errors
    /// An undefined variable, or a bound: with the template's name and line.
    pub fn render(&self, variables: &Map<String, Value>) -> Result<Rendered, TemplateError> {
        match &self.body {
            Compiled::Text(role, template) => Ok(Rendered::Text(*role, template.render(variables)?)),
            Compiled::Chat(messages) => {
                let message = |(role, template): &(PromptRole, Option<Template>)| {
                    let text = template.as_ref().map(|t| t.render(variables)).transpose()?;
                    Ok((*role, text.unwrap_or_default()))
                };
                Ok(Rendered::Chat(messages.iter().map(message).collect::<Result<_, _>>()?))
            }
        }
    }

    /// The variables that it needs, by name.
    #[must_use]
    pub fn variables(&self) -> Vec<String> {
        let mut all: Vec<String> = match &self.body {
            Compiled::Text(_, template) => template.variables().iter().cloned().collect(),
            Compiled::Chat(messages) => {
                messages.iter().filter_map(|(_, t)| t.as_ref()).flat_map(Template::variables).cloned().collect()
            }
        };
        all.sort();
        all.dedup();
        all
    }
}
