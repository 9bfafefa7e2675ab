//! The template engine of prompts: Jinja2 and Mustache, strict about undefined variables, bounded in everything.
//!
//! A template is compiled once and rendered many times, from any thread. Whatever a template says, compiling and
//! rendering it ends within its [`Limits`] with an error that names the prompt and the line; it can reach no file, no
//! network and no clock. What it includes is read when it is compiled, so that a compiled template never changes.
//! Nothing is escaped: a prompt is not HTML.
//!
//! [`jinja`] stands on minijinja, whose fuel bounds steps and the data they make. Fuel does not bound what one step
//! does to a value that is small in memory and huge when walked (`{% set x = [x, x] %}`, sixty times); [`instrument`]
//! finds the places where a template uses a value whole and [`guard`] weighs the value there.

mod error;
mod filters;
mod guard;
mod instrument;
mod jinja;
mod mustache;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Map, Value};

pub use error::TemplateError;

/// The language that a template is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Jinja2, as Python's Jinja2 with its defaults and without auto-escaping.
    Jinja2,
    /// Mustache: variables, sections, inverted sections, comments, partials, set delimiters, dotted names.
    Mustache,
}

/// What a template may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps of one rendering; 64 bytes of data that a rendering makes count as one step too.
    pub fuel: u64,
    /// Bytes of the rendered text.
    pub output: usize,
    /// Bytes of one source.
    pub source: usize,
    /// Templates that one template may reach by include, extends, import or partial, and itself.
    pub templates: usize,
}

impl Default for Limits {
    /// Enough for a prompt that fills the longest context of today; a hostile one ends in some 20 ms and 20 MiB.
    fn default() -> Self {
        Self { fuel: 200_000, output: 4 << 20, source: 1 << 20, templates: 64 }
    }
}

/// Where included templates come from. They are in the language of the template that includes them.
pub trait Sources: Send + Sync {
    /// The name to show in messages (`greet@v1.0`) and the text of the template that is called `name`.
    fn source(&self, name: &str) -> Option<(String, String)>;
}

/// No template but the one compiled.
impl Sources for () {
    fn source(&self, _name: &str) -> Option<(String, String)> {
        None
    }
}

/// A template, ready to render.
#[derive(Clone, Debug)]
pub struct Template {
    inner: Inner,
}

#[derive(Clone, Debug)]
enum Inner {
    Jinja(Arc<jinja::Jinja>),
    Mustache(Arc<mustache::Mustache>),
}

impl Template {
    /// Compiles `source` and everything that it includes.
    ///
    /// `name` (`assistant@v1.0`) is what messages call it.
    ///
    /// # Errors
    /// The source is not a template of that language, is larger than the limits, or includes what `sources` lacks.
    pub fn compile(
        format: Format,
        name: &str,
        source: &str,
        sources: &dyn Sources,
        limits: Limits,
    ) -> Result<Self, TemplateError> {
        let inner = match format {
            Format::Jinja2 => Inner::Jinja(Arc::new(jinja::Jinja::compile(name, source, sources, limits)?)),
            Format::Mustache => Inner::Mustache(Arc::new(mustache::Mustache::compile(name, source, sources, limits)?)),
        };
        Ok(Self { inner })
    }

    /// The text with its variables filled in.
    ///
    /// # Errors
    /// A variable that the template uses is not in `variables`, an operation does not fit its values, or a limit was
    /// met.
    pub fn render(&self, variables: &Map<String, Value>) -> Result<String, TemplateError> {
        self.render_counted(variables).map(|(text, _)| text)
    }

    /// The same, and the steps that it took: of what consists of several templates, the sum is to be bounded.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn render_counted(&self, variables: &Map<String, Value>) -> Result<(String, u64), TemplateError> {
        match &self.inner {
            Inner::Jinja(template) => template.render(variables),
            Inner::Mustache(template) => template.render(variables),
        }
    }

    /// The variables that the template and what it includes read from outside, as far as the text tells: also those
    /// that it uses only after asking whether they are defined.
    #[must_use]
    pub fn variables(&self) -> &BTreeSet<String> {
        match &self.inner {
            Inner::Jinja(template) => template.variables(),
            Inner::Mustache(template) => template.variables(),
        }
    }
}

/// What to say of a text that is longer than its bound.
pub(super) fn too_long(most: usize) -> String {
    format!("the rendered text is longer than {most} bytes; shorten what it is given, or raise prompts.max_output")
}
