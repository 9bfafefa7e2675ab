//! What of spans is kept: the settings, and the policy that they make. Whatever brings spans applies it before they
//! are written, logged or counted.

mod config;
mod policy;

pub use config::{PayloadMode, RecordConfig};
pub use policy::RecordPolicy;
