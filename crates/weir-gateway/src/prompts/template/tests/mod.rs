//! Renderings against Python's Jinja2 and the Mustache specification, errors, and properties.

mod errors;
mod jinja2_cases;
mod mustache;
mod properties;

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{Format, Limits, Sources, Template, TemplateError};

/// Sources from a table; messages call them `<name>@v1`.
impl Sources for HashMap<String, String> {
    fn source(&self, name: &str) -> Option<(String, String)> {
        self.get(name).map(|text| (format!("{name}@v1"), text.clone()))
    }
}

fn table(sources: &[(&str, &str)]) -> HashMap<String, String> {
    sources.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other} is not an object"),
    }
}

fn render(format: Format, source: &str, sources: &[(&str, &str)], variables: Value) -> Result<String, TemplateError> {
    Template::compile(format, "main@v2", source, &table(sources), Limits::default())?.render(&object(variables))
}

#[test]
fn a_template_renders_on_any_thread() {
    fn sendable<T: Send + Sync + 'static>() {}
    sendable::<Template>();
}
