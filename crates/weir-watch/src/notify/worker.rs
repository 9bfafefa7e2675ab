//! From the outbox to the channels: at least once, of each alert one after the other.
//!
//! What an attempt came to is noted after the receiver answered, so that a crash in between sends it again under its id.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{Id, JoinSet};
use weir_core::time::{MINUTE, Micros, SECOND};
use weir_store::catalog::{Attempt, Delivery, NotificationQuery, NotificationRecord, Notifications, Standing};
use weir_store::telemetry::StoreError;

use super::channel::Channel;
use super::forms::When;
use super::notification::{Event, Notification};
use super::pace::Pace;
use super::post::Post;
use super::send::Outcome;

/// The outbox is looked at that often, woken or not.
const LOOK_EVERY: Micros = SECOND;
/// Shortest wait between two looks.
const BREATHE: Micros = 20_000;
/// Notifications of a channel that are looked at at a time.
const LOOK: usize = 64;
/// Alerts of one reminder.
const MAX_REMINDED: usize = 200;
/// The pause after the store could not note what was done.
const STORE_PAUSE: Micros = 5 * SECOND;

/// Delivers.
pub(super) struct Worker {
    post: Arc<Post>,
    paces: HashMap<String, Pace>,
    jobs: JoinSet<Done>,
    /// The channel and place of each job, for those that die.
    under_way: HashMap<Id, (Arc<Channel>, i64)>,
    reminding: HashSet<String>,
    /// When a channel may be reminded again after that failed.
    remind_from: HashMap<String, Micros>,
    tidied: Micros,
}

/// What a job came to.
enum Done {
    Told { channel: Arc<Channel>, record: NotificationRecord, told: Told },
    Reminded { channel: Arc<Channel>, alerts: Vec<String>, outcome: Outcome },
}

enum Told {
    /// It was tried; what the channel is to be reminded of then.
    Tried(Outcome, Standing),
    /// It is not for this channel.
    Unwanted,
    /// The outbox could not be asked.
    Unasked(StoreError),
}

impl Worker {
    pub(super) fn new(post: Arc<Post>) -> Self {
        Self {
            post,
            paces: HashMap::new(),
            jobs: JoinSet::new(),
            under_way: HashMap::new(),
            reminding: HashSet::new(),
            remind_from: HashMap::new(),
            tidied: Micros::MIN,
        }
    }

