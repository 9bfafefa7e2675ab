//! One call from its request to its recorded answer.

mod body;
mod build;
mod cached;
mod call;
pub mod envelope;
pub mod labels;
mod meaning;
mod on_behalf;
mod prepare;
mod respond;
mod run;
mod send;
mod shape;
mod stream;

pub use body::read as read_body;
pub(crate) use call::count_prompt;
pub(crate) use on_behalf::OnBehalf;
pub use respond::refusal;
pub use run::{Door, request_id, run};
pub(crate) use run::{refuse_early, request_id_text};
