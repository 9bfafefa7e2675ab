//! Attributes as they are gathered.

use crate::otlp::wire::{AnyValue, Attributes};

/// What is said of a span so far. A name stands once: the first that says it counts.
#[derive(Debug, Default)]
pub(super) struct Said(Attributes);

impl Said {
    /// Says something.
    pub(super) fn put(&mut self, name: &str, value: impl Into<AnyValue>) {
        if !self.0.iter().any(|(said, _)| said == name) {
            self.0.push((name.to_owned(), value.into()));
        }
    }

    /// Says something, if there is something to say.
    pub(super) fn may_put(&mut self, name: &str, value: Option<impl Into<AnyValue>>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }

    /// Says a number of tokens or the like.
    pub(super) fn count(&mut self, name: &str, count: u64) {
        self.put(name, i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Says several texts.
    pub(super) fn list<'a>(&mut self, name: &str, texts: impl IntoIterator<Item = &'a String>) {
        self.put(name, AnyValue::List(texts.into_iter().map(|text| text.as_str().into()).collect()));
    }

    pub(super) fn into_attributes(self) -> Attributes {
        self.0
    }
}
