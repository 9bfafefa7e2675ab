//! The request body's envelope: which members it has and where, without reading more of it than routing needs.
//!
//! Invariant: what is not edited leaves as it came, byte for byte.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use weir_core::error::{Code, Error};

/// Members that decide something here: providers read the last of two, so that two would let a request pass as another.
const READ: &[&str] = &[
    "model",
    "stream",
    "stream_options",
    "messages",
    "n",
    "best_of",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "metadata",
    "store",
];

/// A JSON object's members in order, each value as its text.
#[derive(Debug)]
pub struct Envelope<'a> {
    text: &'a str,
    members: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'a> Envelope<'a> {
    /// Reads the members of the object that a body is.
    ///
    /// # Errors
    /// 400 naming the line and column of what is not JSON, or the member that stands twice.
    pub fn parse(body: &'a [u8]) -> Result<Self, Error> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Err(Error::new(Code::InvalidRequest, "the request has no body; send a JSON object"));
        }
        let text = std::str::from_utf8(body).map_err(|e| {
            let message = format!("the request body is not UTF-8: invalid byte at offset {}", e.valid_up_to());
            Error::new(Code::InvalidRequest, message)
        })?;
        let Members(members) = serde_json::from_str(text)
            .map_err(|e| Error::new(Code::InvalidRequest, format!("the request body is not a JSON object: {e}")))?;
        let envelope = Self { text, members };
        for name in READ {
            if envelope.members.iter().filter(|(key, _)| key == name).count() > 1 {
                return Err(Error::invalid(*name, format!("the member \"{name}\" stands more than once")));
            }
        }
        Ok(envelope)
    }

    /// A member's JSON text; `None` also for `null`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let (_, raw) = self.members.iter().find(|(key, _)| key == name)?;
        (raw.get() != "null").then(|| raw.get())
    }

    /// Every member in order: its name and its JSON text.
    pub fn members(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.members.iter().map(|(name, value)| (name.as_ref(), value.get()))
    }

    /// A member of a simple type.
    ///
    /// # Errors
    /// 400 naming the member, when it is of another type.
    pub fn read<T: Deserialize<'a>>(&self, name: &str, what: &str) -> Result<Option<T>, Error> {
        match self.get(name) {
            None => Ok(None),
            Some(text) => serde_json::from_str(text)
                .map(Some)
                .map_err(|_| Error::invalid(name, format!("\"{name}\" must be {what}"))),
        }
    }

    /// Starts a list of changes.
    #[must_use]
    pub fn edit(&self) -> Edits<'_, 'a> {
        Edits { envelope: self, changed: Vec::new(), removed: Vec::new(), appended: Vec::new() }
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.members.iter().position(|(key, _)| key == name)
    }

    fn value_range(&self, index: usize) -> Range<usize> {
        let value = self.members[index].1.get();
        let start = value.as_ptr() as usize - self.text.as_ptr() as usize;
        start..start + value.len()
    }

    /// The position after the comma that follows a member, or after the member where none does.
    fn after_comma(&self, index: usize) -> usize {
        let end = self.value_range(index).end;
        let rest = &self.text[end..];
        let comma = rest.find(|c: char| !c.is_ascii_whitespace()).filter(|at| rest[*at..].starts_with(','));
        comma.map_or(end, |at| end + at + 1)
    }

    /// What to cut to remove a member: with the comma before it where an earlier member stays, else with the one after.
    fn member_range(&self, index: usize, removed: &[usize]) -> Range<usize> {
        if (0..index).any(|i| !removed.contains(&i)) {
            return self.value_range(index - 1).end..self.value_range(index).end;
        }
        let start = match index.checked_sub(1) {
            Some(before) => self.after_comma(before),
            None => self.text.find('{').map_or(0, |at| at + 1),
        };
        start..self.after_comma(index)
    }
}

/// Changes to a body, applied in one pass.
#[derive(Debug)]
pub struct Edits<'e, 'a> {
    envelope: &'e Envelope<'a>,
    /// Members that get another value, by index.
    changed: Vec<(usize, String)>,
    removed: Vec<usize>,
    appended: Vec<String>,
}

impl Edits<'_, '_> {
    /// Gives a member another JSON text; appends it where it is absent.
    pub fn set(&mut self, name: &str, json: impl Into<String>) {
        let json = json.into();
        match self.envelope.position(name) {
            Some(index) => self.changed.push((index, json)),
            None => self.appended.push(format!("\"{name}\":{json}")),
        }
    }

    /// Removes a member; wins over a change of it.
    pub fn remove(&mut self, name: &str) {
        if let Some(index) = self.envelope.position(name).filter(|index| !self.removed.contains(index)) {
            self.removed.push(index);
        }
    }

