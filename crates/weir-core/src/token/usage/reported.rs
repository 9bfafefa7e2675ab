//! What a `usage` object says, before it is interpreted: one pass, no allocation.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A number that some vendor reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Prompt,
    Completion,
    Input,
    Output,
    Total,
    Cached,
    CacheHit,
    CacheRead,
    CacheWrite,
    CacheCreation,
    Ephemeral5m,
    Ephemeral1h,
    Reasoning,
    ToolPrompt,
    AudioIn,
    AudioOut,
}

const FIELDS: usize = Field::AudioOut as usize + 1;

/// The numbers of a `usage` object of any vendor.
#[derive(Debug, Default)]
pub(super) struct Reported {
    values: [Option<u64>; FIELDS],
    /// A member of Gemini's own API was seen.
    pub(super) is_gemini: bool,
}

impl Reported {
    /// Reads a JSON object; `None` when it is something else or holds no count.
    pub(super) fn parse(json: &[u8]) -> Option<Self> {
        let mut reported = Self::default();
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let seed = Value { into: &mut reported, what: What::Object(Side::Whole) };
        seed.deserialize(&mut deserializer).ok()?;
        deserializer.end().ok()?;
        reported.values.iter().any(Option::is_some).then_some(reported)
    }

    /// The number of a member; `None` when it was absent or null.
    pub(super) fn get(&self, field: Field) -> Option<u64> {
        self.values.get(field as usize).copied().flatten()
    }

    /// The same, absent as 0.
    pub(super) fn count(&self, field: Field) -> u64 {
        self.get(field).unwrap_or(0)
    }

    fn set(&mut self, field: Field, value: u64) {
        if let Some(place) = self.values.get_mut(field as usize) {
            *place = Some(value);
        }
    }
}

/// Which object is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Whole,
    Input,
    Output,
    /// Anthropic's details of cache writes.
    Written,
}

/// What the value of a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Number(Field),
    Object(Side),
    /// Gemini's `[{"modality": "AUDIO", "tokenCount": 1}, ...]`.
    Modalities(Field),
    Ignored,
}

/// The meaning of a member, and whether only Gemini's own API has it.
fn meaning(side: Side, name: &str) -> (What, bool) {
    use Field as F;
    use What::{Modalities, Number, Object};
    let what = match (side, name) {
        (Side::Whole, "prompt_tokens") => Number(F::Prompt),
        (Side::Whole, "completion_tokens") => Number(F::Completion),
        (Side::Whole, "input_tokens") => Number(F::Input),
        (Side::Whole, "output_tokens") => Number(F::Output),
        (Side::Whole, "total_tokens") => Number(F::Total),
        (Side::Whole | Side::Input, "cached_tokens") => Number(F::Cached),
        (Side::Whole, "prompt_cache_hit_tokens") => Number(F::CacheHit),
        (Side::Whole, "cache_read_input_tokens") => Number(F::CacheRead),
        (Side::Whole, "cache_creation_input_tokens") => Number(F::CacheCreation),
        (Side::Input, "cache_write_tokens" | "cache_creation_tokens") => Number(F::CacheWrite),
        (Side::Input, "audio_tokens") => Number(F::AudioIn),
        (Side::Output, "audio_tokens") => Number(F::AudioOut),
        (Side::Whole | Side::Output, "reasoning_tokens") | (Side::Output, "thinking_tokens") => Number(F::Reasoning),
        (Side::Written, "ephemeral_5m_input_tokens") => Number(F::Ephemeral5m),
        (Side::Written, "ephemeral_1h_input_tokens") => Number(F::Ephemeral1h),
        (Side::Whole, "prompt_tokens_details" | "input_tokens_details") => Object(Side::Input),
        (Side::Whole, "completion_tokens_details" | "output_tokens_details") => Object(Side::Output),
        (Side::Whole, "cache_creation") => Object(Side::Written),
        (Side::Whole, native) => {
            let what = match native {
                "promptTokenCount" => Number(F::Prompt),
                "candidatesTokenCount" | "responseTokenCount" => Number(F::Completion),
                "totalTokenCount" => Number(F::Total),
                "cachedContentTokenCount" => Number(F::Cached),
                "thoughtsTokenCount" => Number(F::Reasoning),
                "toolUsePromptTokenCount" => Number(F::ToolPrompt),
                "promptTokensDetails" => Modalities(F::AudioIn),
                "candidatesTokensDetails" | "responseTokensDetails" => Modalities(F::AudioOut),
                _ => return (What::Ignored, false),
            };
            return (what, true);
        }
        _ => What::Ignored,
    };
    (what, false)
}

/// Reads the value of a member, whatever its type turns out to be.
struct Value<'a> {
    into: &'a mut Reported,
    what: What,
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        if self.what == What::Ignored {
            d.deserialize_ignored_any(IgnoredAny).map(drop)
        } else {
            d.deserialize_any(self)
        }
    }
}

impl Value<'_> {
    fn number<E>(self, value: u64) -> Result<(), E> {
        if let What::Number(field) = self.what {
            self.into.set(field, value);
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("token counts")
    }

    fn visit_u64<E: Error>(self, n: u64) -> Result<(), E> {
        self.number(n)
    }

    fn visit_i64<E: Error>(self, n: i64) -> Result<(), E> {
        self.number(u64::try_from(n).unwrap_or(0))
    }

    fn visit_f64<E: Error>(self, n: f64) -> Result<(), E> {
        self.number(n as u64)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.number(text.trim().parse().unwrap_or(0))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.number(0)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let What::Object(side) = self.what else {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return self.number(0);
        };
        while let Some((what, gemini)) = map.next_key_seed(Name(side))? {
            self.into.is_gemini |= gemini;
            map.next_value_seed(Value { into: &mut *self.into, what })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut audio = 0u64;
        if let What::Modalities(field) = self.what {
            while let Some(entry) = seq.next_element::<Lenient<'de>>()? {
                audio = audio.saturating_add(entry.audio());
            }
            self.into.set(field, audio);
            return Ok(());
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        self.number(0)
    }
}

/// The name of a member, read as its meaning.
struct Name(Side);

impl<'de> DeserializeSeed<'de> for Name {
    type Value = (What, bool);

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = (What, bool);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(meaning(self.0, name))
    }
}

/// One entry of Gemini's modalities; kept raw, because it is rare.
struct Lenient<'a>(&'a serde_json::value::RawValue);

impl<'de> Deserialize<'de> for Lenient<'de> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        <&serde_json::value::RawValue>::deserialize(d).map(Lenient)
    }
}

impl Lenient<'_> {
    fn audio(&self) -> u64 {
        let entry = serde_json::from_str::<serde_json::Value>(self.0.get()).unwrap_or_default();
        let is_audio = entry.get("modality").and_then(serde_json::Value::as_str) == Some("AUDIO");
        entry.get("tokenCount").and_then(serde_json::Value::as_u64).filter(|_| is_audio).unwrap_or(0)
    }
}
