use std::sync::Arc;

use parking_lot::Mutex;
use weir_core::access::KeyLimits;
use weir_core::error::{Code, Error};
use weir_core::money::NanoUsd;
use weir_core::time::Micros;

use super::bucket::Bucket;
use super::budget::{Budget, Period};

/// What one key has used. Survives a reload of the configuration.
#[derive(Debug)]
pub struct KeyState {
    name: String,
    limits: KeyLimits,
    used: Mutex<Used>,
}

#[derive(Debug)]
struct Used {
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
    budgets: Vec<Budget>,
}

/// What is left, for the `x-ratelimit-*` headers: (remaining, limit).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remaining {
    /// Requests.
    pub requests: Option<(u64, u64)>,
    /// Tokens.
    pub tokens: Option<(u64, u64)>,
}

impl KeyState {
    /// A key that has used nothing.
    #[must_use]
    pub fn new(name: String, limits: KeyLimits, now: Micros) -> Self {
        let budget = |period, limit: Option<NanoUsd>| limit.map(|limit| Budget::new(period, limit, now));
        let budgets = [budget(Period::Day, limits.budget_per_day), budget(Period::Month, limits.budget_per_month)];
        let used = Used {
            requests: limits.rpm.map(|rpm| Bucket::new(u64::from(rpm), now)),
            tokens: limits.tpm.map(|tpm| Bucket::new(tpm, now)),
            budgets: budgets.into_iter().flatten().collect(),
        };
        Self { name, limits, used: Mutex::new(used) }
    }

    /// The limits that it was made with.
    #[must_use]
    pub fn limits(&self) -> &KeyLimits {
        &self.limits
    }

    /// The start of each budget's current period, so that its spend can be read from the store.
    #[must_use]
    pub fn budget_starts(&self, now: Micros) -> Vec<Micros> {
        self.used.lock().budgets.iter().map(|b| b.period.bounds(now).0).collect()
    }

    /// Takes over what was spent before this process began, in the order of [`KeyState::budget_starts`].
    pub fn set_spent(&self, spent: &[NanoUsd]) {
        for (budget, spent) in self.used.lock().budgets.iter_mut().zip(spent) {
            budget.set_spent(*spent);
        }
    }

    /// Carries the spend of a budget over to a changed configuration.
    pub fn take_over(&self, before: &Self, now: Micros) {
        let mut used = self.used.lock();
        let mut before = before.used.lock();
        for budget in &mut used.budgets {
            if let Some(old) = before.budgets.iter_mut().find(|b| b.period == budget.period) {
                old.roll(now);
                // What is still reserved will be settled with the state before; it counts as spent here.
                budget.set_spent(old.spent().saturating_add(old.reserved()));
            }
        }
    }

    /// Reserves an estimate of tokens and cost.
    ///
    /// # Errors
    /// 429 with the time to try again: a rate limit, or a spent budget.
    pub fn reserve(self: &Arc<Self>, tokens: u64, cost: NanoUsd, now: Micros) -> Result<Reservation, Error> {
        let mut used = self.used.lock();
        for budget in &mut used.budgets {
            budget.roll(now);
            if let Err(ms) = budget.fits(cost, now) {
                let message = format!(
                    "the budget of key \"{}\" for this {} is spent: {:.4} of {:.4} USD are left and this call may cost \
                     {:.4}; it begins anew in {} minutes",
                    self.name,
                    budget.period.name(),
                    budget.remaining().as_usd(),
                    budget.limit.as_usd(),
                    cost.as_usd(),
                    ms.div_ceil(60_000)
                );
                return Err(Error::new(Code::BudgetExceeded, message).retry_after_ms(ms));
            }
        }
        let limited = |what: &str, limit: u64, ms: u64| {
            let message = format!(
                "key \"{}\" has used its {limit} {what} per minute; try again in {:.1} s",
                self.name,
                ms as f64 / 1000.0
            );
            Error::new(Code::RateLimited, message).retry_after_ms(ms)
        };
        if let Some(bucket) = &mut used.requests {
            bucket.take(1.0, now).map_err(|ms| limited("requests", u64::from(self.limits.rpm.unwrap_or(0)), ms))?;
        }
        if let Some(bucket) = &mut used.tokens
            && let Err(ms) = bucket.take(tokens as f64, now)
        {
            // The request was not made, so it does not count as one.
            if let Some(requests) = &mut used.requests {
                requests.put(1.0);
            }
            return Err(limited("tokens", self.limits.tpm.unwrap_or(0), ms));
        }
        for budget in &mut used.budgets {
            budget.reserve(cost);
        }
        drop(used);
        Ok(Reservation { state: self.clone(), tokens, cost, settled: false })
    }

