//! Who asks: departments of a shop for electric bicycles with their rhythms, models and habits; customers and sessions.

use weir_core::time::{MINUTE, Micros};

use super::calendar::Rhythm;
use super::chance::Chance;
use super::topics::{self, Topic};

/// How long a conversation waits for its customer.
const PATIENCE: Micros = 12 * MINUTE;
/// Conversations of a department that go on at a time.
const OPEN: usize = 64;
/// Longest conversation, in turns.
const TURNS: usize = 6;

/// What a department's assistant does with a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Habit {
    /// The workflow `support-assistant`.
    Assistant,
    /// The workflow `refund-desk`.
    RefundDesk,
    /// One call of a model, through the gateway.
    Call,
}

/// A department.
pub(super) struct Department {
    pub(super) name: &'static str,
    /// Name of the key that it calls with.
    pub(super) key: &'static str,
    /// Its part of all calls.
    pub(super) share: f64,
    pub(super) rhythm: Rhythm,
    /// The workflow of those requests that go through one.
    pub(super) workflow: Habit,
    /// How many do.
    pub(super) traced: f64,
    /// How much it uses each of the models.
    pub(super) models: [f64; 4],
    /// Part of its single calls that the cache answers.
    pub(super) cached: f64,
    /// How many customers it has.
    pub(super) customers: usize,
    pub(super) topics: &'static [Topic],
    /// Place of the prompt of its single calls.
    pub(super) prompt: usize,
}

impl Department {
    /// Calls of models per request, about.
    pub(super) fn calls_per_request(&self) -> f64 {
        let per_trace = if self.workflow == Habit::Assistant { 2.0 } else { 1.0 };
        1.0 + self.traced * (per_trace - 1.0)
    }
}

pub(super) static DEPARTMENTS: [Department; 3] = [
    Department {
        name: "support",
        key: "support-app",
        share: 0.5,
        rhythm: Rhythm { peak: 13.5, width: 5.0, floor: 0.15, weekend: 0.6 },
        workflow: Habit::Assistant,
        traced: 0.4,
        models: [0.42, 0.1, 0.3, 0.18],
        cached: 0.24,
        customers: 2_400,
        topics: topics::SUPPORT,
        prompt: super::prompts::SUPPORT,
    },
    Department {
        name: "billing",
        key: "billing-desk",
        share: 0.3,
        // Claims are also worked off at night, so that it is never quiet.
        rhythm: Rhythm { peak: 11.0, width: 5.0, floor: 0.25, weekend: 0.65 },
        workflow: Habit::RefundDesk,
        traced: 0.5,
        models: [0.1, 0.35, 0.3, 0.25],
        cached: 0.06,
        customers: 900,
        topics: topics::BILLING,
        prompt: super::prompts::REFUND,
    },
    Department {
        name: "sales",
        key: "web-shop",
        share: 0.2,
        rhythm: Rhythm { peak: 18.0, width: 4.5, floor: 0.15, weekend: 1.1 },
        workflow: Habit::Call,
        traced: 0.0,
        models: [0.55, 0.05, 0.25, 0.15],
        cached: 0.2,
        customers: 5_000,
        topics: topics::SALES,
        prompt: super::prompts::ADVICE,
    },
];

/// A conversation with a customer.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) user: String,
    pub(super) topic: usize,
    /// Turns before this one.
    pub(super) turn: usize,
    pub(super) order: String,
    pub(super) plan: &'static str,
    pub(super) channel: &'static str,
    last: Micros,
}

/// The conversations of one department.
#[derive(Default)]
pub(super) struct Sessions {
    open: Vec<Session>,
}

impl Sessions {
    /// Whose turn it is: a conversation goes on, or one begins.
    pub(super) fn turn(&mut self, of: &Department, at: Micros, chance: &mut Chance) -> Session {
        self.open.retain(|session| session.last + PATIENCE >= at && session.turn + 1 < TURNS);
        if !self.open.is_empty() && chance.happens(0.45) {
            let place = chance.below(self.open.len());
            if let Some(session) = self.open.get_mut(place) {
                session.turn += 1;
                session.last = at;
                return session.clone();
            }
        }
        // Few customers write often: the square of a uniform number.
        let number = (chance.between(0.0, 1.0).powi(2) * of.customers as f64) as usize;
        let session = Session {
            id: format!("conv-{}", chance.hex(10)),
            user: format!("customer-{number:04}"),
            topic: chance.below(of.topics.len()),
            turn: 0,
            order: format!("V{:06}", 100_000 + chance.below(900_000)),
            plan: chance.one(&["basic", "basic", "care", "care plus"]),
            channel: chance.one(&["web", "web", "app", "email"]),
            last: at,
        };
        if self.open.len() >= OPEN {
            self.open.swap_remove(chance.below(OPEN));
        }
        self.open.push(session.clone());
        session
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_departments_share_all_calls() {
        let sum: f64 = DEPARTMENTS.iter().map(|department| department.share).sum();
        assert!((sum - 1.0).abs() < 1e-9);
    }

    #[test]
    fn conversations_have_several_turns_and_end() {
        let mut chance = Chance::new(1, 0);
        let mut sessions = Sessions::default();
        let turns: Vec<_> =
            (0..2_000).map(|n| sessions.turn(&DEPARTMENTS[0], n * MINUTE / 2, &mut chance).turn).collect();
        assert_eq!(turns.iter().max(), Some(&(TURNS - 1)));
        assert!(sessions.open.len() <= OPEN);
        assert!(turns.iter().filter(|turn| **turn == 0).count() > 800);
    }
}
