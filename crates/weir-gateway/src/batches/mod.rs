//! Files of requests (`/v1/files`) and batches that run them (`/v1/batches`), over any provider.
//!
//! A batch goes `service` (made) → `open` (its input is checked, an earlier run taken up) → `worker` (its requests take
//! turns with those of other batches, each a call like any other, made with the identity of the batch's key) → `finish`
//! (its files are completed).
//!
//! Invariants: each request stands exactly once in the answers or the failures of its batch, also over a kill -9: a
//! line is written and synced before it counts, and what is written is not asked again. A request whose answer was not
//! written when the process died is asked again, so a provider may see it twice. The key itself is never stored, only
//! its name. What a caller sends never becomes part of a path. Without room no request is made; answers under way then,
//! and the lines of requests that are not made any more, are written all the same.

mod active;
mod call;
mod finish;
mod folder;
mod line;
mod open;
mod output;
mod pace;
mod part;
mod service;
#[cfg(test)]
mod tests;
mod upload;
mod validate;
pub(crate) mod wire;
mod worker;

pub use service::Service;
pub(crate) use upload::receive;
pub use worker::run;

/// How much there is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Batches whose requests are under way.
    pub running: usize,
    /// Their requests that are not answered yet.
    pub queued_requests: u64,
}
