//! The channels that alerts are told through.

use std::sync::Arc;

use anyhow::Context;
use weir_core::time::Clock;
use weir_store::sqlite::SqliteCatalog;
use weir_watch::notify::{Channels, DeliveryObserver, Parts, Post, Posting};

use super::observe::Observers;

/// Starts telling them what waits in the outbox.
pub(super) fn start(
    channels: Channels,
    catalog: &Arc<SqliteCatalog>,
    observers: &Arc<Observers>,
    clock: &Clock,
) -> anyhow::Result<(Arc<Post>, Posting)> {
    let parts = Parts { store: catalog.clone(), observer: observers.clone(), clock: clock.clone() };
    let post = Post::new(channels, parts).context("the client of the channels cannot be made")?;
    let posting = post.start().context("the thread of the channels cannot be started")?;
    Ok((post, posting))
}

impl DeliveryObserver for Observers {
    fn notified(&self, channel: &str, outcome: &'static str, count: u64) {
        self.metrics.notified(channel, outcome, count);
    }
}
