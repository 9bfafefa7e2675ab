//! Redaction of personal data and secrets, before a text is stored or sent on.
//!
//! Detectors are built by hand and stop only where something can be: at an `@`, at digits, at the word that a key
//! begins with. Invariants: what is found is replaced by its label whole, whatever punctuation surrounds it; the cost
//! is linear in the text, also on hostile text; redacting twice changes nothing more (the operator's own patterns
//! excepted, which may match a label); a JSON document stays valid and keeps its shape.
//!
//! What it cannot do: names, addresses and birthdays are not found, and a secret without a telling prefix is found only
//! where it is assigned to a telling name.

use std::borrow::Cow;
use std::collections::BTreeMap;

use regex::Regex;

use anchors::Anchors;
pub(crate) use apart::Apart;
use hits::{Hit, Label};
use json::{Decoded, Literal, Literals};

mod anchors;
mod apart;
mod assigned;
mod card;
mod chars;
mod digits;
mod email;
mod hits;
mod iban;
mod ip;
mod json;
mod keys;
mod pem;
mod personal;
mod phone;
mod probe;
mod secrets;

#[cfg(test)]
mod tests;

/// Times that a text is looked through again after something was replaced: a label makes a new edge, at which something
/// can begin that was part of a word before.
const PASSES: usize = 8;

/// No text with fewer bytes holds a secret: `pwd="a"` is one.
const SHORTEST_SECRET: usize = 7;

/// What to redact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RedactOptions {
    /// E-mail addresses, phone numbers, payment cards, bank accounts and IP addresses.
    pub personal: bool,
    /// Keys, tokens, passwords and private keys.
    pub secrets: bool,
    /// More patterns: a label (without brackets) and a regular expression each.
    pub custom: Vec<(String, String)>,
}

/// A pattern of the operator's that is no regular expression.
#[derive(Debug, thiserror::Error)]
#[error("the pattern {label:?} is not a regular expression: {source}")]
pub struct PatternError {
    /// The pattern's label.
    pub label: String,
    /// What is wrong with it.
    pub source: regex::Error,
}

/// How often each label was put in; nothing that was found is in it.
pub type Found<'r> = BTreeMap<&'r str, u64>;

/// Replaces what it finds by a label in brackets: `[EMAIL]`, `[SECRET]`, ...
///
/// Building one takes about a millisecond; use it for many texts.
#[derive(Debug)]
pub struct Redactor {
    anchors: Option<Anchors>,
    personal: bool,
    custom: Vec<Regex>,
    /// By label: the name, the text that is put in, and the same in a JSON string.
    labels: Vec<(String, String, String)>,
}

impl Redactor {
    /// A redactor for these options.
    ///
    /// # Errors
    /// A pattern of the operator's that is no regular expression, or one of more than a few megabytes when compiled.
    pub fn new(options: &RedactOptions) -> Result<Self, PatternError> {
        let custom = options.custom.iter().map(|(label, pattern)| {
            Regex::new(pattern).map_err(|source| PatternError { label: label.clone(), source })
        });
        let names = Label::BUILTIN.into_iter().chain(options.custom.iter().map(|(label, _)| label.as_str()));
        let labels = names.map(|name| {
            let text = format!("[{name}]");
            let json = json::escape(&text).into_owned();
            (name.to_owned(), text, json)
        });
        Ok(Self {
            anchors: if options.secrets { Anchors::new() } else { None },
            personal: options.personal,
            custom: custom.collect::<Result<_, _>>()?,
            labels: labels.collect(),
        })
    }

