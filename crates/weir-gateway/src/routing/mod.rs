//! From a model's name to an answer: who can serve it, who is well, who is tried next.

mod ask;
mod attempt;
mod cascade;
mod classify;
mod health;
mod outcome;
mod pick;
mod plan;

pub use attempt::{Attempts, send};
pub use cascade::Rejected;
pub use health::{Deployment, Health, InFlight, Standing};
pub use outcome::{AnswerBody, Answered, Cause, Failed, Outgoing};
pub(crate) use plan::Names;
pub use plan::{Plan, Step, Target, model_not_found};
