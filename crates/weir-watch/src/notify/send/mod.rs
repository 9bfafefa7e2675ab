//! The way to a receiver, and what its answer means for the next attempt.

mod http;
mod smtp;

use reqwest::Client;
use weir_core::time::Micros;

use super::channel::{Channel, Way};
use super::forms::When;
use super::notification::Notification;

/// What an attempt came to. The texts are for people and hold no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The receiver has it.
    Taken(String),
    /// The receiver cannot be used now, or wants to be left alone for so many microseconds.
    Later { said: String, asked: Option<Micros> },
    /// The receiver does not take it, now or later.
    Refused(String),
}

impl Outcome {
    fn later(said: String) -> Self {
        Self::Later { said, asked: None }
    }

    /// For people.
    pub(super) fn said(&self) -> &str {
        match self {
            Self::Taken(said) | Self::Later { said, .. } | Self::Refused(said) => said,
        }
    }
}

/// What goes out to receivers. Connections are not kept, as alerts are rare and this is used from two runtimes.
pub(super) struct Sender(Client);

impl Sender {
    pub(super) fn new() -> Result<Self, reqwest::Error> {
        http::client().map(Self)
    }

    /// Tells a channel; takes no longer than the channel's limit per request.
    pub(super) async fn notification(&self, channel: &Channel, notification: &Notification, when: When) -> Outcome {
        match &channel.way {
            Way::Mail(mail) => smtp::send(channel, mail, notification, when).await,
            Way::Http { url, headers, form } => {
                let mut first = None;
                for parcel in form.parcels(notification, when) {
                    let outcome = http::send(&self.0, channel, url, headers, &parcel, when.now).await;
                    if !matches!(outcome, Outcome::Taken(_)) {
                        return outcome;
                    }
                    first.get_or_insert(outcome);
                }
                first.unwrap_or_else(|| Outcome::Refused("there is nothing to send".to_owned()))
            }
        }
    }

    /// Reminds a channel of what goes on.
    pub(super) async fn reminder(&self, channel: &Channel, standing: &[Notification], now: Micros) -> Outcome {
        match &channel.way {
            Way::Http { url, headers, form } => match form.reminder(standing, now) {
                Some(parcel) => http::send(&self.0, channel, url, headers, &parcel, now).await,
                None => Outcome::Taken(String::new()),
            },
            Way::Mail(_) => Outcome::Taken(String::new()),
        }
    }
}
