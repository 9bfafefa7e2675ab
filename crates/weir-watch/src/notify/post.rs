//! The post office of a running server: what the API, the worker of alerts and the reload talk to.

use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore, watch};
use weir_core::anomaly::Severity;
use weir_core::time::{Clock, Micros};
use weir_store::catalog::{ChannelDeliveries, ChannelTest, NotificationQuery, NotificationRecord, Notifications};
use weir_store::telemetry::StoreError;

use super::channel::{Channel, Channels, Way};
use super::forms::When;
use super::notification::{AlertJson, Event, Notification};
use super::send::{Outcome, Sender};
use super::worker::Worker;

/// Tests at the same time.
const MAX_TESTS: usize = 4;
/// Requests of a test that are shown.
const MAX_SENT: usize = 16 << 10;

/// Who counts deliveries.
pub trait DeliveryObserver: Send + Sync {
    /// So many notifications of a channel were `delivered`, `failed` (and are tried again) or `given_up`.
    fn notified(&self, channel: &str, outcome: &'static str, count: u64);
}

/// What the post needs.
pub struct Parts {
    /// The outbox.
    pub store: Arc<dyn Notifications>,
    /// Who counts.
    pub observer: Arc<dyn DeliveryObserver>,
    /// What "now" is.
    pub clock: Clock,
}

/// The channels and the way to them.
pub struct Post {
    pub(super) parts: Parts,
    pub(super) sender: Sender,
    pub(super) wake: Notify,
    channels: ArcSwap<Channels>,
    tests: Semaphore,
}

/// How a channel is doing.
pub struct ChannelState {
    /// The channel.
    pub channel: Arc<Channel>,
    /// Its deliveries.
    pub deliveries: ChannelDeliveries,
    /// Its last test.
    pub test: Option<ChannelTest>,
}

impl ChannelState {
    /// Whether the last test was of the settings as they are now.
    #[must_use]
    pub fn is_test_current(&self) -> bool {
        self.test.as_ref().is_some_and(|test| test.target == self.channel.target)
    }
}

/// What a test came to.
#[derive(Clone, Debug)]
pub struct Tested {
    /// The notification's id.
    pub id: String,
    /// Whether the receiver took it.
    pub ok: bool,
    /// What the receiver said, for people.
    pub said: String,
    /// How long it took.
    pub took: Duration,
    /// The bodies of the requests, or the mail; without secrets.
    pub sent: Vec<String>,
}

/// Why there was no test.
#[derive(Debug, thiserror::Error)]
pub enum TestError {
    /// No channel has the name.
    #[error("there is no such channel")]
    Unknown,
    /// Too many at once.
    #[error("too many tests are under way")]
    Busy,
    /// It could not be noted.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Post {
    /// A post that delivers nothing until [`Post::start`].
    ///
    /// # Errors
    /// When there is no client to be had.
    pub fn new(channels: Channels, parts: Parts) -> std::io::Result<Arc<Self>> {
        Ok(Arc::new(Self {
            parts,
            sender: Sender::new().map_err(std::io::Error::other)?,
            wake: Notify::new(),
            channels: ArcSwap::from_pointee(channels),
            tests: Semaphore::new(MAX_TESTS),
        }))
    }

    /// Begins to deliver, on a thread of its own.
    ///
    /// # Errors
    /// When no thread can be had.
    pub fn start(self: &Arc<Self>) -> std::io::Result<Posting> {
        let (stop, stopped) = watch::channel(false);
        let (end, ended) = mpsc::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(2).build()?;
        let worker = Worker::new(self.clone());
        let thread = std::thread::Builder::new().name("channels".to_owned()).spawn(move || {
            runtime.block_on(worker.run(stopped));
            let _ = end.send(());
            // Answers that nobody waits for any more are left.
            runtime.shutdown_background();
        })?;
        Ok(Posting { stop, ended: Mutex::new(ended), thread: Mutex::new(Some(thread)) })
    }

    /// The channels as they are now.
    #[must_use]
    pub fn channels(&self) -> Arc<Channels> {
        self.channels.load_full()
    }

    /// Takes other channels. What waits for one that is gone is given up.
    pub fn set_channels(&self, channels: Channels) {
        self.channels.store(Arc::new(channels));
        self.wake();
    }

    /// Says that there is something new in the outbox, which is seen within a second anyway.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// How every channel is doing. Blocks.
    ///
    /// # Errors
    /// When the outbox cannot be read.
    pub fn states(&self) -> Result<Vec<ChannelState>, StoreError> {
        let tests = self.parts.store.channel_tests()?;
        let state = |channel: &Arc<Channel>| {
            Ok(ChannelState {
                deliveries: self.parts.store.channel_deliveries(&channel.name)?,
                test: tests.iter().find(|test| test.channel == channel.name).cloned(),
                channel: channel.clone(),
            })
        };
        self.channels().iter().map(state).collect()
    }

