//! Equal requests under way at the same time: one asks, the others wait for its answer.
//!
//! Invariants: of one key at most one leads; when it lands, all get what it brought; when it ends without, however it
//! ends (a failure, a panic, its client gone), exactly one of those who wait leads next. Whoever goes away leaves
//! nothing behind. How long to wait is the caller's to say: [`Wait::landed`] can be dropped at any moment.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::key::Key;

/// The flights under way.
#[derive(Debug)]
pub struct Flights<T> {
    under_way: Mutex<HashMap<Key, Boarded<T>>>,
}

#[derive(Debug)]
struct Boarded<T> {
    flight: Arc<Flight<T>>,
    /// Who leads or waits.
    seats: usize,
}

#[derive(Debug)]
struct Flight<T> {
    /// Its one permit is the lead, handed on in the order of waiting; closed when the flight has landed.
    lead: Arc<Semaphore>,
    /// What it brought; `None` when everybody shall go alone.
    landed: OnceLock<Option<T>>,
}

/// What came of joining.
#[derive(Debug)]
pub enum Joined<T> {
    /// Nobody else is asking: this one asks.
    Lead(Lead<T>),
    /// Somebody is.
    Wait(Wait<T>),
}

/// How waiting ended.
#[derive(Debug)]
pub enum Landed<T> {
    /// With the answer of another.
    Filled(T),
    /// Whoever led has ended without: this one asks now.
    Lead(Lead<T>),
    /// The answer is of no use to others: this one asks for itself.
    Alone,
}

/// A place in a flight; given back when dropped.
#[derive(Debug)]
struct Seat<T> {
    flights: Arc<Flights<T>>,
    flight: Arc<Flight<T>>,
    key: Key,
}

/// The right and duty to ask. Dropped without landing, it passes to one who waits.
#[derive(Debug)]
pub struct Lead<T> {
    seat: Seat<T>,
    _permit: OwnedSemaphorePermit,
}

/// A place among those who wait.
#[derive(Debug)]
pub struct Wait<T>(Seat<T>);

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Self { under_way: Mutex::default() }
    }
}

impl<T> Flights<T> {
    /// Joins the flight of a key, or begins it.
    pub fn join(self: &Arc<Self>, key: Key) -> Joined<T> {
        let mut under_way = self.under_way.lock();
        let boarded = under_way.entry(key).or_insert_with(|| Boarded {
            flight: Arc::new(Flight { lead: Arc::new(Semaphore::new(1)), landed: OnceLock::new() }),
            seats: 0,
        });
        boarded.seats += 1;
        let flight = boarded.flight.clone();
        let permit = flight.lead.clone().try_acquire_owned();
        drop(under_way);
        let seat = Seat { flights: self.clone(), flight, key };
        match permit {
            Ok(permit) => Joined::Lead(Lead { seat, _permit: permit }),
            Err(_) => Joined::Wait(Wait(seat)),
        }
    }

    /// Keys that are asked for now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.under_way.lock().len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> Drop for Seat<T> {
    fn drop(&mut self) {
        let mut under_way = self.flights.under_way.lock();
        // A flight that has landed is no longer there, and a later one of the same key is another's.
        if let Some(boarded) = under_way.get_mut(&self.key).filter(|b| Arc::ptr_eq(&b.flight, &self.flight)) {
            boarded.seats -= 1;
            if boarded.seats == 0 {
                under_way.remove(&self.key);
            }
        }
    }
}

impl<T> Lead<T> {
    /// Gives everybody who waits what was brought.
    pub fn land(self, value: T) {
        self.end(Some(value));
    }

    /// Lets everybody who waits go alone: the answer is of no use to them, and they need not ask one after the other.
    pub fn release(self) {
        self.end(None);
    }

    fn end(self, value: Option<T>) {
        let Seat { flights, flight, key } = &self.seat;
        // Who joins from here on begins another flight; who has joined finds the value.
        let _ = flight.landed.set(value);
        let mut under_way = flights.under_way.lock();
        if under_way.get(key).is_some_and(|b| Arc::ptr_eq(&b.flight, flight)) {
            under_way.remove(key);
        }
        drop(under_way);
        flight.lead.close();
    }
}

impl<T: Clone> Wait<T> {
    /// Waits until the flight lands or the lead comes to this one.
    pub async fn landed(self) -> Landed<T> {
        let Self(seat) = self;
        match seat.flight.lead.clone().acquire_owned().await {
            Ok(permit) => Landed::Lead(Lead { seat, _permit: permit }),
            Err(_closed) => match seat.flight.landed.get() {
                Some(Some(value)) => Landed::Filled(value.clone()),
                _ => Landed::Alone,
            },
        }
    }
}

#[cfg(test)]
#[path = "flight_tests.rs"]
mod tests;