    /// The changed body; the same bytes when nothing changes.
    #[must_use]
    pub fn apply(self, original: &Bytes) -> Bytes {
        let Self { envelope, changed, removed, appended } = self;
        let mut pieces: Vec<(Range<usize>, String)> =
            removed.iter().map(|index| (envelope.member_range(*index, &removed), String::new())).collect();
        let kept = changed.into_iter().filter(|(index, _)| !removed.contains(index));
        pieces.extend(kept.map(|(index, json)| (envelope.value_range(index), json)));
        if !appended.is_empty() {
            let close = envelope.text.rfind('}').unwrap_or(envelope.text.len());
            let comma = if envelope.members.len() > removed.len() { "," } else { "" };
            pieces.push((close..close, format!("{comma}{}", appended.join(","))));
        }
        if pieces.is_empty() {
            return original.clone();
        }
        pieces.sort_by_key(|(range, _)| range.start);
        let text = envelope.text.as_bytes();
        let grown: usize = pieces.iter().map(|(_, new)| new.len()).sum();
        let mut out = Vec::with_capacity(text.len() + grown);
        let mut at = 0;
        for (range, new) in &pieces {
            out.extend_from_slice(&text[at..range.start]);
            out.extend_from_slice(new.as_bytes());
            at = range.end;
        }
        out.extend_from_slice(&text[at..]);
        out.into()
    }
}

struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(16);
                while let Some(CowStr(key)) = map.next_key()? {
                    members.push((key, map.next_value()?));
                }
                Ok(Members(members))
            }
        }
        d.deserialize_map(Collect)
    }
}

/// A string that borrows unless it holds escapes (`Cow` alone always copies).
#[derive(serde::Deserialize)]
pub struct CowStr<'a>(#[serde(borrow)] pub Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(body: &'static str, change: impl FnOnce(&mut Edits<'_, '_>)) -> String {
        let envelope = Envelope::parse(body.as_bytes()).unwrap();
        let mut edits = envelope.edit();
        change(&mut edits);
        String::from_utf8(edits.apply(&Bytes::from_static(body.as_bytes())).to_vec()).unwrap()
    }

    #[test]
    fn edits_touch_nothing_else() {
        let body = "{ \"z\": 9007199254740993, \"model\" : \"a/b\",\"x\":0.10 }";
        assert_eq!(edited(body, |_| {}), body);
        assert_eq!(
            edited(body, |e| {
                e.set("model", "\"b\"");
                e.set("stream_options", "{\"include_usage\":true}");
            }),
            "{ \"z\": 9007199254740993, \"model\" : \"b\",\"x\":0.10 ,\"stream_options\":{\"include_usage\":true}}"
        );
        assert_eq!(edited(body, |e| e.remove("z")), "{ \"model\" : \"a/b\",\"x\":0.10 }");
        assert_eq!(edited(body, |e| e.remove("x")), "{ \"z\": 9007199254740993, \"model\" : \"a/b\" }");
        assert_eq!(edited("{}", |e| e.set("a", "1")), "{\"a\":1}");
        let two = |e: &mut Edits<'_, '_>| {
            e.set("a", "1");
            e.set("b", "2");
        };
        let replaced = |e: &mut Edits<'_, '_>| {
            two(e);
            e.set("z", "7");
            e.remove("z");
        };
        assert_eq!(edited("{\"z\":0}", replaced), "{\"a\":1,\"b\":2}");
        assert_eq!(edited("{ }", two), "{ \"a\":1,\"b\":2}");
    }

    #[test]
    fn removals_in_any_combination_leave_an_object() {
        let names = ["a", "b", "c"];
        for mask in 0..8 {
            let out = edited("{\"a\":1, \"b\":{\"a\":2} ,\"c\":[3]}", |e| {
                for (bit, name) in names.iter().enumerate() {
                    if mask & 1 << bit != 0 {
                        e.remove(name);
                    }
                }
            });
            let left: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(&out).unwrap_or_else(|e| panic!("{mask}: {out}: {e}"));
            let wanted: Vec<_> =
                names.iter().enumerate().filter(|(bit, _)| mask & 1 << bit == 0).map(|(_, n)| *n).collect();
            assert_eq!(left.keys().collect::<Vec<_>>(), wanted, "{out}");
        }
    }

    #[test]
    fn refusals_say_where() {
        let message = |body: &[u8]| Envelope::parse(body).unwrap_err().message;
        assert!(message(b"{\"a\": tru}").contains("line 1 column"));
        assert!(message(b"[1]").contains("expected a JSON object"));
        assert!(message(b"{\"a\":\"\xff\"}").contains("offset 6"));
        assert!(message(b"").contains("no body"));
        assert!(message(b"{\"model\":\"a\",\"model\":\"b\"}").contains("more than once"));
    }
}
