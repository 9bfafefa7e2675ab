//! Telling people of alerts.
//!
//! A notification is put into the outbox of the catalog in the transaction of what it tells; [`Post`] takes it from there
//! to its channel, at least once and in order per alert. A channel is a form (`forms/`, pure: what is sent) and an address
//! (`send/`, the only I/O).
//!
//! Invariants: secrets go to the channel's own address and nowhere else, over TLS or within this machine; no message, log
//! line or answer holds one; redirects are not followed; every attempt, wait and queue is bounded.

mod notification;

#[cfg(feature = "channels")]
mod address;
#[cfg(feature = "channels")]
mod backoff;
#[cfg(feature = "channels")]
mod channel;
#[cfg(feature = "channels")]
mod config;
#[cfg(feature = "channels")]
mod forms;
#[cfg(feature = "channels")]
mod pace;
#[cfg(feature = "channels")]
mod post;
#[cfg(feature = "channels")]
mod resolve;
#[cfg(feature = "channels")]
mod send;
#[cfg(feature = "channels")]
mod worker;

pub use notification::{AlertJson, Event, Notification};

#[cfg(feature = "channels")]
pub use channel::{Channel, Channels};
#[cfg(feature = "channels")]
pub use config::{ChannelConfig, ChannelKind};
#[cfg(feature = "channels")]
pub use post::{ChannelState, DeliveryObserver, Parts, Post, Posting, TestError, Tested};
