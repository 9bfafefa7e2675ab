//! A span's way to an OTLP endpoint: mapped, encoded, sent together with others that wait.
//!
//! A request that the target refuses is halved until the span at fault stands alone. One that it fails at is sent again
//! in smaller parts, so that a span that breaks the target takes no others with it.

use std::sync::Arc;

use weir_fronts::otlp::out::{self, Encoded};

use super::batch::{Batches, MOST, Sender, Waiting};
use super::client::{Client, Rejected};
use crate::failure::Failure;
use crate::target::{Delivery, Target};

/// The kind of the provider with a configured name. Runs on the exporter's own thread.
pub type ProviderKind = Arc<dyn Fn(&str) -> Option<&'static str> + Send + Sync>;

/// After a failure a span goes with a part as many others.
const SMALLER: usize = 4;

/// An OTLP endpoint.
pub(super) struct Otlp {
    client: Client,
    kinds: ProviderKind,
    batches: Batches<Encoded>,
}

/// With how many a span may go, itself included.
#[derive(Debug)]
pub(super) struct Progress {
    most: usize,
}

impl Default for Progress {
    fn default() -> Self {
        Self { most: MOST }
    }
}

impl Otlp {
    pub(super) fn new(client: Client, kinds: ProviderKind) -> Self {
        Self { client, kinds, batches: Batches::new() }
    }
}

impl Sender<Encoded> for Client {
    async fn send(&self, batch: Vec<Waiting<Encoded>>) {
        let mut parts = vec![batch];
        while let Some(mut part) = parts.pop() {
            match self.request(part.iter().map(|waiting| &waiting.span)).await {
                Ok(None) => part.into_iter().for_each(|waiting| waiting.ended(Ok(()))),
                Ok(Some(rejected)) => taken_in_part(part, &rejected),
                Err(Failure::Refused(_)) if part.len() > 1 => {
                    let later = part.split_off(part.len() / 2);
                    parts.push(later);
                    parts.push(part);
                }
                Err(failure @ Failure::Outage { .. }) => {
                    let left = part.into_iter().chain(parts.drain(..).rev().flatten());
                    left.for_each(|waiting| waiting.ended(Err(failure.clone())));
                }
                Err(failure) => part.into_iter().for_each(|waiting| waiting.ended(Err(failure.clone()))),
            }
        }
    }
}

/// The target took the request and left out some of its spans. Which ones it does not say, so that the last ones count as
/// those: the figures are right, and the log names none.
fn taken_in_part(part: Vec<Waiting<Encoded>>, rejected: &Rejected) {
    let sent = part.len();
    let count = rejected.count.min(sent);
    let message = format!("the target keeps {} of {sent} spans of a request: {}", sent - count, rejected.message);
    tracing::error!(
        target = super::NAME,
        rejected = count,
        sent,
        error = rejected.message,
        "the target does not keep some spans; they are not sent again"
    );
    for (n, waiting) in part.into_iter().enumerate() {
        waiting.ended(if n < sent - count { Ok(()) } else { Err(Failure::Rejected(message.clone())) });
    }
}

impl Target for Otlp {
    type Progress = Progress;

    fn name(&self) -> &'static str {
        super::NAME
    }

    async fn deliver(&self, delivery: &mut Delivery<Progress>) -> Result<(), Failure> {
        let kind = |name: &str| (self.kinds)(name);
        let encoded = out::encode(&out::wire(&delivery.span, &kind));
        let bytes = encoded.size();
        let most = delivery.progress.most;
        let outcome = self.batches.deliver(encoded, bytes, most, &self.client).await;
        match &outcome {
            // It is known by now to be the one at fault.
            Err(Failure::Refused(_)) => delivery.progress.most = 1,
            Err(_) => delivery.progress.most = (most / SMALLER).max(1),
            Ok(()) => {}
        }
        outcome
    }
}
