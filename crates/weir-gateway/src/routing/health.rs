//! How well a deployment is: cooldowns after failures, waits that the upstream asked for, latency, requests in flight.
//!
//! A deployment cools down after 3 failures in a row, or when more than half of at least 5 requests of the last minute
//! failed: for 5 s, doubling to 60 s, then one request probes it. A `Retry-After` blocks it for as long as it says.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use parking_lot::Mutex;
use weir_core::time::{MINUTE, Micros, SECOND};

const FAILURES_IN_A_ROW: u32 = 3;
const MIN_REQUESTS: u32 = 5;
const FIRST_COOLDOWN: Micros = 5 * SECOND;
const LONGEST_COOLDOWN: Micros = 60 * SECOND;
/// Longest wait that an upstream can ask for.
const LONGEST_BLOCK: Micros = 10 * MINUTE;

/// One model at one provider, and how it does.
#[derive(Debug)]
pub struct Deployment {
    /// `provider/model`.
    pub name: String,
    state: Mutex<State>,
    in_flight: AtomicU32,
    /// Exponentially weighted latency to the first byte, microseconds; 0 before the first answer.
    latency: AtomicI64,
    /// The model that its answers name, where its own name has no price.
    model: Mutex<Option<Arc<str>>>,
}

#[derive(Debug, Default)]
struct State {
    in_a_row: u32,
    window_start: Micros,
    requests: u32,
    failures: u32,
    cooling_until: Micros,
    cooldown: Micros,
    blocked_until: Micros,
    probing: bool,
}

/// Whether a deployment may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Yes.
    Well,
    /// Yes, this once: after a cooldown one request tries whether it is well again.
    Probe,
    /// Not while others can be.
    Cooling,
    /// The upstream asked not to be called before then.
    Blocked(Micros),
}

/// How a deployment stands, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Until when it is out of the rotation.
    pub out_until: Option<Micros>,
    /// Whether that is because its upstream asked not to be called; else it cools down after failures.
    pub blocked: bool,
    /// Weighted latency to the first byte, microseconds; `None` before the first answer.
    pub latency: Option<Micros>,
    /// Requests under way.
    pub in_flight: u32,
}

impl Deployment {
    /// A deployment that nothing is known of.
    #[must_use]
    pub fn new(name: String) -> Self {
        Self {
            name,
            state: Mutex::default(),
            in_flight: AtomicU32::new(0),
            latency: AtomicI64::new(0),
            model: Mutex::default(),
        }
    }

    /// Notes the model that its answers name.
    pub fn answers_as(&self, model: &str) {
        let mut known = self.model.lock();
        if known.as_deref() != Some(model) {
            *known = Some(model.into());
        }
    }

    /// The model that its answers name, where that was noted.
    #[must_use]
    pub fn answered_as(&self) -> Option<Arc<str>> {
        self.model.lock().clone()
    }

    /// Whether it may be called now. After a cooldown one caller is told yes, as a probe.
    pub fn health(&self, now: Micros) -> Health {
        let mut state = self.state.lock();
        if state.blocked_until > now {
            return Health::Blocked(state.blocked_until);
        }
        if state.cooling_until == 0 {
            return Health::Well;
        }
        if state.cooling_until > now || state.probing {
            return Health::Cooling;
        }
        state.probing = true;
        Health::Probe
    }

    /// How it stands; asking changes nothing.
    #[must_use]
    pub fn standing(&self, now: Micros) -> Standing {
        let state = self.state.lock();
        let until = state.blocked_until.max(state.cooling_until);
        Standing {
            out_until: Some(until).filter(|until| *until > now),
            blocked: state.blocked_until > now,
            latency: Some(self.latency.load(Ordering::Relaxed)).filter(|latency| *latency > 0),
            in_flight: self.in_flight.load(Ordering::Relaxed),
        }
    }

    /// A request went to it; the guard counts it as in flight.
    pub fn start(self: &std::sync::Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(self.clone())
    }

    /// It answered. Returns whether it was out of the rotation before.
    pub fn succeeded(&self, latency: Micros, now: Micros) -> bool {
        let old = self.latency.load(Ordering::Relaxed);
        let new = if old == 0 { latency } else { old + (latency - old) / 8 };
        self.latency.store(new.max(1), Ordering::Relaxed);
        let mut state = self.state.lock();
        state.count(now);
        state.in_a_row = 0;
        state.cooldown = 0;
        state.probing = false;
        std::mem::take(&mut state.cooling_until) != 0
    }

