//! Answers to requests of nearly the same meaning: which requests can be compared, and the index of their embeddings.
//!
//! Compared is the text of the user's last message only. Everything else must be equal: tenant, namespace, endpoint,
//! model, parameters, and every message before it, the system's included; their digest is the scope. Invariants:
//! vectors have length 1, so that their product is the cosine; a scope's vectors stand in one block, so that finding
//! the nearest is one pass over memory; the number of vectors is bounded, the first to come goes first.

use std::collections::{HashMap, VecDeque};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::key::{self, Key, Scope};
use crate::exchange::envelope::{CowStr, Envelope};
use crate::providers::Endpoint;

/// Longest text that is compared; longer ones differ in more than an embedding can tell.
const MAX_TEXT: usize = 16 << 10;
/// Longest vector; no embedding model makes longer ones.
const MAX_DIMENSIONS: usize = 16_384;
/// Above that the wish is for different answers.
const MAX_TEMPERATURE: f64 = 1.0;
/// Members that make a request one that is never compared.
const REFUSED: &[&str] = &["tools", "functions", "audio", "modalities", "web_search_options", "prediction", "logprobs"];
/// Sums that are kept apart while multiplying, so that the processor works on them side by side.
const LANES: usize = 16;

/// What of a request is compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// The text to embed.
    pub text: String,
    /// Digest of all that must be equal.
    pub scope: Key,
}

/// What of a request is compared; `None` for one that only an equal one may answer. The embedding model is a part of
/// the scope, as vectors of two models cannot be compared.
#[must_use]
pub fn subject(scope: &Scope<'_>, envelope: &Envelope<'_>, embedding_model: &str) -> Option<Subject> {
    let member = match scope.endpoint {
        Endpoint::Chat | Endpoint::Messages => "messages",
        Endpoint::Responses => "input",
        Endpoint::Completions | Endpoint::Embeddings => return None,
    };
    let is_given = |name: &str| envelope.get(name).is_some_and(|value| !matches!(value, "[]" | "false"));
    if REFUSED.iter().any(|name| is_given(name)) {
        return None;
    }
    let number = |name: &str| envelope.get(name).map(|value| value.parse::<f64>().unwrap_or(f64::INFINITY));
    if number("temperature").is_some_and(|t| t > MAX_TEMPERATURE) || number("n").is_some_and(|n| n > 1.0) {
        return None;
    }
    let conversation = envelope.get(member)?;
    let (text, earlier) = if conversation.starts_with('"') {
        (serde_json::from_str(conversation).ok()?, Vec::new())
    } else {
        let mut messages: Vec<&RawValue> = serde_json::from_str(conversation).ok()?;
        let last = messages.pop()?;
        (last_turn(last.get())?, messages)
    };
    if text.trim().is_empty() || text.len() > MAX_TEXT {
        return None;
    }
    let variant = format!("{}\nembedding:{embedding_model}", scope.variant);
    let scope = key::digest(b's', &Scope { variant: &variant, ..*scope }, envelope, member, &earlier);
    Some(Subject { text, scope })
}

/// The text of a message that is the user's and holds nothing but text.
fn last_turn(message: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Message<'a> {
        #[serde(borrow)]
        role: CowStr<'a>,
        #[serde(borrow)]
        content: &'a RawValue,
        #[serde(default, rename = "type")]
        _type: Option<serde::de::IgnoredAny>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Part<'a> {
        #[serde(borrow, rename = "type")]
        kind: CowStr<'a>,
        #[serde(borrow)]
        text: CowStr<'a>,
        #[serde(default, rename = "cache_control")]
        _cache_control: Option<serde::de::IgnoredAny>,
    }
    let message: Message<'_> = serde_json::from_str(message).ok()?;
    if message.role.0 != "user" {
        return None;
    }
    let content = message.content.get();
    if content.starts_with('"') {
        return serde_json::from_str(content).ok();
    }
    let parts: Vec<Part<'_>> = serde_json::from_str(content).ok()?;
    let is_text = |part: &Part<'_>| matches!(&*part.kind.0, "text" | "input_text");
    let texts: Option<Vec<&str>> = parts.iter().map(|part| is_text(part).then_some(&*part.text.0)).collect();
    Some(texts?.join("\n"))
}

