//! What was wrong with a template: where it stands and, for an undefined variable, which.

use std::{collections::HashMap, error::Error as _, fmt};

use minijinja::{Error, ErrorKind};

use super::instrument::{At, Item};

/// A template that the engine knows.
#[derive(Debug)]
pub(super) struct Known {
    /// What messages call it.
    pub(super) shown: String,
    /// Its expressions that the engine cannot name.
    pub(super) items: Vec<Item>,
}

/// Why a template could not be compiled or rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// The prompt, as messages call it: the included one where the fault is in an included one.
    pub template: String,
    /// The line in that prompt's text, from 1.
    pub line: Option<usize>,
    /// The undefined variable, with its path (`user.name`).
    pub variable: Option<String>,
    /// What was wrong and what to change.
    pub message: String,
}

impl TemplateError {
    pub(in crate::prompts) fn new(
        template: impl Into<String>,
        line: Option<usize>,
        message: impl Into<String>,
    ) -> Self {
        Self { template: template.into(), line, variable: None, message: message.into() }
    }

    pub(super) fn undefined(template: impl Into<String>, line: Option<usize>, variable: &str) -> Self {
        let message = format!("the variable \"{variable}\" is not defined; send it in metadata.variables");
        Self { template: template.into(), line, variable: Some(variable.to_owned()), message }
    }

    /// The same with its line counted from `lines` lines further up: of a text that is a part of a file.
    #[must_use]
    pub fn shifted(self, lines: usize) -> Self {
        Self { line: self.line.map(|line| line + lines), ..self }
    }

    /// An error of the engine while it was at `template`. `known` holds the templates by the engine's names.
    pub(super) fn from_engine(error: &Error, template: &str, known: &HashMap<String, Known>, fuel: u64) -> Self {
        // An error inside an included template is the cause of one at the place that includes it: the innermost one
        // that knows its place is where the fault is.
        let mut fault = error;
        let mut cause = error.source();
        let refused = cause.and_then(|cause| cause.downcast_ref::<At>()).map(|at| at.0);
        while let Some(inner) = cause.and_then(|inner| inner.downcast_ref::<Error>()) {
            if inner.line().is_some() || fault.line().is_none() {
                fault = inner;
            }
            cause = inner.source();
        }
        let known = fault.name().and_then(|name| known.get(name));
        let template = known.map_or(template, |known| known.shown.as_str());
        let line = refused.or(fault.line());
        let detail = fault.detail().unwrap_or_default();
        if let Some(variable) = undefined(detail) {
            let items = known.map_or(&[][..], |known| &known.items);
            return Self::undefined(template, line, &written(variable, line, items));
        }
        let message = match fault.kind() {
            ErrorKind::OutOfFuel => format!(
                "the template does too much work: it used up its {fuel} steps; look for loops that do not end and texts \
                 or lists that grow"
            ),
            kind if detail.is_empty() => kind.to_string(),
            ErrorKind::InvalidOperation | ErrorKind::TemplateNotFound => detail.to_owned(),
            kind => format!("{kind}: {detail}"),
        };
        Self::new(template, line, message)
    }
}

/// The variable that an error's detail calls undefined: the engine puts it in backquotes.
fn undefined(detail: &str) -> Option<&str> {
    let (before, _) = detail.rsplit_once("` is undefined")?;
    let (_, variable) = before.rsplit_once('`')?;
    Some(variable)
}

/// The variable as the source writes it, where the engine has `[...]` for a part that only a rendering knows.
fn written(variable: &str, line: Option<usize>, items: &[Item]) -> String {
    if !variable.contains("[...]") && !variable.contains("(...)") {
        return variable.to_owned();
    }
    let end = variable.rsplit_once(']').map_or("", |(_, end)| end);
    let fits =
        |item: &&Item| Some(item.line) == line && item.text.rsplit_once(']').is_some_and(|(_, last)| last == end);
    let mut texts: Vec<&str> = items.iter().filter(fits).map(|item| item.text.as_str()).collect();
    texts.sort_unstable();
    texts.dedup();
    if texts.is_empty() { variable.to_owned() } else { texts.join("\" or \"") }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "prompt \"{}\"", self.template)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for TemplateError {}
