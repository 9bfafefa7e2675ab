//! A span's attributes while they are mapped: found by name and by prefix, each accounted for.
//!
//! Invariant: an attribute ends in exactly one place: among the span's attributes (nobody read it), in the details (it
//! was read, or is bulky), or as the span's input or output. Of a name that was sent twice the last one counts.

use std::cell::OnceCell;

use serde_json::Value;
use weir_core::span::Attributes as Filterable;

use super::super::wire::{AnyValue, Attributes};

/// Attributes longer than this as JSON go into the details: filters look through the others row by row.
const BULKY: usize = 2 << 10;
/// Most bytes of attributes that stay filterable.
const MAX_FILTERABLE: usize = 64 << 10;

/// Where an attribute ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Among the span's attributes, unless it is bulky.
    Open,
    /// In the details.
    Details,
    /// It became the input or the output.
    Moved,
}

/// One attribute.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) value: AnyValue,
    fate: Fate,
    json: OnceCell<Option<Value>>,
}

impl Entry {
    /// The JSON that its text holds: an object or a list. Parsed once.
    pub(super) fn json(&self) -> Option<&Value> {
        let text = self.value.as_text()?;
        let holds = || text.trim_ascii_start().starts_with(['{', '[']);
        self.json.get_or_init(|| holds().then(|| serde_json::from_str(text).ok()).flatten()).as_ref()
    }
}

/// All attributes of a span.
pub(super) struct Pool(Vec<Entry>);

impl Pool {
    pub(super) fn new(attributes: Attributes) -> Self {
        let entry = |(name, value)| Entry { name, value, fate: Fate::Open, json: OnceCell::new() };
        let mut entries: Vec<Entry> = attributes.into_iter().map(entry).collect();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        entries.dedup_by(|later, kept| {
            let same = later.name == kept.name;
            if same {
                std::mem::swap(later, kept);
            }
            same
        });
        Self(entries)
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.0.binary_search_by(|entry| entry.name.as_str().cmp(name)).ok()
    }

    /// The attribute of that name.
    pub(super) fn find(&self, name: &str) -> Option<&Entry> {
        self.place(name).and_then(|at| self.0.get(at)).filter(|entry| entry.fate != Fate::Moved)
    }

    /// The value of the attribute of that name.
    pub(super) fn get(&self, name: &str) -> Option<&AnyValue> {
        self.find(name).map(|entry| &entry.value)
    }

    /// The text of the attribute of that name, if it is one.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_text()
    }

    /// Whether there is an attribute of that name with anything in it.
    pub(super) fn says(&self, name: &str) -> bool {
        !matches!(self.get(name), None | Some(AnyValue::Empty)) && self.text(name) != Some("")
    }

    /// The attributes whose names begin so, in the order of their names.
    pub(super) fn under(&self, prefix: &str) -> &[Entry] {
        let from = self.0.partition_point(|entry| entry.name.as_str() < prefix);
        let rest = self.0.get(from..).unwrap_or_default();
        let count = rest.partition_point(|entry| entry.name.starts_with(prefix));
        rest.get(..count).unwrap_or_default()
    }

    /// Whether any attribute's name begins so.
    pub(super) fn has_under(&self, prefix: &str) -> bool {
        !self.under(prefix).is_empty()
    }

    /// The attribute was read: it goes into the details.
    pub(super) fn consume(&mut self, name: &str) {
        if let Some(entry) = self.place(name).and_then(|at| self.0.get_mut(at))
            && entry.fate == Fate::Open
        {
            entry.fate = Fate::Details;
        }
    }

    /// All attributes whose names begin so were read.
    pub(super) fn consume_under(&mut self, prefix: &str) {
        let from = self.0.partition_point(|entry| entry.name.as_str() < prefix);
        for entry in self.0.iter_mut().skip(from).take_while(|entry| entry.name.starts_with(prefix)) {
            if entry.fate == Fate::Open {
                entry.fate = Fate::Details;
            }
        }
    }

    /// Takes the value out; the attribute is then nowhere else.
    pub(super) fn take(&mut self, name: &str) -> Option<AnyValue> {
        let entry = self.place(name).and_then(|at| self.0.get_mut(at))?;
        if entry.fate == Fate::Moved {
            return None;
        }
        entry.fate = Fate::Moved;
        Some(std::mem::take(&mut entry.value))
    }

    /// What nobody read, and what is for the details.
    pub(super) fn finish(self) -> (Filterable, Attributes) {
        let (mut open, mut details) = (Filterable::new(), Attributes::new());
        let mut room = MAX_FILTERABLE;
        for Entry { name, value, fate, .. } in self.0 {
            let short = value.as_text().is_none_or(|text| text.len() <= BULKY);
            let json = (fate == Fate::Open && short).then(|| value.to_json());
            match json {
                Some(json) if json.len() <= BULKY && json.len() + name.len() <= room => {
                    room -= json.len() + name.len();
                    open.insert(name, json);
                }
                _ if fate == Fate::Moved => {}
                _ => details.push((name, value)),
            }
        }
        (open, details)
    }
}