/// The vector of length 1 in the same direction; `None` when there is none.
#[must_use]
pub fn normalised(vector: &[f32]) -> Option<Vec<f32>> {
    if vector.is_empty() || vector.len() > MAX_DIMENSIONS {
        return None;
    }
    let length = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
    (length.is_finite() && length > 0.0).then(|| vector.iter().map(|x| (f64::from(*x) / length) as f32).collect())
}

/// The embeddings of what is in the cache.
#[derive(Debug)]
pub struct Index {
    groups: HashMap<Key, Group>,
    places: HashMap<Key, Place>,
    /// Keys in the order of their coming, with the number that tells a later coming of the same key.
    order: VecDeque<(Key, u64)>,
    next: u64,
    max_entries: usize,
}

/// The vectors of one scope, one after the other.
#[derive(Debug)]
struct Group {
    dimensions: usize,
    keys: Vec<Key>,
    values: Vec<f32>,
}

#[derive(Debug)]
struct Place {
    scope: Key,
    row: usize,
    number: u64,
}

impl Index {
    /// An empty index of that many vectors.
    #[must_use]
    pub fn new(max_entries: usize) -> Self {
        Self { groups: HashMap::new(), places: HashMap::new(), order: VecDeque::new(), next: 0, max_entries }
    }

    /// Vectors.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Whether an entry has a vector.
    #[must_use]
    pub fn contains(&self, key: &Key) -> bool {
        self.places.contains_key(key)
    }

    /// Adds the vector of an entry, in place of the one that it had. A vector of another length than its scope's
    /// others is left out.
    pub fn insert(&mut self, scope: Key, key: Key, vector: &[f32]) {
        self.remove(&key);
        if self.max_entries == 0 || vector.is_empty() {
            return;
        }
        let group = self.groups.entry(scope).or_insert_with(|| Group {
            dimensions: vector.len(),
            keys: Vec::new(),
            values: Vec::new(),
        });
        if group.dimensions != vector.len() {
            return;
        }
        let row = group.keys.len();
        group.keys.push(key);
        group.values.extend_from_slice(vector);
        self.next += 1;
        self.places.insert(key, Place { scope, row, number: self.next });
        self.order.push_back((key, self.next));
        self.shrink();
    }

    /// Removes the vector of an entry; whether it had one.
    pub fn remove(&mut self, key: &Key) -> bool {
        let Some(Place { scope, row, .. }) = self.places.remove(key) else { return false };
        let Some(group) = self.groups.get_mut(&scope) else { return true };
        let last = group.keys.len() - 1;
        group.keys.swap_remove(row);
        let (to, from) = (row * group.dimensions, last * group.dimensions);
        group.values.copy_within(from.., to);
        group.values.truncate(from);
        if let Some(moved) = group.keys.get(row).and_then(|key| self.places.get_mut(key)) {
            moved.row = row;
        }
        if group.keys.is_empty() {
            self.groups.remove(&scope);
        }
        true
    }

    /// Another bound.
    pub fn set_bound(&mut self, max_entries: usize) {
        self.max_entries = max_entries;
        self.shrink();
    }

    /// The nearest entry of a scope and its similarity, if that is at least the threshold. The vector is
    /// [`normalised`].
    #[must_use]
    pub fn best(&self, scope: &Key, vector: &[f32], threshold: f32) -> Option<(Key, f32)> {
        let group = self.groups.get(scope).filter(|group| group.dimensions == vector.len())?;
        let rows = group.values.chunks_exact(group.dimensions).zip(&group.keys);
        let (similarity, key) =
            rows.map(|(row, key)| (dot(row, vector), key)).max_by(|(a, _), (b, _)| a.total_cmp(b))?;
        // What rounding adds to equal vectors is no similarity.
        let similarity = similarity.min(1.0);
        (similarity >= threshold).then_some((*key, similarity))
    }

    fn shrink(&mut self) {
        while self.places.len() > self.max_entries {
            let Some((key, number)) = self.order.pop_front() else { return };
            if self.places.get(&key).is_some_and(|place| place.number == number) {
                self.remove(&key);
            }
        }
        // What was removed otherwise is still in the order.
        if self.order.len() > 2 * self.places.len() + 16 {
            let Self { order, places, .. } = self;
            order.retain(|(key, number)| places.get(key).is_some_and(|place| place.number == *number));
        }
    }
}

/// The product of two vectors of one length.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0_f32; LANES];
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
#[path = "semantic_tests.rs"]
mod tests;
