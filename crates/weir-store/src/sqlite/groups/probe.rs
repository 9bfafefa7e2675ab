//! A filter as a question to groups: may a row of this group match? Errs only towards yes.

use std::collections::{BTreeSet, HashMap};

use rusqlite::Connection;
use weir_core::filter::{Field, Filter, Op, Value};
use weir_core::span::{SpanKind, Status};

use super::super::filter::{id_bytes, text_holds};
use super::super::names::NameTexts;
use super::entry;
use super::field::{self, Shape};

/// The entries of one group, by field.
pub(in crate::sqlite) type Entries = HashMap<usize, Vec<u8>>;

/// The question.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::sqlite) enum Probe {
    Yes,
    No,
    All(Vec<Probe>),
    Any(Vec<Probe>),
    /// Some row has a value.
    Present(usize),
    /// Some row has none.
    Absent(usize),
    Member(usize, Vec<i64>),
    Hash(usize, u64),
    Compare(usize, Op, f64),
}

impl Probe {
    /// The question that a filter asks.
    pub(in crate::sqlite) fn compile(db: &Connection, filter: &Filter) -> rusqlite::Result<Self> {
        Ok(match filter {
            Filter::And(parts) => {
                let mut all = Vec::with_capacity(parts.len());
                for part in parts {
                    match Self::compile(db, part)? {
                        Self::Yes => {}
                        Self::No => return Ok(Self::No),
                        probe => all.push(probe),
                    }
                }
                if all.is_empty() { Self::Yes } else { Self::All(all) }
            }
            Filter::Or(parts) => {
                let mut any = Vec::with_capacity(parts.len());
                for part in parts {
                    match Self::compile(db, part)? {
                        Self::Yes => return Ok(Self::Yes),
                        Self::No => {}
                        probe => any.push(probe),
                    }
                }
                if any.is_empty() { Self::No } else { Self::Any(any) }
            }
            Filter::Not(_) => Self::Yes,
            Filter::Exists(of) => field::number(of).map_or(Self::Yes, |(number, _)| Self::Present(number)),
            Filter::Compare(of, op, value) => Self::comparison(db, of, *op, value)?,
        })
    }

    fn comparison(db: &Connection, of: &Field, op: Op, value: &Value) -> rusqlite::Result<Self> {
        let Some((number, shape)) = field::number(of) else { return Ok(Self::Yes) };
        Ok(match (shape, value) {
            (Shape::Members, Value::Text(wanted)) => match of {
                Field::Kind => {
                    let held = SpanKind::ALL.iter().filter(|k| text_holds(k.as_str(), op, wanted));
                    Self::Member(number, held.map(|k| k.number()).collect())
                }
                Field::Status => {
                    let held = Status::ALL.iter().filter(|s| text_holds(s.as_str(), op, wanted));
                    Self::Member(number, held.map(|s| s.number()).collect())
                }
                _ if op == Op::Eq => NameTexts::find(db, wanted)?.map_or(Self::No, |id| Self::Member(number, vec![id])),
                _ => Self::Present(number),
            },
            (Shape::Hashes, Value::Text(wanted)) if op == Op::Eq => match of {
                Field::SpanId => id_bytes(of, wanted).map_or(Self::No, |id| Self::Hash(number, entry::hash(&id))),
                _ => Self::Hash(number, entry::hash(wanted.as_bytes())),
            },
            (Shape::EachHash, Value::Text(wanted)) if op == Op::Eq => {
                Self::Hash(number, entry::hash(wanted.as_bytes()))
            }
            (Shape::Range, Value::Int(wanted)) => Self::Compare(number, op, *wanted as f64),
            (Shape::Range, Value::Float(wanted)) => Self::Compare(number, op, *wanted),
            (Shape::Hashes | Shape::EachHash, Value::Text(_)) => Self::Present(number),
            _ => Self::No,
        })
    }

    /// The fields whose entries it looks at.
    pub(in crate::sqlite) fn fields(&self, into: &mut BTreeSet<usize>) {
        match self {
            Self::Yes | Self::No => {}
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|p| p.fields(into)),
            Self::Present(field)
            | Self::Absent(field)
            | Self::Member(field, _)
            | Self::Hash(field, _)
            | Self::Compare(field, ..) => {
                into.insert(*field);
            }
        }
    }

    /// Whether a group of so many rows may hold a match.
    pub(in crate::sqlite) fn may_match(&self, entries: &Entries, rows: u64) -> bool {
        let held = |field: &usize| entries.get(field).map(Vec::as_slice);
        match self {
            Self::Yes => true,
            Self::No => false,
            Self::All(parts) => parts.iter().all(|p| p.may_match(entries, rows)),
            Self::Any(parts) => parts.iter().any(|p| p.may_match(entries, rows)),
            Self::Present(field) => held(field).is_some(),
            Self::Absent(field) => held(field).and_then(entry::read_range).is_none_or(|(count, ..)| count < rows),
            Self::Member(field, wanted) => held(field).is_some_and(|e| entry::may_hold_member(e, wanted)),
            Self::Hash(field, hash) => held(field).is_some_and(|e| entry::may_hold_hash(e, *hash)),
            Self::Compare(field, op, wanted) => held(field).is_some_and(|e| match entry::read_range(e) {
                Some((_, least, greatest)) => range_may_hold(least as f64, greatest as f64, *op, *wanted),
                None => true,
            }),
        }
    }
}

/// Conversion to `f64` is monotone, so rounding errs only towards yes.
fn range_may_hold(least: f64, greatest: f64, op: Op, wanted: f64) -> bool {
    match op {
        Op::Eq => least <= wanted && wanted <= greatest,
        Op::Ne => true,
        Op::Lt | Op::Le => least <= wanted,
        Op::Gt | Op::Ge => greatest >= wanted,
        Op::Contains => false,
    }
}