    /// It failed in a way that says something about it. Returns whether it just left the rotation.
    pub fn failed(&self, retry_after_ms: Option<u64>, now: Micros) -> bool {
        let mut state = self.state.lock();
        state.count(now);
        state.failures += 1;
        state.in_a_row += 1;
        state.probing = false;
        if let Some(ms) = retry_after_ms {
            let wait = Micros::try_from(ms.saturating_mul(1000)).unwrap_or(LONGEST_BLOCK).min(LONGEST_BLOCK);
            state.blocked_until = state.blocked_until.max(now + wait);
        }
        let many = state.requests >= MIN_REQUESTS && state.failures * 2 > state.requests;
        if state.in_a_row < FAILURES_IN_A_ROW && !many && state.cooling_until == 0 {
            return false;
        }
        let was_in = state.cooling_until == 0;
        state.cooldown = (state.cooldown * 2).clamp(FIRST_COOLDOWN, LONGEST_COOLDOWN);
        state.cooling_until = now + state.cooldown;
        was_in
    }

    /// The probe ended without saying anything about the deployment, for example because the client went away.
    pub fn probe_ended(&self) {
        self.state.lock().probing = false;
    }

    /// What the `latency` strategy compares: expected wait behind the requests in flight.
    #[must_use]
    pub fn load(&self) -> i64 {
        let in_flight = i64::from(self.in_flight.load(Ordering::Relaxed));
        self.latency.load(Ordering::Relaxed).saturating_mul(in_flight + 1)
    }
}

impl State {
    fn count(&mut self, now: Micros) {
        if now - self.window_start > MINUTE {
            self.window_start = now;
            self.requests = 0;
            self.failures = 0;
        }
        self.requests += 1;
    }
}

/// Counts a request as in flight until it is dropped.
#[derive(Debug)]
pub struct InFlight(std::sync::Arc<Deployment>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_cool_it_down_and_one_probe_brings_it_back() {
        let d = Deployment::new("p/m".into());
        let now = 1_000 * SECOND;
        assert!(!d.failed(None, now) && !d.failed(None, now));
        assert!(d.failed(None, now), "leaves the rotation once");
        assert_eq!(d.health(now + 4 * SECOND), Health::Cooling);
        let later = now + 6 * SECOND;
        assert_eq!(d.health(later), Health::Probe, "one probe");
        assert_eq!(d.health(later), Health::Cooling, "only one");
        assert!(!d.failed(None, later), "it was out already");
        assert_eq!(d.health(later + 9 * SECOND), Health::Cooling, "the cooldown doubled");
        assert_eq!(d.health(later + 11 * SECOND), Health::Probe);
        assert!(d.succeeded(100, later + 11 * SECOND));
        assert_eq!(d.health(later + 11 * SECOND), Health::Well);
        assert_eq!(d.health(later + 11 * SECOND), Health::Well);
    }

    #[test]
    fn more_than_half_of_five_failing_cools_it_down() {
        let d = Deployment::new("p/m".into());
        let now = 1_000 * SECOND;
        for failed in [true, false, true, false] {
            let changed = if failed { d.failed(None, now) } else { d.succeeded(1, now) };
            assert!(!changed);
        }
        assert!(d.failed(None, now));
    }

    #[test]
    fn retry_after_blocks_for_as_long_as_it_says() {
        let d = Deployment::new("p/m".into());
        d.failed(Some(2_500), 0);
        assert_eq!(d.health(2_000_000), Health::Blocked(2_500_000));
        assert_eq!(d.health(2_500_000), Health::Well);
    }

    #[test]
    fn looking_at_it_changes_nothing() {
        let d = Arc::new(Deployment::new("p/m".into()));
        let now = 1_000 * SECOND;
        let well = Standing { out_until: None, blocked: false, latency: None, in_flight: 0 };
        assert_eq!(d.standing(now), well);
        let _under_way = d.start();
        d.succeeded(800, now);
        assert_eq!(d.standing(now), Standing { latency: Some(800), in_flight: 1, ..well });
        for _ in 0..3 {
            d.failed(None, now);
        }
        assert_eq!(d.standing(now).out_until, Some(now + 5 * SECOND));
        assert_eq!(d.standing(now + 6 * SECOND).out_until, None);
        assert_eq!(d.health(now + 6 * SECOND), Health::Probe, "the probe is still to come");
        d.failed(Some(60_000), now);
        assert!(d.standing(now).blocked);
    }
}
