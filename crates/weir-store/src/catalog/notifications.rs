//! The outbox of notifications: what is to be told, to which channel, and what became of it.

use weir_core::time::Micros;

use crate::telemetry::StoreError;

/// Notifications of one channel that wait at most, after each tidying; the oldest are given up.
pub const MAX_WAITING: usize = 10_000;
/// Notifications of one channel that were delivered or given up and are kept to be looked at.
pub const MAX_SETTLED: usize = 1_000;
/// Alerts that go on and that a channel is reminded of, at most.
pub const MAX_STANDING: usize = 10_000;
/// Bytes of one notification's JSON.
pub const MAX_NOTIFICATION: usize = 256 << 10;

/// A notification for one channel, to be put into the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNotification {
    /// Its id: the same on every attempt and in every channel; putting it again changes nothing.
    pub id: String,
    /// The channel's name.
    pub channel: String,
    /// Fingerprint of the alert. A channel gets the notifications of one alert in the order of their putting.
    pub alert: String,
    /// The notification as JSON.
    pub body: String,
    /// When it was made; it is tried from then on.
    pub created_us: Micros,
}

/// Where a notification stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It is tried, again and again.
    Waiting,
    /// The channel has taken it.
    Delivered,
    /// It was not taken, and is not tried any longer.
    GivenUp,
}

impl Delivery {
    /// Its name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::GivenUp => "given_up",
        }
    }
}

/// A notification in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotificationRecord {
    /// Grows with every putting; never used twice.
    pub seq: i64,
    /// What was put.
    pub new: NewNotification,
    /// Where it stands.
    pub delivery: Delivery,
    /// Attempts so far.
    pub attempts: u32,
    /// When it is tried next, while it waits.
    pub next_try_us: Micros,
    /// When it was delivered or given up.
    pub settled_us: Option<Micros>,
    /// What the last attempt that failed met.
    pub error: Option<String>,
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The channel has taken it.
    Delivered(Standing),
    /// It is tried again.
    Failed {
        /// Not before then.
        next_try_us: Micros,
        /// Why; no secret.
        error: String,
    },
    /// It is not tried again.
    GivenUp {
        /// Why; no secret.
        error: String,
    },
    /// It is not for this channel, and is forgotten.
    Unwanted,
}

/// Whether a channel is to be reminded of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing changes.
    Untouched,
    /// From now on, with what was just delivered.
    Remind,
    /// No more.
    Forget,
}

/// What a channel was last told of an alert that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingAlert {
    /// Fingerprint of the alert.
    pub alert: String,
    /// The notification as JSON.
    pub body: String,
    /// When the channel was told, or reminded.
    pub told_us: Micros,
}

/// Which notifications are listed, newest first.
#[derive(Clone, Copy, Debug, Default)]
pub struct NotificationQuery<'a> {
    /// Only those of this channel.
    pub channel: Option<&'a str>,
    /// Only those of this alert.
    pub alert: Option<&'a str>,
    /// Only those that stand so.
    pub delivery: Option<Delivery>,
    /// Only those put before this one.
    pub before: Option<i64>,
    /// Most of them.
    pub limit: usize,
}

/// How a channel's deliveries are going.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelDeliveries {
    /// Notifications that wait.
    pub waiting: u64,
    /// When one was delivered last.
    pub delivered_us: Option<Micros>,
    /// Notifications that were given up, out of those that are kept.
    pub given_up: u64,
    /// When one was given up last.
    pub given_up_us: Option<Micros>,
    /// The newest failure among those that wait or were given up since the last delivery.
    pub error: Option<String>,
}

/// A test of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelTest {
    /// The channel's name.
    pub channel: String,
    /// Digest of the channel's settings as they were tested: a channel that was changed since is untested.
    pub target: String,
    /// When.
    pub tested_us: Micros,
    /// Whether it was taken.
    pub ok: bool,
    /// What came back, for people; no secret.
    pub said: String,
}

/// The outbox of notifications, and the tests of channels.
pub trait Notifications: Send + Sync {
    /// Puts notifications into the outbox, all or none. One that is there already, by id and channel, stays as it is.
    ///
    /// # Errors
    /// When the engine fails, or one is larger than [`MAX_NOTIFICATION`].
    fn put_notifications(&self, notifications: Vec<NewNotification>) -> Result<(), StoreError>;

    /// What a channel is to be tried with at `now`, oldest first: of each alert only the oldest that waits.
    ///
    /// # Errors
    /// When the engine fails.
    fn due_notifications(
        &self,
        channel: &str,
        now: Micros,
        limit: usize,
    ) -> Result<Vec<NotificationRecord>, StoreError>;

    /// When the next one is due, for each channel that has some waiting.
    ///
    /// # Errors
    /// When the engine fails.
    fn next_due(&self) -> Result<Vec<(String, Micros)>, StoreError>;

    /// Notes what an attempt came to. One that does not wait any longer stays as it is.
    ///
    /// # Errors
    /// When the engine fails.
    fn attempted(&self, seq: i64, at: Micros, attempt: Attempt) -> Result<(), StoreError>;

    /// Keeps the outbox within its bounds ([`MAX_WAITING`], [`MAX_SETTLED`], [`MAX_STANDING`]), and gives up what waits
    /// for channels that are not among `channels`. Returns how many notifications were given up, by channel.
    ///
    /// # Errors
    /// When the engine fails.
    fn tidy_outbox(&self, channels: &[String], at: Micros) -> Result<Vec<(String, u64)>, StoreError>;

    /// The alerts that a channel was last reminded of at or before `told_by`, oldest first.
    ///
    /// # Errors
    /// When the engine fails.
    fn standing_alerts(&self, channel: &str, told_by: Micros, limit: usize) -> Result<Vec<StandingAlert>, StoreError>;

    /// Notes that a channel was reminded of alerts.
    ///
    /// # Errors
    /// When the engine fails.
    fn reminded(&self, channel: &str, alerts: Vec<String>, at: Micros) -> Result<(), StoreError>;

    /// Notifications, newest first.
    ///
    /// # Errors
    /// When the engine fails.
    fn notifications(&self, query: &NotificationQuery<'_>) -> Result<Vec<NotificationRecord>, StoreError>;

    /// How many wait, for each channel that has some waiting.
    ///
    /// # Errors
    /// When the engine fails.
    fn waiting_notifications(&self) -> Result<Vec<(String, u64)>, StoreError>;

    /// How the deliveries of a channel are going.
    ///
    /// # Errors
    /// When the engine fails.
    fn channel_deliveries(&self, channel: &str) -> Result<ChannelDeliveries, StoreError>;

    /// Notes a test; replaces the one before.
    ///
    /// # Errors
    /// When the engine fails.
    fn put_channel_test(&self, test: &ChannelTest) -> Result<(), StoreError>;

    /// The last test of each channel.
    ///
    /// # Errors
    /// When the engine fails.
    fn channel_tests(&self) -> Result<Vec<ChannelTest>, StoreError>;
}
