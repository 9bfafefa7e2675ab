//! Indexed names (`llm.input_messages.0.message.role`) as a tree.
//!
//! Invariant: a tree has no more nodes than the names have parts; an index is a key, never a length, so holes cost
//! nothing.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::pool::Pool;
use super::read;
use crate::otlp::wire::AnyValue;

/// Parts of a name that are told apart; the rest is one part.
const DEPTH: usize = 16;

/// What stands at one place, and below it.
#[derive(Default)]
pub(super) struct Node<'a> {
    value: Option<&'a AnyValue>,
    /// By index, ascending; indices need not be dense.
    items: BTreeMap<u64, Node<'a>>,
    /// By name.
    members: BTreeMap<&'a str, Node<'a>>,
}

impl<'a> Node<'a> {
    /// The tree of the attributes whose names begin so; the prefix ends in a dot.
    pub(super) fn under(pool: &'a Pool, prefix: &str) -> Self {
        let mut root = Self::default();
        for entry in pool.under(prefix) {
            let Some(path) = entry.name.strip_prefix(prefix) else { continue };
            let node = path.splitn(DEPTH, '.').fold(&mut root, |node, part| match part.parse::<u64>() {
                Ok(index) => node.items.entry(index).or_default(),
                Err(_) => node.members.entry(part).or_default(),
            });
            node.value = Some(&entry.value);
        }
        root
    }

    pub(super) fn is_empty(&self) -> bool {
        self.value.is_none() && self.items.is_empty() && self.members.is_empty()
    }

    /// What stands below a name; nothing where there is none.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.members.get(name)
    }

    /// What stands at a path of names.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, name| node.get(name))
    }

    /// The value of this place itself.
    pub(super) fn value(&self) -> Option<&'a AnyValue> {
        self.value
    }

    /// The value at a name as a text.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.get(name)?.value?.as_text()
    }

    /// The items, in the order of their indices.
    pub(super) fn items(&self) -> impl Iterator<Item = &Self> {
        self.items.values()
    }

    /// The members, in the order of their names.
    pub(super) fn members(&self) -> impl Iterator<Item = (&'a str, &Self)> {
        self.members.iter().map(|(name, node)| (*name, node))
    }

    /// The whole as JSON: items as a list, members as an object.
    pub(super) fn to_json(&self) -> Value {
        if !self.members.is_empty() {
            let named = self.members.iter().map(|(name, node)| ((*name).to_owned(), node.to_json()));
            let numbered = self.items.iter().map(|(index, node)| (index.to_string(), node.to_json()));
            return Value::Object(named.chain(numbered).collect::<Map<_, _>>());
        }
        if !self.items.is_empty() {
            return Value::Array(self.items.values().map(Node::to_json).collect());
        }
        self.value.map(read::to_json).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_keys_and_not_lengths() {
        let attributes =
            [("a.999999999.b", "far"), ("a.1.b", "near"), ("a.1.c.0", "x"), ("a.18446744073709551616.b", "no")];
        let pool = Pool::new(attributes.map(|(name, text)| (name.to_owned(), text.into())).into());
        let tree = Node::under(&pool, "a.");
        let texts: Vec<_> = tree.items().map(|item| item.text("b").unwrap()).collect();
        assert_eq!(texts, ["near", "far"]);
        assert_eq!(tree.items().next().unwrap().to_json().to_string(), r#"{"b":"near","c":["x"]}"#);
    }
}
