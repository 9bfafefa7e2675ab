//! The grammar of behaviours: what one request asks the fake provider to do.
//!
//! `name=value` pairs and bare flags, separated by commas. An unknown name is an error, so that a typing
//! mistake in a test cannot pass as "all went well".

use std::time::Duration;

use super::text::TextName;
use super::usage::{Counts, Lie};

/// Most chunks one stream may have: the whole stream is laid out before it is sent.
const MAX_CHUNKS: usize = 200_000;
/// Largest answer text in bytes.
const MAX_SIZE: usize = 64 << 20;

/// Why a behaviour could not be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BehaviourError {
    /// The name is none of the reference.
    #[error("unknown fake behaviour `{0}`")]
    Unknown(String),
    /// The value is missing, superfluous or not of the right form.
    #[error("fake behaviour `{name}` cannot be `{value}`")]
    Value {
        /// The behaviour's name.
        name: String,
        /// The value as it came.
        value: String,
    },
}

/// What one request asks for. The default is a plain, correct answer.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(missing_docs, reason = "the members are the words of the grammar, which the README explains")]
pub struct Behaviour {
    pub text: TextName,
    pub size: Option<usize>,
    pub vary: bool,
    pub chunks: Option<usize>,
    pub delay: Duration,
    pub first: Duration,
    /// Content chunks before a fault in the middle of a stream; 1 when not given.
    pub after: Option<usize>,
    pub stall: bool,
    pub cut: bool,
    pub truncate: bool,
    pub reset: bool,
    pub midstream_error: bool,
    pub html: bool,
    pub badjson: bool,
    pub status: Option<u16>,
    pub code: Option<String>,
    /// Value of `retry-after`, seconds.
    pub retry: Option<u64>,
    /// Value of `retry-after-ms`, milliseconds.
    pub retryms: Option<u64>,
    /// The fault is for the first this many requests of the key only.
    pub times: Option<u64>,
    pub key: String,
    pub nousage: bool,
    pub lieusage: Option<Lie>,
    pub usage: Option<Counts>,
    pub tools: bool,
    pub reasoning: bool,
    pub refusal: bool,
    pub filter: bool,
    pub length: bool,
    pub bigint: bool,
    pub azure: bool,
    pub groq: bool,
    pub ratelimit: bool,
    pub stamp: bool,
    pub crlf: bool,
    pub comments: bool,
    pub nospace: bool,
    pub flush: bool,
    pub split: Option<usize>,
    /// Length of embedding vectors.
    pub dims: Option<usize>,
}

impl Behaviour {
    /// Splits a model name at its first `!` into the model proper and the behaviour's text.
    pub fn split_model(model: &str) -> (&str, &str) {
        model.split_once('!').unwrap_or((model, ""))
    }

