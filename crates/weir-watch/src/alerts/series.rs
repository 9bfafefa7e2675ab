//! The life of an alert of one series: inactive, pending, firing, resolved, and without data.
//!
//! A pure function of what the series was, what was seen, and the time. What is told follows from the state and from what
//! was told before, so that a mute that ends, or a crash between deciding and telling, neither loses nor doubles anything.

use serde::{Deserialize, Serialize};
use weir_core::time::Micros;

use super::document::NotifyOn;
use super::judge::Level;
use crate::notify::Event;

/// How a rule's series move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How long the condition must hold before it fires.
    pub pending: Micros,
    /// How long it must be over before it is resolved.
    pub keep_firing: Micros,
    /// What nothing seen means.
    pub no_data: NoData,
    /// Least samples of a value that counts.
    pub min_samples: u64,
    /// How often what goes on is told again.
    pub renotify: Option<Micros>,
    /// What is told.
    pub notify_on: Vec<NotifyOn>,
}

/// What a window without data means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoData {
    /// The value is 0.
    Zero,
    /// Nothing changes.
    Keep,
    /// All is well.
    Ok,
    /// An alert of its own, after so long.
    Alert(Micros),
}

/// What an evaluation has seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Seen {
    /// A value with its verdict.
    Level(Level),
    /// A value of too few samples: it proves nothing.
    TooFew,
    /// No value.
    Nothing,
    /// The store could not answer.
    Unknown,
}

/// Where a series is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "plain words")]
pub enum Phase {
    #[default]
    Inactive,
    Pending,
    Firing,
    Resolved,
    NoData,
}

impl Phase {
    /// Its name in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Resolved => "resolved",
            Self::NoData => "no_data",
        }
    }
}

/// What was told last of an alert that is not over for those who were told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// That it fires, as a warning.
    Warn,
    /// That it fires.
    Crit,
    /// That there is no data.
    NoData,
}

/// The state of a series. Times are those of evaluations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Series {
    /// Where it is.
    pub phase: Phase,
    /// Whether it fires, or would, as a warning only.
    pub warning: bool,
    /// Since when it is there.
    pub since: Micros,
    /// Since when the condition holds, while pending.
    pub pending_since: Option<Micros>,
    /// Since when the condition is over, while firing.
    pub clear_since: Option<Micros>,
    /// Since when nothing was seen.
    pub empty_since: Option<Micros>,
    /// When the alert began.
    pub starts_at: Option<Micros>,
    /// When it was over.
    pub ends_at: Option<Micros>,
    /// What was told last, until its end was told.
    pub told: Option<Told>,
    /// When.
    pub told_at: Micros,
    /// How often something was told in the life of the series: part of the notifications' ids.
    pub count: u64,
}

/// What silences a series now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quiet {
    /// Nothing is told.
    pub muted: bool,
    /// Somebody takes care: it is not told again and again.
    pub acknowledged: bool,
}

impl Series {
    /// The level that it fires at; `Ok` while it does not.
    #[must_use]
    pub fn firing(&self) -> Level {
        match (self.phase, self.warning) {
            (Phase::Firing, true) => Level::Warn,
            (Phase::Firing, false) => Level::Crit,
            _ => Level::Ok,
        }
    }

    /// Whether it may be forgotten: nothing is wrong, and nobody waits to hear so.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        matches!(self.phase, Phase::Inactive | Phase::Resolved) && self.told.is_none()
    }

    /// The series after an evaluation at `now`.
    #[must_use]
    pub fn step(&self, policy: &Policy, seen: Seen, now: Micros) -> Self {
        let mut next = self.clone();
        match seen {
            Seen::Unknown => {}
            Seen::Level(level) => {
                next.empty_since = None;
                next.go(policy, level, now);
            }
            Seen::TooFew => {
                next.empty_since = None;
                if policy.no_data == NoData::Ok || self.phase == Phase::NoData {
                    next.go(policy, Level::Ok, now);
                }
            }
            Seen::Nothing => match policy.no_data {
                // Whoever evaluates makes a value of 0 of it where a condition can judge one.
                NoData::Zero | NoData::Keep => {}
                NoData::Ok => next.go(policy, Level::Ok, now),
                NoData::Alert(after) => {
                    let since = *next.empty_since.get_or_insert(now);
                    if now.saturating_sub(since) >= after && next.phase != Phase::NoData {
                        next.starts_at = Some(now);
                        next.ends_at = None;
                        next.enter(Phase::NoData, now);
                    }
                }
            },
        }
        next
    }

    /// What is to be told now, and the series after it was told.
    #[must_use]
    pub fn announce(&self, policy: &Policy, quiet: Quiet, now: Micros) -> (Self, Option<Event>) {
        let mut next = self.clone();
        if quiet.muted {
            return (next, None);
        }
        let standing = match (self.phase, self.warning) {
            (Phase::Firing, true) => Some(Told::Warn),
            (Phase::Firing, false) => Some(Told::Crit),
            (Phase::NoData, _) => Some(Told::NoData),
            (Phase::Pending, _) => return (next, None),
            (Phase::Inactive | Phase::Resolved, _) => None,
        };
        let due = policy.renotify.is_some_and(|every| now.saturating_sub(self.told_at) >= every);
        let (event, wanted) = match (standing, self.told) {
            (None, None) => return (next, None),
            (None, Some(_)) => (Event::Resolved, NotifyOn::Resolve),
            (Some(Told::NoData), told) if told != Some(Told::NoData) => (Event::NoData, NotifyOn::NoData),
            (Some(_), None | Some(Told::NoData)) if standing != Some(Told::NoData) => (Event::Fired, NotifyOn::Fire),
            (Some(Told::Crit), Some(Told::Warn)) => (Event::Escalated, NotifyOn::Escalate),
            // What became milder is no news.
            _ if due && !quiet.acknowledged => (Event::Renotified, NotifyOn::Fire),
            _ => return (next, None),
        };
        next.told = standing;
        next.told_at = now;
        // Also where it is not wanted: it counts as told, so that its end is.
        if !policy.notify_on.contains(&wanted) {
            return (next, None);
        }
        next.count = next.count.saturating_add(1);
        (next, Some(event))
    }

    fn go(&mut self, policy: &Policy, level: Level, now: Micros) {
        let holds = level > Level::Ok;
        match self.phase {
            Phase::Firing if holds => {
                self.clear_since = None;
                self.warning = level == Level::Warn;
            }
            Phase::Firing => {
                let since = *self.clear_since.get_or_insert(now);
                if now.saturating_sub(since) >= policy.keep_firing {
                    self.over(now);
                }
            }
            Phase::NoData if !holds => self.over(now),
            Phase::Pending if !holds => {
                self.pending_since = None;
                self.enter(Phase::Inactive, now);
            }
            Phase::Inactive | Phase::Resolved if !holds => {}
            Phase::Inactive | Phase::Resolved | Phase::Pending | Phase::NoData => {
                self.warning = level == Level::Warn;
                let since = *self.pending_since.get_or_insert(now);
                if now.saturating_sub(since) >= policy.pending {
                    self.pending_since = None;
                    self.starts_at = Some(now);
                    self.ends_at = None;
                    self.enter(Phase::Firing, now);
                } else if self.phase != Phase::Pending {
                    self.enter(Phase::Pending, now);
                }
            }
        }
    }

    fn over(&mut self, now: Micros) {
        self.clear_since = None;
        self.ends_at = Some(now);
        self.enter(Phase::Resolved, now);
    }

    fn enter(&mut self, phase: Phase, now: Micros) {
        self.phase = phase;
        self.since = now;
    }
}