    /// Whether it redacts nothing at all.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.anchors.is_none() && !self.personal && self.custom.is_empty()
    }

    /// Redacts a plain text. Borrowed when nothing was found.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.text_counted(text).0
    }

    /// Redacts a plain text and counts by label.
    #[must_use]
    pub fn text_counted<'a>(&self, text: &'a str) -> (Cow<'a, str>, Found<'_>) {
        self.plain(text, self.personal)
    }

    /// Redacts a word of machines, such as the name of a model or an id, whose digits are no phone number: secrets and the
    /// operator's own patterns, but no personal data. Borrowed when nothing was found.
    #[must_use]
    pub fn word<'a>(&self, word: &'a str) -> Cow<'a, str> {
        self.plain(word, false).0
    }

    fn plain<'a>(&self, text: &'a str, personal: bool) -> (Cow<'a, str>, Found<'_>) {
        let mut found = Found::new();
        let mut out = Cow::Borrowed(text);
        if !personal && self.custom.is_empty() && text.len() < SHORTEST_SECRET {
            return (out, found);
        }
        let mut hits = Vec::new();
        for _ in 0..PASSES {
            let anchors = self.anchors.as_ref().filter(|anchors| anchors.may_hold(&out));
            self.find(anchors, personal, &out, &mut hits);
            if hits.is_empty() {
                break;
            }
            self.count(&hits, &mut found);
            out = Cow::Owned(hits::replace(&out, &hits, |label| self.label(label).1));
        }
        (out, found)
    }

    /// Redacts inside the strings of a JSON document. Borrowed when nothing was found.
    #[must_use]
    pub fn json<'a>(&self, json: &'a str) -> Cow<'a, str> {
        self.json_counted(json).0
    }

    /// Redacts inside the strings of a JSON document and counts by label. The string under a telling name
    /// (`"password": "..."`) is a secret as a whole.
    #[must_use]
    pub fn json_counted<'a>(&self, json: &'a str) -> (Cow<'a, str>, Found<'_>) {
        self.strings(json, false)
    }

    /// The same, and redacts the names of members like texts: for what is kept. A name that another one becomes too has its
    /// number behind it.
    #[must_use]
    pub fn document<'a>(&self, json: &'a str) -> Cow<'a, str> {
        self.strings(json, true).0
    }

    fn strings<'a>(&self, json: &'a str, with_names: bool) -> (Cow<'a, str>, Found<'_>) {
        let mut found = Found::new();
        let anchors = self.anchors.as_ref().filter(|anchors| anchors.may_hold(json));
        if anchors.is_none() && !self.personal && self.custom.is_empty() {
            return (Cow::Borrowed(json), found);
        }
        let mut pass = Pass { redactor: self, anchors, hits: Vec::new(), decoded: Decoded::default() };
        let mut out = String::new();
        let mut from = 0;
        let mut apart = Apart::default();
        for literal in Literals::of(json, with_names) {
            if let Some(replaced) = pass.literal(literal, &mut found) {
                let replaced = if literal.is_name { apart.json_name(replaced) } else { replaced };
                out.push_str(json.get(from..literal.start).unwrap_or_default());
                out.push_str(&replaced);
                from = literal.start + literal.raw.len();
            }
        }
        if from == 0 {
            return (Cow::Borrowed(json), found);
        }
        out.push_str(json.get(from..).unwrap_or_default());
        (Cow::Owned(out), found)
    }

    /// Fills `hits` with what a text holds, sorted and joined.
    fn find(&self, anchors: Option<&Anchors>, personal: bool, text: &str, hits: &mut Vec<Hit>) {
        hits.clear();
        if let Some(anchors) = anchors {
            secrets::find(anchors, text, hits);
        }
        if personal {
            personal::find(text, hits);
        }
        for (at, regex) in self.custom.iter().enumerate() {
            let label = Label(Label::BUILTIN.len() + at);
            hits.extend(regex.find_iter(text).filter(|m| !m.is_empty()).map(|m| Hit::new(m.start(), m.end(), label)));
        }
        hits::join(hits);
    }

    fn label(&self, label: Label) -> (&str, &str, &str) {
        self.labels.get(label.0).map_or(("", "", ""), |(name, text, json)| (name, text, json))
    }

    fn count<'r>(&'r self, hits: &[Hit], found: &mut Found<'r>) {
        for hit in hits {
            *found.entry(self.label(hit.label).0).or_default() += 1;
        }
    }
}

/// One walk over a JSON document.
struct Pass<'r> {
    redactor: &'r Redactor,
    anchors: Option<&'r Anchors>,
    hits: Vec<Hit>,
    decoded: Decoded,
}

impl<'r> Pass<'r> {
    /// The new raw content of a string; `None` when it stays.
    fn literal(&mut self, literal: Literal<'_>, found: &mut Found<'r>) -> Option<String> {
        let under_telling_name = self.anchors.is_some() && literal.name.is_some_and(anchors::is_secret_name);
        let (name, label, in_json) = self.redactor.label(Label::SECRET);
        if under_telling_name && !literal.raw.is_empty() && literal.raw != label {
            *found.entry(name).or_default() += 1;
            return Some(in_json.to_owned());
        }
        let redactor = self.redactor;
        let mut out: Option<String> = None;
        for _ in 0..PASSES {
            let raw = out.as_deref().unwrap_or(literal.raw);
            // What the look at the whole document ruled out can begin at the edge of a label.
            let anchors = if out.is_some() { redactor.anchors.as_ref() } else { self.anchors };
            let anchors = anchors.filter(|anchors| anchors.may_hold(raw));
            if anchors.is_none() && redactor.custom.is_empty() && !(redactor.personal && personal::may_hold(raw)) {
                break;
            }
            if literal.escaped || out.is_some() {
                self.decoded.read(raw);
                redactor.find(anchors, redactor.personal, &self.decoded.text, &mut self.hits);
                for hit in &mut self.hits {
                    hit.start = self.decoded.raw_offset(hit.start);
                    hit.end = self.decoded.raw_offset(hit.end);
                }
            } else {
                redactor.find(anchors, redactor.personal, raw, &mut self.hits);
            }
            if self.hits.is_empty() {
                break;
            }
            redactor.count(&self.hits, found);
            out = Some(hits::replace(raw, &self.hits, |label| redactor.label(label).2));
        }
        out
    }
}
