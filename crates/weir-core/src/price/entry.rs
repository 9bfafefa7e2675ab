//! One row of a price table as it is written: in the compiled-in file, in an override file and in the configuration.

use serde::Deserialize;

use super::rates::{ClassRates, Rates, Tier};
use super::table::{Mode, Model};

/// Why a price table was refused.
#[derive(Debug, thiserror::Error)]
pub enum PriceError {
    /// Not JSON of the table's form; the message names the line and the member.
    #[error("the price table cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// Written for another version.
    #[error("the price table has the schema {0:?}; this version reads \"{SCHEMA}\"")]
    Schema(String),
    /// A rate that is negative or not a number, or above 1,000,000 USD per million tokens.
    #[error("price of model {model:?}: {member} = {value} is not between 0 and 1000000 USD per million tokens")]
    Rate {
        /// The model's id.
        model: String,
        /// The member of the row.
        member: &'static str,
        /// What was written.
        value: f64,
    },
    /// A row that leaves out what it must state.
    #[error("price of model {model:?}: {member} is missing")]
    Missing {
        /// The model's id.
        model: String,
        /// The member of the row.
        member: &'static str,
    },
}

/// The schema of the table's JSON file.
pub(super) const SCHEMA: &str = "weir.model_prices.v1";

/// The highest rate that is believed, in USD per million tokens.
const HIGHEST: f64 = 1e6;

/// A table of prices as a file.
#[derive(Debug, Deserialize)]
pub(super) struct File {
    #[serde(default)]
    pub(super) schema: Option<String>,
    #[serde(default)]
    pub(super) as_of: Option<String>,
    pub(super) models: Vec<Entry>,
}

/// The price of one model, in USD per million tokens.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Entry {
    /// The provider's kind (`openai`, `azure`, ...); absent: the model of this name at any provider.
    pub provider: Option<String>,
    /// The model's id.
    #[serde(alias = "model")]
    pub id: String,
    /// What the model does; absent: chat.
    pub mode: Option<Mode>,
    /// Uncached input.
    #[serde(rename = "in", alias = "input")]
    pub input: Option<f64>,
    /// Output; may be absent for embeddings only.
    #[serde(rename = "out", alias = "output")]
    pub output: Option<f64>,
    /// Input read from the prompt cache; absent: as `in`.
    #[serde(alias = "cached_input")]
    pub cached_in: Option<f64>,
    /// Input written to the prompt cache; absent: as `in`.
    pub cache_write: Option<f64>,
    /// Input written to the prompt cache for an hour; absent: as `cache_write`.
    pub cache_write_1h: Option<f64>,
    /// Reasoning; absent: as `out`.
    pub reasoning_out: Option<f64>,
    /// Audio input; absent: as `in`.
    pub audio_in: Option<f64>,
    /// Audio output; absent: as `out`.
    pub audio_out: Option<f64>,
    /// Input through the batch API.
    pub batch_in: Option<f64>,
    /// Output through the batch API.
    pub batch_out: Option<f64>,
    /// Long-context tiers.
    pub above: Vec<EntryTier>,
    /// Most input tokens.
    pub ctx: Option<u64>,
    /// Most output tokens.
    pub max_out: Option<u64>,
    /// Dimensions of an embedding.
    pub dim: Option<u32>,
    /// When the provider retires the model, `YYYY-MM-DD`.
    pub retires: Option<String>,
    /// Already retired; kept so that old calls have a price.
    pub retired: bool,
    /// Other ids of the same model.
    pub aliases: Vec<String>,
    /// Where the figures come from, if not from the table's own source.
    pub origin: Option<String>,
}

/// Rates of requests with more than `input_tokens` of input; an absent member keeps the rate of the row.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EntryTier {
    /// The tier applies above this many input tokens.
    pub input_tokens: u64,
    /// Uncached input.
    #[serde(rename = "in", alias = "input")]
    pub input: Option<f64>,
    /// Output.
    #[serde(rename = "out", alias = "output")]
    pub output: Option<f64>,
    /// Input read from the prompt cache.
    #[serde(alias = "cached_input")]
    pub cached_in: Option<f64>,
    /// Input written to the prompt cache.
    pub cache_write: Option<f64>,
    /// Input written to the prompt cache for an hour.
    pub cache_write_1h: Option<f64>,
    /// Reasoning.
    pub reasoning_out: Option<f64>,
    /// Audio input.
    pub audio_in: Option<f64>,
    /// Audio output.
    pub audio_out: Option<f64>,
}