    /// What is left now.
    #[must_use]
    pub fn remaining(&self, now: Micros) -> Remaining {
        let mut used = self.used.lock();
        Remaining {
            requests: used.requests.as_mut().map(|b| b.remaining(now)),
            tokens: used.tokens.as_mut().map(|b| b.remaining(now)),
        }
    }

    /// What is left of each budget: its period and dollars.
    #[must_use]
    pub fn budgets(&self, now: Micros) -> Vec<(&'static str, NanoUsd)> {
        let mut used = self.used.lock();
        used.budgets
            .iter_mut()
            .map(|b| {
                b.roll(now);
                (b.period.name(), b.remaining())
            })
            .collect()
    }
}

/// An estimate that is held until the call's real use is known. Dropped unsettled, the call used nothing.
#[derive(Debug)]
pub struct Reservation {
    state: Arc<KeyState>,
    tokens: u64,
    cost: NanoUsd,
    settled: bool,
}

impl Reservation {
    /// Replaces the estimate by what was used.
    pub fn settle(mut self, tokens: u64, cost: NanoUsd) {
        self.release(tokens, cost);
    }

    /// Whose it is.
    #[must_use]
    pub fn key(&self) -> &Arc<KeyState> {
        &self.state
    }

    fn release(&mut self, tokens: u64, cost: NanoUsd) {
        if std::mem::replace(&mut self.settled, true) {
            return;
        }
        let mut used = self.state.used.lock();
        if let Some(bucket) = &mut used.tokens {
            bucket.put(self.tokens as f64 - tokens as f64);
        }
        for budget in &mut used.budgets {
            budget.settle(self.cost, cost);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.release(0, NanoUsd::ZERO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_core::time::{DAY, SECOND};

    fn state(limits: KeyLimits) -> Arc<KeyState> {
        Arc::new(KeyState::new("k".into(), limits, 0))
    }

    #[test]
    fn requests_per_minute() {
        let key = state(KeyLimits { rpm: Some(2), ..KeyLimits::default() });
        assert!(key.reserve(0, NanoUsd::ZERO, 0).is_ok() && key.reserve(0, NanoUsd::ZERO, 0).is_ok());
        let refused = key.reserve(0, NanoUsd::ZERO, 0).unwrap_err();
        assert_eq!((refused.code, refused.retry_after_ms), (Code::RateLimited, Some(30_000)));
        assert!(key.reserve(0, NanoUsd::ZERO, 30 * SECOND).is_ok());
    }

    #[test]
    fn tokens_are_reserved_and_settled() {
        let key = state(KeyLimits { tpm: Some(1_000), rpm: Some(10), ..KeyLimits::default() });
        let first = key.reserve(800, NanoUsd::ZERO, 0).unwrap();
        assert!(key.reserve(300, NanoUsd::ZERO, 0).is_err(), "the reservation counts");
        assert_eq!(key.remaining(0).requests, Some((9, 10)), "a refused request is no request");
        first.settle(100, NanoUsd::ZERO);
        assert_eq!(key.remaining(0).tokens, Some((900, 1_000)));
        drop(key.reserve(900, NanoUsd::ZERO, 0).unwrap());
        assert_eq!(key.remaining(0).tokens, Some((900, 1_000)), "an unsettled call used nothing");
    }

    #[test]
    fn a_budget_cannot_be_spent_twice_and_begins_anew() {
        let key = state(KeyLimits { budget_per_day: Some(NanoUsd(1_000)), ..KeyLimits::default() });
        let first = key.reserve(0, NanoUsd(600), 0).unwrap();
        let refused = key.reserve(0, NanoUsd(600), 0).unwrap_err();
        assert_eq!(refused.code, Code::BudgetExceeded);
        first.settle(0, NanoUsd(1_000));
        assert!(key.reserve(0, NanoUsd::ZERO, 0).is_err(), "nothing is left, also for free calls");
        assert!(key.reserve(0, NanoUsd(600), DAY).is_ok());
    }
}