    /// Adds the words of `text` to what is already set; later words win.
    ///
    /// # Errors
    /// A [`BehaviourError`] naming the first word that is unknown or has a wrong value.
    pub fn add(&mut self, text: &str) -> Result<(), BehaviourError> {
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match word.split_once('=') {
                Some((name, value)) => self.set_value(name, value)?,
                None => self.set_flag(word)?,
            }
        }
        Ok(())
    }

    /// True when any word asks for a fault, that is for what `times` limits.
    pub fn has_fault(&self) -> bool {
        self.stall
            || self.cut
            || self.truncate
            || self.reset
            || self.midstream_error
            || self.html
            || self.badjson
            || self.status.is_some()
    }

    /// Takes the faults out; the rest (text, pace, forms) stays.
    pub fn clear_faults(&mut self) {
        self.stall = false;
        self.cut = false;
        self.truncate = false;
        self.reset = false;
        self.midstream_error = false;
        self.html = false;
        self.badjson = false;
        self.status = None;
    }

    /// Content chunks to send before a fault in the middle of a stream.
    pub(crate) fn after(&self) -> usize {
        self.after.unwrap_or(1)
    }

    fn set_flag(&mut self, name: &str) -> Result<(), BehaviourError> {
        let flag = match name {
            "stall" => &mut self.stall,
            "cut" => &mut self.cut,
            "truncate" => &mut self.truncate,
            "reset" => &mut self.reset,
            "midstream-error" => &mut self.midstream_error,
            "html" => &mut self.html,
            "badjson" => &mut self.badjson,
            "nousage" => &mut self.nousage,
            "tools" => &mut self.tools,
            "reasoning" => &mut self.reasoning,
            "refusal" => &mut self.refusal,
            "filter" => &mut self.filter,
            "length" => &mut self.length,
            "bigint" => &mut self.bigint,
            "azure" => &mut self.azure,
            "groq" => &mut self.groq,
            "ratelimit" => &mut self.ratelimit,
            "stamp" => &mut self.stamp,
            "crlf" => &mut self.crlf,
            "comments" => &mut self.comments,
            "nospace" => &mut self.nospace,
            "flush" => &mut self.flush,
            "vary" => &mut self.vary,
            "unicode" => {
                self.text = TextName::Unicode;
                return Ok(());
            }
            "lieusage" => {
                self.lieusage = Some(Lie::Mixed);
                return Ok(());
            }
            // The request's own `n` and `logprobs` are always honoured; the words may stand for clarity.
            "n" | "logprobs" => return Ok(()),
            _ if Self::takes_value(name) => return Err(wrong(name, "")),
            _ => return Err(BehaviourError::Unknown(name.to_owned())),
        };
        *flag = true;
        Ok(())
    }

    fn set_value(&mut self, name: &str, value: &str) -> Result<(), BehaviourError> {
        match name {
            "text" => self.text = TextName::parse(value).ok_or_else(|| wrong(name, value))?,
            "size" => self.size = Some(at_most(name, value, MAX_SIZE)?),
            "chunks" => self.chunks = Some(at_most(name, value, MAX_CHUNKS)?),
            "delay" => self.delay = Duration::from_millis(number(name, value)?),
            "first" => self.first = Duration::from_millis(number(name, value)?),
            "after" => self.after = Some(number(name, value)?),
            "status" => match number(name, value)? {
                status @ 200..=599 => self.status = Some(status),
                _ => return Err(wrong(name, value)),
            },
            "code" => self.code = Some(value.to_owned()),
            "retry" => self.retry = Some(number(name, value)?),
            "retryms" => self.retryms = Some(number(name, value)?),
            "times" => self.times = Some(number(name, value)?),
            "key" => value.clone_into(&mut self.key),
            "lieusage" => self.lieusage = Some(Lie::parse(value).ok_or_else(|| wrong(name, value))?),
            "usage" => self.usage = Some(Counts::parse(value).ok_or_else(|| wrong(name, value))?),
            "split" => self.split = Some(number::<usize>(name, value)?.max(1)),
            "dims" => self.dims = Some(at_most(name, value, 8192)?),
            _ => return Err(BehaviourError::Unknown(name.to_owned())),
        }
        Ok(())
    }

    fn takes_value(name: &str) -> bool {
        Self::default().set_value(name, "1").is_ok() || matches!(name, "text" | "status" | "usage")
    }
}

fn wrong(name: &str, value: &str) -> BehaviourError {
    BehaviourError::Value { name: name.to_owned(), value: value.to_owned() }
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, BehaviourError> {
    value.parse().map_err(|_| wrong(name, value))
}

fn at_most(name: &str, value: &str, max: usize) -> Result<usize, BehaviourError> {
    match number(name, value)? {
        found if found <= max => Ok(found),
        _ => Err(wrong(name, value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_mark_divides_model_and_behaviour() {
        assert_eq!(Behaviour::split_model("a/b:c!key=x!y"), ("a/b:c", "key=x!y"));
        assert_eq!(Behaviour::split_model("plain"), ("plain", ""));
    }

    #[test]
    fn words_add_up_and_later_ones_win() {
        let mut b = Behaviour::default();
        b.add("chunks=50, delay=20,stall").unwrap();
        b.add("chunks=3").unwrap();
        assert_eq!((b.chunks, b.delay.as_millis(), b.stall), (Some(3), 20, true));
    }

    #[test]
    fn mistakes_are_told() {
        let told = |text| Behaviour::default().add(text).unwrap_err();
        assert_eq!(told("chunk=1"), BehaviourError::Unknown("chunk".into()));
        assert_eq!(told("stal"), BehaviourError::Unknown("stal".into()));
        assert_eq!(told("delay"), wrong("delay", ""));
        assert_eq!(told("status=99"), wrong("status", "99"));
        assert_eq!(told("usage=1"), wrong("usage", "1"));
        assert_eq!(told("size=999999999999"), wrong("size", "999999999999"));
    }
}
