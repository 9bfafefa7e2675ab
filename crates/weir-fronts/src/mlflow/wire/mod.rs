//! MLflow's JSON: proto3's, with a few habits of its own.

mod answer;
mod fields;
mod page;
mod python;

pub(crate) use answer::{Reply, double, reply};
pub(crate) use fields::{Args, Fields};
pub(crate) use page::{next_token, offset, run_after, token_after};
pub(crate) use python::dumps;
