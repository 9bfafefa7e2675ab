//! The price table and how a model is found in it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

use super::entry::{Entry, File, PriceError, SCHEMA};
use super::names;
use super::rates::Rates;

/// The compiled-in table: list prices in USD per million tokens; the file states its source, date and members.
const BUILTIN: &str = include_str!("../../data/model_prices.json");

/// Providers that sell other vendors' models: a vendor's own row is preferred when no provider is known.
const RESELLERS: [&str; 4] = ["azure", "groq", "together", "bedrock"];

/// What a model does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Chat or text completion.
    #[default]
    Chat,
    /// Embeddings: there is no output to bill.
    Embedding,
    /// Anything else.
    #[serde(other)]
    Other,
}

/// A model with its price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// The model's id at the provider.
    pub id: String,
    /// The provider's kind; empty in a price of the operator's that names no provider.
    pub provider: String,
    /// What the model does.
    pub mode: Mode,
    /// Most input tokens, where known.
    pub ctx: Option<u64>,
    /// Most output tokens, where known.
    pub max_out: Option<u64>,
    /// Dimensions of an embedding.
    pub dim: Option<u32>,
    /// When the provider retires it, `YYYY-MM-DD`.
    pub retires: Option<String>,
    /// Already retired; kept so that old calls have a price.
    pub retired: bool,
    /// Other ids with the same price.
    pub aliases: Vec<String>,
    /// The rates.
    pub rates: Rates,
    /// Input through the batch API, in nano-dollars per million tokens.
    pub batch_input: Option<i64>,
    /// Output through the batch API, in nano-dollars per million tokens.
    pub batch_output: Option<i64>,
    /// The operator's own price, not the compiled-in one.
    pub overridden: bool,
}

/// Prices by provider and model. Immutable; a changed configuration makes a new one.
#[derive(Clone, Debug, Default)]
pub struct PriceTable {
    models: Vec<Model>,
    /// Provider → id or alias → index into `models`.
    by_provider: HashMap<String, HashMap<String, usize>>,
    /// Prices that hold at every provider.
    everywhere: HashMap<String, usize>,
    /// Id or alias → the model to take when no provider is known.
    preferred: HashMap<String, usize>,
    as_of: String,
}

static TABLE: LazyLock<Arc<PriceTable>> = LazyLock::new(|| Arc::new(PriceTable::parse(BUILTIN).unwrap_or_default()));

impl PriceTable {
    /// The compiled-in table.
    #[must_use]
    pub fn builtin() -> Arc<Self> {
        Arc::clone(&TABLE)
    }

    /// A table of nothing but the file's rows.
    ///
    /// # Errors
    /// See [`PriceError`].
    pub fn parse(json: &str) -> Result<Self, PriceError> {
        let file = read(json)?;
        let models = file.models.into_iter().map(Entry::into_model).collect::<Result<Vec<_>, _>>()?;
        Ok(Self::of(models, file.as_of.unwrap_or_default()))
    }

    /// This table with the rows of an override file (the form of the compiled-in file) over it.
    ///
    /// # Errors
    /// See [`PriceError`].
    pub fn with_override_file(&self, json: &str) -> Result<Self, PriceError> {
        self.with_overrides(read(json)?.models)
    }

    /// This table with the operator's own prices over it.
    ///
    /// A row replaces all prices of the model of its id: of that provider, or of every provider when it names none.
    /// A row that names the provider wins over one that does not, a later row over an earlier one. What is no price
    /// (`ctx`, `max_out`, `dim`, `mode`) stays as the table has it unless the row states it.
    ///
    /// # Errors
    /// See [`PriceError`].
    pub fn with_overrides(&self, entries: impl IntoIterator<Item = Entry>) -> Result<Self, PriceError> {
        let mut models = self.models.clone();
        for mut entry in entries {
            let provider = entry.provider.as_deref().map(|p| names::provider(p).to_owned()).filter(|p| !p.is_empty());
            let known = match &provider {
                Some(provider) => self.lookup(provider, &entry.id),
                None => self.lookup_any(&entry.id),
            };
            if let Some(known) = known {
                entry.mode = entry.mode.or(Some(known.mode));
                entry.ctx = entry.ctx.or(known.ctx);
                entry.max_out = entry.max_out.or(known.max_out);
                entry.dim = entry.dim.or(known.dim);
            }
            let names_one = provider.is_some();
            entry.provider = provider;
            let new = Model { overridden: true, ..entry.into_model()? };
            models.retain(|old| {
                let same_place =
                    if names_one { old.provider == new.provider } else { !old.overridden || old.provider.is_empty() };
                !(same_place && old.id == new.id)
            });
            models.push(new);
        }
        Ok(Self::of(models, self.as_of.clone()))
    }

