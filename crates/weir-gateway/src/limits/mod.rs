//! What a key, a department or any other label may use: requests and tokens per minute, dollars per day and month.
//!
//! A call reserves its estimate before it is sent and settles what it really used after it, so that concurrent calls
//! cannot spend the same remainder twice. All in memory; spend is read back from the store's rollups at start.

mod allowance;
mod bucket;
mod budget;
mod rules;

pub use allowance::{Allowance, BudgetState, Crossing, Owner, Refused, Remaining, Reservation, Terms};
pub(crate) use rules::make_terms;
pub use rules::{LabelRule, Limits, Shown};
