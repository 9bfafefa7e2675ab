//! Calls of models: sent and awaited here, recorded by the package, whose logger may be a subclass. So the library hands
//! its record over instead of logging it.

mod client;
mod ongoing;
mod pieces;
mod record;
mod runtime;

pub(crate) use client::Client;
pub(crate) use ongoing::{Ongoing, Outcome};
pub(crate) use pieces::Pieces;
pub(crate) use record::Record;
