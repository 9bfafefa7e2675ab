//! What a model costs: a compiled-in table of list prices, the operator's own prices over it, and the cost of a call.
//!
//! Invariants: rates are integers of nano-dollars per million tokens, so USD per million tokens with up to nine
//! decimals is exact; a model that is not in the table has no price (`None`), never a price of 0.

mod cost;
mod entry;
mod names;
mod rates;
mod table;

pub use cost::cost;
pub use entry::{Entry, EntryTier, PriceError};
pub use rates::{ClassRates, Rates, Tier};
pub use table::{Mode, Model, PriceTable};