impl Entry {
    /// The row as a model of the table.
    ///
    /// # Errors
    /// A rate out of range, or `id`, `in` or (unless it is an embedding) `out` missing.
    pub(super) fn into_model(self) -> Result<Model, PriceError> {
        let mode = self.mode.unwrap_or_default();
        let missing = |member| PriceError::Missing { model: self.id.clone(), member };
        if self.id.is_empty() {
            return Err(missing("id"));
        }
        if self.input.is_none() {
            return Err(missing("in"));
        }
        if self.output.is_none() && mode != Mode::Embedding {
            return Err(missing("out"));
        }
        let base = EntryTier {
            input_tokens: 0,
            input: self.input,
            output: self.output.or(Some(0.0)),
            cached_in: self.cached_in,
            cache_write: self.cache_write,
            cache_write_1h: self.cache_write_1h,
            reasoning_out: self.reasoning_out,
            audio_in: self.audio_in,
            audio_out: self.audio_out,
        };
        let mut above = Vec::with_capacity(self.above.len());
        for tier in &self.above {
            above.push(Tier { input_tokens: tier.input_tokens, rates: tier.over(&base).resolve(&self.id)? });
        }
        above.sort_by_key(|tier| tier.input_tokens);
        let batch = |member, value: Option<f64>| value.map(|v| rate(&self.id, member, v)).transpose();
        Ok(Model {
            rates: Rates { base: base.resolve(&self.id)?, above },
            batch_input: batch("batch_in", self.batch_in)?,
            batch_output: batch("batch_out", self.batch_out)?,
            provider: self.provider.unwrap_or_default(),
            id: self.id,
            mode,
            ctx: self.ctx,
            max_out: self.max_out,
            dim: self.dim,
            retires: self.retires,
            retired: self.retired,
            aliases: self.aliases,
            overridden: false,
        })
    }
}

impl EntryTier {
    /// This tier with what it leaves out taken from `base`.
    fn over(&self, base: &Self) -> Self {
        Self {
            input_tokens: self.input_tokens,
            input: self.input.or(base.input),
            output: self.output.or(base.output),
            cached_in: self.cached_in.or(base.cached_in),
            cache_write: self.cache_write.or(base.cache_write),
            cache_write_1h: self.cache_write_1h.or(base.cache_write_1h),
            reasoning_out: self.reasoning_out.or(base.reasoning_out),
            audio_in: self.audio_in.or(base.audio_in),
            audio_out: self.audio_out.or(base.audio_out),
        }
    }

    /// Fills in the classes that have no rate of their own.
    fn resolve(&self, model: &str) -> Result<ClassRates, PriceError> {
        let of = |member, value: Option<f64>, fallback: i64| match value {
            Some(value) => rate(model, member, value),
            None => Ok(fallback),
        };
        let input = of("in", self.input, 0)?;
        let output = of("out", self.output, 0)?;
        let cache_write = of("cache_write", self.cache_write, input)?;
        Ok(ClassRates {
            input,
            cached_input: of("cached_in", self.cached_in, input)?,
            cache_write,
            cache_write_1h: of("cache_write_1h", self.cache_write_1h, cache_write)?,
            output,
            reasoning_output: of("reasoning_out", self.reasoning_out, output)?,
            audio_in: of("audio_in", self.audio_in, input)?,
            audio_out: of("audio_out", self.audio_out, output)?,
        })
    }
}

/// USD per million tokens as nano-dollars per million tokens.
fn rate(model: &str, member: &'static str, value: f64) -> Result<i64, PriceError> {
    if (0.0..=HIGHEST).contains(&value) {
        Ok((value * 1e9).round() as i64)
    } else {
        Err(PriceError::Rate { model: model.to_owned(), member, value })
    }
}