    /// Delivers until it is told to stop; then waits for what is under way.
    pub(super) async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        while !*stopped.borrow_and_update() {
            let pause = match self.round().await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::warn!(%error, "the outbox of notifications cannot be used; it is tried again");
                    STORE_PAUSE
                }
            };
            tokio::select! {
                biased;
                _ = stopped.changed() => {}
                Some(done) = self.jobs.join_next_with_id() => self.ended(done).await,
                () = self.post.wake.notified() => {}
                () = tokio::time::sleep(Duration::from_micros(pause.max(BREATHE).unsigned_abs())) => {}
            }
        }
        while let Some(done) = self.jobs.join_next_with_id().await {
            self.ended(done).await;
        }
    }

    /// Begins what is due; how long until there may be more.
    async fn round(&mut self) -> Result<Micros, StoreError> {
        let now = self.post.parts.clock.now();
        let channels = self.post.channels();
        if now.saturating_sub(self.tidied) >= MINUTE {
            self.tidied = now;
            self.tidy(channels.names(), now).await?;
        }
        let mut pause = LOOK_EVERY;
        for (name, due) in self.store(|store| store.next_due()).await? {
            if due > now {
                pause = pause.min(due - now);
                continue;
            }
            let Some(channel) = channels.get(&name) else { continue };
            if !self.paces.entry(name.clone()).or_default().is_open(now) {
                continue;
            }
            let due = self.store(move |store| store.due_notifications(&name, now, LOOK)).await?;
            let begun = self.paces.entry(channel.name.clone()).or_default().begin(due, now);
            begun.into_iter().for_each(|record| self.tell(channel, record));
        }
        for channel in channels.iter() {
            if let Some(repeat) = channel.repeat {
                self.remind(channel, now - repeat, now).await?;
            }
        }
        Ok(pause)
    }

    async fn tidy(&mut self, names: Vec<String>, now: Micros) -> Result<(), StoreError> {
        self.paces.retain(|name, pace| names.contains(name) || !pace.is_open(now));
        self.remind_from.retain(|name, _| names.contains(name));
        for (channel, count) in self.store(move |store| store.tidy_outbox(&names, now)).await? {
            tracing::warn!(channel, count, "notifications were given up: too many, or their channel is gone");
            self.post.parts.observer.notified(&channel, "given_up", count);
        }
        Ok(())
    }

    fn tell(&mut self, channel: &Arc<Channel>, record: NotificationRecord) {
        let (post, to, seq) = (self.post.clone(), channel.clone(), record.seq);
        let job = self.jobs.spawn(async move {
            let told = attempt(&post, &to, &record).await;
            Done::Told { channel: to, record, told }
        });
        self.under_way.insert(job.id(), (channel.clone(), seq));
    }

    async fn remind(&mut self, channel: &Arc<Channel>, told_by: Micros, now: Micros) -> Result<(), StoreError> {
        let name = channel.name.clone();
        if self.reminding.contains(&name) || self.remind_from.get(&name).is_some_and(|from| now < *from) {
            return Ok(());
        }
        let asked = name.clone();
        let standing = self.store(move |store| store.standing_alerts(&asked, told_by, MAX_REMINDED)).await?;
        if standing.is_empty() {
            return Ok(());
        }
        let alerts: Vec<String> = standing.iter().map(|one| one.alert.clone()).collect();
        let told: Vec<Notification> = standing.iter().filter_map(|one| serde_json::from_str(&one.body).ok()).collect();
        let (post, channel) = (self.post.clone(), channel.clone());
        self.reminding.insert(name);
        let place = (channel.clone(), 0);
        let job = self.jobs.spawn(async move {
            let outcome = post.sender.reminder(&channel, &told, now).await;
            Done::Reminded { channel, alerts, outcome }
        });
        self.under_way.insert(job.id(), place);
        Ok(())
    }

    async fn ended(&mut self, done: Result<(Id, Done), tokio::task::JoinError>) {
        let now = self.post.parts.clock.now();
        match done {
            Ok((id, Done::Told { channel, record, told })) => {
                self.under_way.remove(&id);
                self.settle(&channel, &record, told, now).await;
            }
            Ok((id, Done::Reminded { channel, alerts, outcome })) => {
                self.under_way.remove(&id);
                self.reminding.remove(&channel.name);
                self.reminded(&channel, alerts, &outcome, now).await;
            }
            Err(defect) => {
                tracing::error!(%defect, "telling a channel met a defect; it is tried again");
                if let Some((channel, seq)) = self.under_way.remove(&defect.id()) {
                    self.reminding.remove(&channel.name);
                    self.paces.entry(channel.name.clone()).or_default().failed(seq, now, Some(MINUTE), 1.0);
                }
            }
        }
    }

    async fn reminded(&mut self, channel: &Channel, alerts: Vec<String>, outcome: &Outcome, now: Micros) {
        let noted = match outcome {
            Outcome::Taken(_) => {
                let name = channel.name.clone();
                self.store(move |store| store.reminded(&name, alerts, now)).await
            }
            Outcome::Later { said, .. } | Outcome::Refused(said) => {
                tracing::warn!(
                    channel = channel.name,
                    said,
                    "the channel is not reminded of what goes on; tried again"
                );
                Err(StoreError::Unavailable(said.clone()))
            }
        };
        if noted.is_err() {
            let pause = channel.repeat.unwrap_or(MINUTE).min(10 * SECOND);
            self.remind_from.insert(channel.name.clone(), now + pause);
        }
    }

    /// Notes what an attempt came to.
    async fn settle(&mut self, channel: &Channel, record: &NotificationRecord, told: Told, now: Micros) {
        let pace = self.paces.entry(channel.name.clone()).or_default();
        let (seq, id) = (record.seq, record.new.id.as_str());
        let (attempt, counted) = match told {
            Told::Unasked(error) => {
                tracing::warn!(%error, "the outbox of notifications cannot be used; it is tried again");
                pace.failed(seq, now, Some(STORE_PAUSE), 1.0);
                return;
            }
            Told::Unwanted => {
                pace.reached(seq);
                (Attempt::Unwanted, None)
            }
            Told::Tried(Outcome::Taken(_), standing) => {
                if pace.reached(seq) {
                    tracing::info!(channel = channel.name, "the channel takes notifications again");
                }
                (Attempt::Delivered(standing), Some("delivered"))
            }
            Told::Tried(Outcome::Refused(error), _) => {
                pace.reached(seq);
                (Attempt::GivenUp { error }, Some("given_up"))
            }
            Told::Tried(Outcome::Later { said, asked }, _) => {
                let (next_try_us, begins) = pace.failed(seq, now, asked, fastrand::f64());
                if begins {
                    tracing::warn!(
                        channel = channel.name,
                        said,
                        "the channel does not take notifications; tried again"
                    );
                }
                if next_try_us.saturating_sub(record.new.created_us) > channel.give_up_after {
                    (Attempt::GivenUp { error: format!("tried for too long; last: {said}") }, Some("given_up"))
                } else {
                    (Attempt::Failed { next_try_us, error: said }, Some("failed"))
                }
            }
        };
        if let Attempt::GivenUp { error } = &attempt {
            tracing::warn!(channel = channel.name, id, error, "a notification was given up");
        }
        if let Some(outcome) = counted {
            self.post.parts.observer.notified(&channel.name, outcome, 1);
        }
        if let Err(error) = self.store(move |store| store.attempted(seq, now, attempt)).await {
            tracing::warn!(%error, id, "what became of a notification cannot be noted; it is sent again");
            let pace = self.paces.entry(channel.name.clone()).or_default();
            pace.failed(seq, now, Some(STORE_PAUSE), 1.0);
        }
    }

    /// Asks the outbox beside the runtime.
    async fn store<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn Notifications) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.post.parts.store.clone();
        let asked = tokio::task::spawn_blocking(move || ask(&*store)).await;
        asked.unwrap_or_else(|defect| Err(StoreError::Unavailable(defect.to_string())))
    }
}

