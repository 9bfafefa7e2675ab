//! Telling people of alerts: what is told.

mod notification;

pub use notification::{AlertJson, Event, Notification};
