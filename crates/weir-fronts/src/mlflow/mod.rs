//! MLflow's tracking server: its paths under `/api` and `/ajax-api`, its JSON, messages, filters and page tokens, over
//! Weir's own model. Facts of the wire stand here, everything else in the store.
//!
//! To add an endpoint: a function and a line in the `ENDPOINTS` of its folder.

mod artifacts;
mod assessments;
pub mod call_run;
mod calls;
mod datasets;
mod errors;
mod experiments;
mod filter;
mod front;
mod logged_models;
mod metrics;
mod names;
mod prompt_shelf;
mod registry;
#[cfg(test)]
mod rig;
mod routes;
mod runs;
mod scorers;
mod server_info;
#[cfg(test)]
mod testing;
mod texts;
mod traces;
mod wire;

pub use calls::CallRuns;
pub use errors::refusal;
pub use front::{Front, Parts};
pub use prompt_shelf::{NewPromptVersion, PromptShelf};
pub use routes::routes;
pub use server_info::VERSION;
pub use traces::Experiments;