/// One attempt.
async fn attempt(post: &Post, channel: &Arc<Channel>, record: &NotificationRecord) -> Told {
    let notification: Notification = match serde_json::from_str(&record.new.body) {
        Ok(notification) => notification,
        Err(error) => {
            let why = format!("the notification cannot be read: {error}");
            return Told::Tried(Outcome::Refused(why), Standing::Untouched);
        }
    };
    let event = notification.event;
    if event != Event::Test && !channel.takes(notification.alert.severity) {
        match knows(post, channel, &record.new.alert).await {
            // What it was told of is told to its end.
            Ok(true) if matches!(event, Event::Resolved | Event::Acknowledged) => {}
            Ok(_) => return Told::Unwanted,
            Err(error) => return Told::Unasked(error),
        }
    }
    let when = When { made: record.new.created_us, now: post.parts.clock.now() };
    let outcome = post.sender.notification(channel, &notification, when).await;
    Told::Tried(outcome, standing(channel, event))
}

/// What the channel is to be reminded of after it was told of an event.
fn standing(channel: &Channel, event: Event) -> Standing {
    match event {
        _ if channel.repeat.is_none() => Standing::Untouched,
        Event::Fired | Event::Escalated | Event::Renotified | Event::NoData => Standing::Remind,
        Event::Resolved => Standing::Forget,
        Event::Acknowledged | Event::Test => Standing::Untouched,
    }
}

/// Whether the last thing that the channel took of an alert is not its end.
async fn knows(post: &Post, channel: &Arc<Channel>, alert: &str) -> Result<bool, StoreError> {
    let (store, name, alert) = (post.parts.store.clone(), channel.name.clone(), alert.to_owned());
    let asked = tokio::task::spawn_blocking(move || {
        store.notifications(&NotificationQuery {
            channel: Some(&name),
            alert: Some(&alert),
            delivery: Some(Delivery::Delivered),
            before: None,
            limit: 1,
        })
    });
    let last = asked.await.unwrap_or_else(|defect| Err(StoreError::Unavailable(defect.to_string())))?;
    let last = last.first().and_then(|record| serde_json::from_str::<Notification>(&record.new.body).ok());
    Ok(last.is_some_and(|told| told.event != Event::Resolved))
}