    /// How many notifications wait, for every channel. Blocks.
    ///
    /// # Errors
    /// When the outbox cannot be read.
    pub fn waiting(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let found = self.parts.store.waiting_notifications()?;
        let of = |name: String| {
            let count = found.iter().find(|(channel, _)| *channel == name).map_or(0, |(_, count)| *count);
            (name, count)
        };
        Ok(self.channels().names().into_iter().map(of).collect())
    }

    /// Notifications, newest first. Blocks.
    ///
    /// # Errors
    /// When the outbox cannot be read.
    pub fn notifications(&self, query: &NotificationQuery<'_>) -> Result<Vec<NotificationRecord>, StoreError> {
        self.parts.store.notifications(query)
    }

    /// Tells a channel that nothing is wrong, and what it answers. Tried once; noted as the channel's last test.
    ///
    /// # Errors
    /// [`TestError`].
    pub async fn test(&self, name: &str) -> Result<Tested, TestError> {
        let channel = self.channels().get(name).cloned().ok_or(TestError::Unknown)?;
        let _place = self.tests.try_acquire().map_err(|_| TestError::Busy)?;
        let now = self.parts.clock.now();
        let notification = trial(&channel, now);
        let when = When { made: now, now };
        let began = Instant::now();
        let outcome = self.sender.notification(&channel, &notification, when).await;
        let tested = Tested {
            id: notification.id.clone(),
            ok: matches!(outcome, Outcome::Taken(_)),
            said: outcome.said().to_owned(),
            took: began.elapsed(),
            sent: sent(&channel, &notification, when),
        };
        let test = ChannelTest {
            channel: channel.name.clone(),
            target: channel.target.clone(),
            tested_us: now,
            ok: tested.ok,
            said: tested.said.clone(),
        };
        let store = self.parts.store.clone();
        let noted = tokio::task::spawn_blocking(move || store.put_channel_test(&test)).await;
        noted.unwrap_or_else(|e| Err(StoreError::Unavailable(e.to_string())))?;
        Ok(tested)
    }

    /// Puts a test into the outbox, from where it goes the way of every notification; its id. Blocks.
    ///
    /// # Errors
    /// [`TestError`].
    pub fn queue_test(&self, name: &str) -> Result<String, TestError> {
        let channel = self.channels().get(name).cloned().ok_or(TestError::Unknown)?;
        let now = self.parts.clock.now();
        let notification = trial(&channel, now);
        let rows = notification
            .rows(std::slice::from_ref(&channel.name), now)
            .map_err(|e| StoreError::Unsupported(format!("the notification has no JSON: {e}")))?;
        self.parts.store.put_notifications(rows)?;
        self.wake();
        Ok(notification.id)
    }
}

/// What a test tells.
fn trial(channel: &Channel, now: Micros) -> Notification {
    let severity = channel.severities.iter().copied().min().unwrap_or(Severity::Info);
    let alert = AlertJson {
        fingerprint: format!("weir-test-{}", channel.name),
        rule_id: "test".to_owned(),
        rule: "Test of a channel".to_owned(),
        project: "weir".to_owned(),
        severity,
        state: "test".to_owned(),
        labels: [("channel".to_owned(), channel.name.clone())].into(),
        summary: format!("Weir can reach the channel {}", channel.name),
        description: "Somebody tried this channel. Nothing is wrong, and there is nothing to do.".to_owned(),
        value: None,
        threshold: None,
        unit: String::new(),
        runbook_url: None,
        starts_at: now,
        ends_at: None,
        url: String::new(),
        anomaly: None,
    };
    Notification::new(Event::Test, alert)
}

fn sent(channel: &Channel, notification: &Notification, when: When) -> Vec<String> {
    let texts = match &channel.way {
        Way::Http { form, .. } => form.parcels(notification, when).into_iter().map(|parcel| parcel.body).collect(),
        Way::Mail(mail) => super::forms::mail::message(notification, &mail.from, &mail.to, when.made)
            .map(|message| vec![String::from_utf8_lossy(&message.formatted()).into_owned()])
            .unwrap_or_default(),
    };
    texts.into_iter().map(|text: String| channel.hide(&text).chars().take(MAX_SENT).collect()).collect()
}

/// A post that delivers.
pub struct Posting {
    stop: watch::Sender<bool>,
    ended: Mutex<mpsc::Receiver<()>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Posting {
    /// Begins nothing more and waits for what is under way. Returns whether that ended within the patience; what did not is
    /// sent again after the next start, under the same id. Blocks.
    pub fn stop(&self, patience: Duration) -> bool {
        let _ = self.stop.send(true);
        let ended = self.ended.lock().recv_timeout(patience).is_ok();
        if ended && let Some(thread) = self.thread.lock().take() {
            let _ = thread.join();
        }
        ended
    }
}
