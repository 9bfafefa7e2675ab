//! One call from its request to its recorded answer.

mod body;
mod build;
mod call;
pub mod envelope;
pub mod labels;
mod prepare;
mod respond;
mod run;
mod stream;

pub use body::read as read_body;
pub use respond::refusal;
pub use run::{Door, run};
