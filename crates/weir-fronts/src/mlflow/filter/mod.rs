//! MLflow's filter and order language, the same for everything that is searched. [`Vocabulary`] says what a search knows;
//! the parser makes conditions of `weir_core::query` of it.
//!
//! `clause { AND clause }`, a clause is `[entity.]key op value`, `... [NOT] IN ('a', 'b')` or `... IS [NOT] NULL`. The entity
//! ends at the first dot; keys may stand in backticks or double quotes. There is no OR and there are no parentheses.

mod lexer;
mod order;
mod parse;

pub(crate) use order::order;
pub(crate) use parse::conditions;

use weir_core::query::Target;

/// What a search knows.
pub(crate) struct Vocabulary {
    /// Fields that are named with an entity of `own`, or with none.
    pub(crate) fields: &'static [FieldName],
    /// Names of the entity itself: `attribute`, `attr`, `run`.
    pub(crate) own: &'static [&'static str],
    /// Collections with keys.
    pub(crate) collections: &'static [CollectionName],
    /// Things that are referred to: their entity's names, ours, and their fields.
    pub(crate) related: &'static [(&'static [&'static str], &'static str, &'static [&'static str])],
    /// What `(entity, key)` means where none of the above says it; `None` where it means nothing.
    pub(crate) special: fn(&str, &str) -> Option<(Target, Kind)>,
}

/// A field.
pub(crate) struct FieldName {
    /// How it may be called, the usual name first.
    pub(crate) names: &'static [&'static str],
    /// What it is called in queries.
    pub(crate) field: &'static str,
    pub(crate) kind: Kind,
    /// Whether a filter may name it.
    pub(crate) filters: bool,
    /// Whether an order may name it.
    pub(crate) orders: bool,
}

/// A collection.
pub(crate) struct CollectionName {
    /// How the entity may be called.
    pub(crate) names: &'static [&'static str],
    /// What it is called in queries.
    pub(crate) collection: &'static str,
    pub(crate) kind: Kind,
    /// Whether an order may name it.
    pub(crate) orders: bool,
}

/// What a value is compared with, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A quoted text: `= != LIKE ILIKE`.
    Text,
    /// The same, and IN, NOT IN.
    TextOrList,
    /// The same, and RLIKE.
    Pattern,
    /// A number: `= != < <= > >=`.
    Number,
    /// A text with `= != LIKE ILIKE` or IS [NOT] NULL.
    Entry,
    /// An entry that also takes RLIKE.
    PatternEntry,
    /// A text or a number, all operators, IS [NOT] NULL.
    Any,
    /// A text, `=` alone.
    Exact,
    /// A text, LIKE and ILIKE alone.
    Search,
}

/// For a search that has no special names.
pub(crate) fn nothing_special(_: &str, _: &str) -> Option<(Target, Kind)> {
    None
}

#[cfg(test)]
mod tests;
