//! The gateway: doors for the OpenAI and Anthropic SDKs in front of every provider.
//!
//! A call goes door → [`exchange`] → [`routing`] → [`upstream`] and comes back through an [`answer`] reader, is priced
//! and [`record`]ed, and only then has its last byte sent. Invariants: the request path touches no database; bodies
//! that need no change pass byte for byte; every call, also a refused or cancelled one, is recorded once.

pub mod answer;
pub mod batches;
pub mod cache;
pub mod compress;
pub mod config;
pub mod doors;
pub mod exchange;
mod gateway;
pub mod limits;
pub mod prompts;
pub mod providers;
pub mod record;
pub mod routing;
mod rule;
mod shape;
pub mod snapshot;
pub mod sse;
pub mod translate;
pub mod upstream;

pub use gateway::{Env, Gateway, Parts};
pub use snapshot::ConfigError;
