//! Tool names that the upstream would refuse are replaced on the way out and restored on the way back.
//!
//! Both protocols allow letters, digits, `_` and `-`; they differ in the length.

use std::collections::{HashMap, HashSet};

/// The replaced names of one request: what the upstream sees, and what the client called it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolNames {
    originals: HashMap<String, String>,
}

impl ToolNames {
    /// The client's name for a tool that the upstream names.
    #[must_use]
    pub fn original<'a>(&'a self, wire: &'a str) -> &'a str {
        self.originals.get(wire).map_or(wire, String::as_str)
    }

    /// Whether no name was replaced, so that names can be copied unread.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.originals.is_empty()
    }
}

/// Gives out names while a request is translated.
pub(super) struct Namer {
    limit: usize,
    reserved: Option<&'static str>,
    taken: HashSet<String>,
    wires: HashMap<String, String>,
    names: ToolNames,
    next: u64,
}

impl Namer {
    /// `limit` is the longest name in bytes; `reserved` is a name the client may not use as it is.
    pub(super) fn new(limit: usize, reserved: Option<&'static str>) -> Self {
        Self {
            limit,
            reserved,
            taken: reserved.map(str::to_owned).into_iter().collect(),
            wires: HashMap::new(),
            names: ToolNames::default(),
            next: 2,
        }
    }

    /// Keeps a legal name for its owner, so that no replaced name collides with it. Call for all tools first.
    pub(super) fn reserve(&mut self, name: &str) {
        if self.is_legal(name) {
            self.taken.insert(name.to_owned());
        }
    }

    /// The name that the upstream sees.
    pub(super) fn wire<'a>(&'a mut self, name: &'a str) -> &'a str {
        if !self.wires.contains_key(name) {
            if self.is_legal(name) {
                return name;
            }
            let wire = self.unique(name);
            self.remember(name, wire);
        }
        self.wires.get(name).map_or(name, String::as_str)
    }

    /// What the answer needs.
    pub(super) fn finish(self) -> ToolNames {
        self.names
    }

    fn is_legal(&self, name: &str) -> bool {
        !name.is_empty() && self.reserved != Some(name) && name.len() <= self.limit && name.bytes().all(is_legal_byte)
    }

    fn unique(&mut self, name: &str) -> String {
        let legal = |c: char| if c.is_ascii() && is_legal_byte(c as u8) { c } else { '_' };
        let mut wire: String = name.chars().take(self.limit).map(legal).collect();
        if wire.is_empty() {
            wire.push_str("tool");
        }
        while self.taken.contains(&wire) {
            let suffix = format!("_{}", self.next);
            self.next += 1;
            wire.truncate(self.limit.saturating_sub(suffix.len()));
            wire.push_str(&suffix);
        }
        wire
    }

    fn remember(&mut self, name: &str, wire: String) {
        self.taken.insert(wire.clone());
        self.names.originals.insert(wire.clone(), name.to_owned());
        self.wires.insert(name.to_owned(), wire);
    }
}

fn is_legal_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}
