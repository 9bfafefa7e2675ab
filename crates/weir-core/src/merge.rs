//! Merging the pieces in which protocols send a span.
//!
//! Rule per field: a value beats absence; an update beats a create whatever their order of arrival (for `name` and
//! `start_us` the create wins); between equals the later stamp wins, then the greater value. Attributes merge key by
//! key. Invariant, property-tested: any permutation and repetition of the same writes gives the same span.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::span::Span;
use crate::time::Micros;

/// Whether a write opens a span or adds to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Rank {
    /// The write that starts the span, or carries it whole.
    #[serde(rename = "c")]
    Create,
    /// A later addition: an end, a patch.
    #[serde(rename = "u")]
    Update,
}

/// What decides between two values of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    /// Create or update.
    pub rank: Rank,
    /// When the client last updated it, or when it arrived.
    pub at: Micros,
}

/// One write of a span, whole or in part.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanWrite {
    /// The fields it carries.
    pub span: Span,
    /// Its weight against other writes of the same span.
    pub stamp: Stamp,
}

impl SpanWrite {
    /// A write that carries the whole span.
    #[must_use]
    pub fn create(span: Span, at: Micros) -> Self {
        Self { span, stamp: Stamp { rank: Rank::Create, at } }
    }

    /// A write that adds to a span.
    #[must_use]
    pub fn update(span: Span, at: Micros) -> Self {
        Self { span, stamp: Stamp { rank: Rank::Update, at } }
    }
}

/// The stamps of a merged span's fields, where they differ from the base. Keyed by field name, attributes as `a.<key>`.
pub type FieldStamps = BTreeMap<String, Stamp>;

/// A span with what is needed to merge further writes into it.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// The fields so far.
    pub span: Span,
    /// The stamp of every field that has none of its own.
    pub base: Stamp,
    /// The stamps that differ.
    pub own: FieldStamps,
}

impl From<SpanWrite> for Merged {
    fn from(write: SpanWrite) -> Self {
        Self { span: write.span, base: write.stamp, own: FieldStamps::new() }
    }
}

impl Merged {
    /// Merges another write of the same span.
    pub fn apply(&mut self, write: SpanWrite) {
        let SpanWrite { span: new, stamp } = write;
        let Self { span: old, base, own } = self;
        let base = *base;

        macro_rules! field {
            ($name:ident) => {
                if let Some(value) = new.$name {
                    let key = stringify!($name);
                    let wins = match &old.$name {
                        None => true,
                        Some(current) => {
                            let held = own.get(key).copied().unwrap_or(base);
                            beats(key, stamp, held, || compare(&value, current))
                        }
                    };
                    if wins {
                        old.$name = Some(value);
                        set(own, key, stamp, base);
                    }
                }
            };
        }
        for_each_span_field!(field);

        for (name, value) in new.attributes {
            let key = format!("a.{name}");
            let wins = match old.attributes.get(&name) {
                None => true,
                Some(current) => {
                    let held = own.get(&key).copied().unwrap_or(base);
                    beats("", stamp, held, || value.cmp(current))
                }
            };
            if wins {
                old.attributes.insert(name, value);
                set(own, &key, stamp, base);
            }
        }
    }
}

/// Merges writes of one span; `None` when there are none.
#[must_use]
pub fn merge(writes: impl IntoIterator<Item = SpanWrite>) -> Option<Merged> {
    let mut writes = writes.into_iter();
    let mut merged = Merged::from(writes.next()?);
    for write in writes {
        merged.apply(write);
    }
    Some(merged)
}

fn set(own: &mut FieldStamps, key: &str, stamp: Stamp, base: Stamp) {
    if stamp == base {
        own.remove(key);
    } else {
        own.insert(key.to_owned(), stamp);
    }
}

fn beats(field: &str, new: Stamp, held: Stamp, values: impl Fn() -> Ordering) -> bool {
    let rank = match field {
        "name" | "start_us" => held.rank.cmp(&new.rank),
        _ => new.rank.cmp(&held.rank),
    };
    rank.then(new.at.cmp(&held.at)).then_with(values) == Ordering::Greater
}

/// A total order on values of one type, needed only between equal stamps; their JSON text serves every type.
fn compare<T: Serialize>(a: &T, b: &T) -> Ordering {
    match (serde_json::to_string(a), serde_json::to_string(b)) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        _ => Ordering::Equal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::Status;
    use proptest::prelude::*;

    fn write() -> impl Strategy<Value = SpanWrite> {
        let text = || proptest::option::of("[a-c]{0,2}");
        (
            (text(), text(), proptest::option::of(0i64..4), proptest::option::of(0i64..4)),
            proptest::option::of(proptest::sample::select(Status::ALL)),
            proptest::collection::btree_map("[xy]", "[0-9]", 0..3),
            any::<bool>(),
            0i64..3,
        )
            .prop_map(|((name, error, start_us, end_us), status, attributes, update, at)| {
                let span = Span { name, error, start_us, end_us, status, attributes, ..Span::default() };
                let rank = if update { Rank::Update } else { Rank::Create };
                SpanWrite { span, stamp: Stamp { rank, at } }
            })
    }

    proptest! {
        #[test]
        fn any_order_and_repetition_gives_the_same_span(
            writes in proptest::collection::vec(write(), 1..6),
            order in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let once = merge(writes.clone()).unwrap().span;
            let mut shuffled: Vec<_> = order.iter().map(|i| i.get(&writes).clone()).collect();
            shuffled.extend(writes.iter().rev().cloned());
            prop_assert_eq!(merge(shuffled).unwrap().span, once);
        }
    }

    #[test]
    fn an_update_beats_a_create_that_comes_later_but_not_its_name_and_start() {
        let end = Span { name: Some("end".into()), error: Some("late".into()), start_us: Some(9), ..Span::default() };
        let start = Span { name: Some("start".into()), error: Some("no".into()), start_us: Some(1), ..Span::default() };
        let merged = merge([SpanWrite::update(end, 1), SpanWrite::create(start, 2)]).unwrap().span;
        assert_eq!(merged.name.as_deref(), Some("start"));
        assert_eq!(merged.start_us, Some(1));
        assert_eq!(merged.error.as_deref(), Some("late"));
    }
}
