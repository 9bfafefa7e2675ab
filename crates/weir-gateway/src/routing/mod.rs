//! From a model's name to an answer: who can serve it, who is well, who is tried next.

mod attempt;
mod classify;
mod health;
mod pick;
mod plan;

pub use attempt::{AnswerBody, Answered, Attempts, Cause, Failed, Outgoing, send};
pub use health::{Deployment, Health, InFlight};
pub(crate) use plan::Names;
pub use plan::{Plan, Step, Target, model_not_found};
