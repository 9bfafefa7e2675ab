//! Reading the table's rows.

use std::borrow::Cow;

use serde_json::Value;
use weir_core::span::Attributes;

use super::metadata::Metadata;
use super::pool::Pool;
use super::read;
use super::table::Source;
use crate::otlp::wire::AnyValue;

/// A span's attributes while they are being mapped, and what Weir made of them.
pub(super) struct Mapping {
    pub(super) pool: Pool,
    pub(super) metadata: Metadata,
    /// Whether MLflow's SDK made the span: its parameters have bare names.
    pub(super) is_mlflow: bool,
    /// Attributes under Weir's own names.
    derived: Attributes,
}

impl Mapping {
    pub(super) fn new(mut pool: Pool, scope: &str) -> Self {
        let metadata = Metadata::gather(&mut pool);
        let is_mlflow = scope.starts_with("mlflow") || pool.has_under("mlflow.");
        Self { pool, metadata, is_mlflow, derived: Attributes::new() }
    }

    /// What a source says.
    pub(super) fn value(&self, source: Source) -> Option<Cow<'_, AnyValue>> {
        match source {
            Source::Attr(name) => self.pool.get(name).map(Cow::Borrowed),
            Source::Mlflow(name) => self.pool.get(name).filter(|_| self.is_mlflow).map(Cow::Borrowed),
            Source::Meta(name) => self.metadata.get(name).map(Cow::Owned),
            Source::Json(name, path) => {
                let entry = self.pool.find(name)?;
                let found = match &entry.value {
                    AnyValue::Map(_) => walk(&read::to_json(&entry.value), path).map(read::of_json),
                    _ => walk(entry.json()?, path).map(read::of_json),
                };
                found.map(Cow::Owned)
            }
        }
    }

    /// The first of these that can be read. It, and those that say the same, go into the details.
    pub(super) fn first<T: PartialEq>(
        &mut self,
        sources: &[Source],
        read: impl Fn(&AnyValue) -> Option<T>,
    ) -> Option<T> {
        let mut won = None;
        for source in sources {
            let Some(said) = self.value(*source).and_then(|value| read(&value)) else { continue };
            if won.as_ref().is_none_or(|won| *won == said) {
                if let Source::Attr(name) | Source::Mlflow(name) | Source::Json(name, _) = source {
                    self.pool.consume(name);
                }
                won = Some(said);
            }
        }
        won
    }

    /// The first of these that is a text.
    pub(super) fn text(&mut self, sources: &[Source]) -> Option<String> {
        self.first(sources, read::text)
    }

    /// Gives the span an attribute under a name of Weir's. An attribute that was sent under that name goes into the
    /// details.
    pub(super) fn derive(&mut self, name: &str, json: String) {
        self.pool.consume(name);
        self.derived.insert(name.to_owned(), json);
    }

    /// The same with a text.
    pub(super) fn derive_text(&mut self, name: &str, text: &str) {
        self.derive(name, serde_json::to_string(text).unwrap_or_default());
    }

    /// Whether the span was given an attribute of that name.
    pub(super) fn has_derived(&self, name: &str) -> bool {
        self.derived.contains_key(name)
    }

    /// What nobody read, what Weir made, and what is for the details.
    pub(super) fn finish(self) -> (Attributes, Attributes, crate::otlp::wire::Attributes) {
        let (open, details) = self.pool.finish();
        (open, self.derived, details)
    }
}

fn walk<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, name| value.get(name)).filter(|value| !value.is_null())
}
