//! MLflow's tracking server: its paths under `/api` and `/ajax-api`, its JSON, messages, filters and page tokens, over
//! Weir's own model. Facts of the wire stand here, everything else in the store.
//!
//! To add an endpoint: a function and a line in the `ENDPOINTS` of its folder.

mod artifacts;
mod assessments;
pub mod call_run;
mod errors;
mod filter;
mod front;
mod registry;
#[cfg(test)]
mod rig;
mod routes;
mod server_info;
mod texts;
mod wire;

pub use errors::refusal;
pub use front::{Front, Parts};
pub use routes::routes;
pub use server_info::VERSION;
