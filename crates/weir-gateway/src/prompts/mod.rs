//! Prompts: what a request's messages are made from before it is sent.
//!
//! [`template`] renders one template and [`file`] reads the file form of a prompt; both are pure.

pub mod file;
pub mod template;
