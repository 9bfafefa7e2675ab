//! Inputs, outputs and details, compressed in blocks: their form, their dictionaries and reading them back.

pub(super) mod block;
pub(super) mod dictionary;
pub(super) mod read;