    fn of(models: Vec<Model>, as_of: String) -> Self {
        let mut table = Self { as_of, ..Self::default() };
        let rank = |m: &Model| (!m.overridden, RESELLERS.contains(&m.provider.as_str()));
        let mut best = HashMap::<String, (bool, bool)>::new();
        // Ids before aliases, so that another row's alias never hides a row.
        for alias in [false, true] {
            for (at, model) in models.iter().enumerate() {
                let own = std::slice::from_ref(&model.id);
                for name in if alias { model.aliases.as_slice() } else { own } {
                    if model.provider.is_empty() {
                        table.everywhere.entry(name.clone()).or_insert(at);
                    } else {
                        table.by_provider.entry(model.provider.clone()).or_default().entry(name.clone()).or_insert(at);
                    }
                    if best.get(name).is_none_or(|best| rank(model) < *best) {
                        best.insert(name.clone(), rank(model));
                        table.preferred.insert(name.clone(), at);
                    }
                }
            }
        }
        table.models = models;
        table
    }

    /// The model of a provider, by exact id, by alias, then by the id without a trailing date. The provider goes by
    /// its kind or by a name that SDKs use for it. Does not allocate.
    #[must_use]
    pub fn lookup(&self, provider: &str, model: &str) -> Option<&Model> {
        let (provider, of_provider) = match self.by_provider.get_key_value(provider) {
            Some((name, models)) => (name.as_str(), Some(models)),
            None => {
                let name = names::provider(provider);
                (name, self.by_provider.get(name))
            }
        };
        let find = |name: &str| of_provider.and_then(|m| m.get(name)).or_else(|| self.everywhere.get(name));
        let dated = |name: &str| find(name).or_else(|| find(names::undated(name)?));
        let at = dated(model).or_else(|| dated(names::bare(provider, model)?))?;
        self.models.get(*at)
    }

    /// The model of a name when no provider is known: `provider/model`, or a bare name, for which the vendor's own row
    /// is preferred to a reseller's. Does not allocate.
    #[must_use]
    pub fn lookup_any(&self, model: &str) -> Option<&Model> {
        if let Some((provider, name)) = model.split_once('/')
            && let Some(found) = self.lookup(provider, name)
        {
            return Some(found);
        }
        let at = self.preferred.get(model).or_else(|| self.preferred.get(names::undated(model)?))?;
        self.models.get(*at)
    }

    /// The models of a provider, in the table's order.
    pub fn models_of(&self, provider: &str) -> impl Iterator<Item = &Model> {
        let provider = names::provider(provider).to_owned();
        self.models.iter().filter(move |model| model.provider == provider)
    }

    /// All models, in the table's order.
    pub fn models(&self) -> impl ExactSizeIterator<Item = &Model> {
        self.models.iter()
    }

    /// The day that the compiled-in prices are of, `YYYY-MM-DD`; empty when the table does not say.
    #[must_use]
    pub fn as_of(&self) -> &str {
        &self.as_of
    }
}

fn read(json: &str) -> Result<File, PriceError> {
    let file = serde_json::from_str::<File>(json)?;
    match file.schema {
        Some(schema) if schema != SCHEMA => Err(PriceError::Schema(schema)),
        _ => Ok(file),
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
