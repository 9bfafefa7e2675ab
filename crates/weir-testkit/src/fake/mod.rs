//! The fake provider: speaks OpenAI's and Anthropic's protocols and misbehaves as the request asks.
//!
//! A behaviour comes with each request, behind the first `!` of its model name or in its `x-fake`
//! header (see [`Behaviour`]); the server itself keeps only what it saw ([`Recorded`], [`Stats`]).

mod anthropic;
mod ask;
mod behaviour;
mod body;
mod chat;
mod completions;
mod control;
mod embeddings;
mod error;
mod json;
mod models;
mod record;
mod responses;
mod server;
mod service;
mod steps;
mod text;
mod usage;

pub use behaviour::{Behaviour, BehaviourError};
pub use record::{Recorded, Stats};
pub use server::{FakeProvider, Options};
