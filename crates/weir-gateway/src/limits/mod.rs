//! What a key may use: requests and tokens per minute, dollars per day and month.
//!
//! A call reserves its estimate before it is sent and settles what it really used after it, so that concurrent calls
//! cannot spend the same remainder twice. All in memory; spend is read back from the store's rollups at start.

mod bucket;
mod budget;
mod key;

pub use key::{KeyState, Remaining, Reservation};
