use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use weir_core::access::KeyLimits;
use weir_core::error::{Code, Error};
use weir_core::money::NanoUsd;
use weir_core::time::Micros;

use super::bucket::Bucket;
use super::budget::{Budget, Period};

/// Whose allowance it is: a label and its value, as in `key "checkout"` or `department "engineering"`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    /// `key`, `department`, `project`, `user`, or a member of the request's metadata.
    pub label: String,
    /// Its value.
    pub value: String,
}

impl Owner {
    /// The name of its budget of a period in metrics: `checkout/day` of a key, `department:sales/day` of a label.
    #[must_use]
    pub fn budget(&self, period: &str) -> String {
        let Self { label, value } = self;
        if label == "key" { format!("{value}/{period}") } else { format!("{label}:{value}/{period}") }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.label, self.value)
    }
}

/// What may be used, from when on a budget alerts, and what happens when one is spent.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// The limits.
    pub limits: KeyLimits,
    /// The share of a budget from which on it alerts.
    pub soft: f64,
    /// The model that serves calls once a budget is spent; without one they are refused.
    pub fallback: Option<String>,
}

/// A budget passed a line. Told once per line and period.
#[derive(Clone, Debug, PartialEq)]
pub struct Crossing {
    /// Whose budget.
    pub owner: Owner,
    /// `day` or `month`.
    pub period: &'static str,
    /// `soft` or `hard`.
    pub line: &'static str,
    /// Spent so far.
    pub spent: NanoUsd,
    /// The whole budget.
    pub limit: NanoUsd,
}

/// Why nothing was reserved.
#[derive(Debug)]
pub struct Refused {
    /// For the caller.
    pub error: Error,
    /// The hard line of a budget, where this is the first refusal of its period.
    pub crossing: Option<Crossing>,
}

/// What one key, department or other label has used. Survives a reload of the configuration.
#[derive(Debug)]
pub struct Allowance {
    owner: Owner,
    terms: Terms,
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

/// A budget as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetState {
    /// `day` or `month`.
    pub period: &'static str,
    /// The whole.
    pub limit: NanoUsd,
    /// What is left, reservations taken off; negative when overspent.
    pub left: NanoUsd,
}

impl Allowance {
    /// An allowance of which nothing is used.
    #[must_use]
    pub fn new(owner: Owner, terms: Terms, now: Micros) -> Self {
        let limits = terms.limits;
        let budget = |period, limit: Option<NanoUsd>| limit.map(|limit| Budget::new(period, limit, now));
        let budgets = [budget(Period::Day, limits.budget_per_day), budget(Period::Month, limits.budget_per_month)];
        let used = Used {
            requests: limits.rpm.map(|rpm| Bucket::new(u64::from(rpm), now)),
            tokens: limits.tpm.map(|tpm| Bucket::new(tpm, now)),
            budgets: budgets.into_iter().flatten().collect(),
        };
        Self { owner, terms, used: Mutex::new(used) }
    }

    /// Whose it is.
    #[must_use]
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// The terms that it was made with.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The start of each budget's current period, so that its spend can be read from the store.
    #[must_use]
    pub fn budget_starts(&self, now: Micros) -> Vec<Micros> {
        self.used.lock().budgets.iter().map(|b| b.period.bounds(now).0).collect()
    }

    /// Takes over what the store knows to be spent, in the order of [`Allowance::budget_starts`]. Lines that were passed
    /// before are not told of again. What is known here already is never lowered.
    pub fn set_spent(&self, spent: &[NanoUsd]) {
        for (budget, spent) in self.used.lock().budgets.iter_mut().zip(spent) {
            budget.raise_spent(*spent);
            budget.crossed(self.terms.soft);
        }
    }

    /// Carries what was used over to a changed configuration.
    pub fn take_over(&self, before: &Self, now: Micros) {
        let used = &mut *self.used.lock();
        let before = &mut *before.used.lock();
        let buckets = [(&mut used.requests, &mut before.requests), (&mut used.tokens, &mut before.tokens)];
        for (new, old) in buckets {
            if let (Some(new), Some(old)) = (new, old) {
                new.take_over(old, now);
            }
        }
        for budget in &mut used.budgets {
            if let Some(old) = before.budgets.iter().find(|b| b.period == budget.period) {
                budget.take_over(old, now);
            }
        }
    }

    /// Whether it has a budget for a period that the other one has none for.
    #[must_use]
    pub fn has_new_budget(&self, before: &Self) -> bool {
        let (new, old) = (self.terms.limits, before.terms.limits);
        let is_new = |new: Option<NanoUsd>, old: Option<NanoUsd>| new.is_some() && old.is_none();
        is_new(new.budget_per_day, old.budget_per_day) || is_new(new.budget_per_month, old.budget_per_month)
    }

    /// Reserves an estimate of tokens and cost. Unless `enforce`, a spent budget does not refuse; what is used counts all
    /// the same.
    ///
    /// # Errors
    /// 429 with the time to try again: a rate limit, or a spent budget.
    pub fn reserve(
        self: &Arc<Self>,
        tokens: u64,
        cost: NanoUsd,
        enforce: bool,
        now: Micros,
    ) -> Result<Reservation, Box<Refused>> {
        let limits = self.terms.limits;
        let mut used = self.used.lock();
        for budget in &mut used.budgets {
            budget.roll(now);
            if let (Err(ms), true) = (budget.fits(cost, now), enforce) {
                let crossing = budget.refused_first().then(|| self.crossing(budget, "hard"));
                return Err(Box::new(Refused { error: self.spent(budget, cost, ms), crossing }));
            }
        }
        let limited = |what: &str, limit: u64, ms: u64| {
            let message = format!(
                "{} has used its {limit} {what} per minute; try again in {:.1} s",
                self.owner,
                ms as f64 / 1000.0
            );
            Box::new(Refused { error: Error::new(Code::RateLimited, message).retry_after_ms(ms), crossing: None })
        };
        if let Some(bucket) = &mut used.requests {
            bucket.take(1.0, now).map_err(|ms| limited("requests", u64::from(limits.rpm.unwrap_or(0)), ms))?;
        }
        if let Some(bucket) = &mut used.tokens
            && let Err(ms) = bucket.take(tokens as f64, now)
        {
            // The request was not made, so it does not count as one.
            if let Some(requests) = &mut used.requests {
                requests.put(1.0);
            }
            return Err(limited("tokens", limits.tpm.unwrap_or(0), ms));
        }
        for budget in &used.budgets {
            budget.reserve(cost);
        }
        drop(used);
        Ok(Reservation { allowance: self.clone(), tokens, cost, settled: false })
    }

    fn spent(&self, budget: &Budget, cost: NanoUsd, ms: u64) -> Error {
        let message = format!(
            "the budget of {} for this {} is spent: {:.4} of {:.4} USD are left and this call may cost {:.4}; it begins \
             anew in {} minutes",
            self.owner,
            budget.period.name(),
            budget.remaining().as_usd().max(0.0),
            budget.limit.as_usd(),
            cost.as_usd(),
            ms.div_ceil(60_000)
        );
        Error::new(Code::BudgetExceeded, message).retry_after_ms(ms)
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

    /// The budgets as they stand.
    #[must_use]
    pub fn budgets(&self, now: Micros) -> Vec<BudgetState> {
        let used = self.used.lock();
        used.budgets
            .iter()
            .map(|b| {
                b.roll(now);
                BudgetState { period: b.period.name(), limit: b.limit, left: b.remaining() }
            })
            .collect()
    }

    /// Whether it is as a new one would be: full buckets, nothing spent in any current period, nothing reserved.
    pub(super) fn is_unused(&self, now: Micros) -> bool {
        let used = &mut *self.used.lock();
        let mut buckets = used.requests.iter_mut().chain(&mut used.tokens);
        buckets.all(|b| b.is_full(now)) && used.budgets.iter().all(|b| b.is_unused(now))
    }

    fn crossing(&self, budget: &Budget, line: &'static str) -> Crossing {
        let (period, spent, limit) = (budget.period.name(), budget.spent(), budget.limit);
        Crossing { owner: self.owner.clone(), period, line, spent, limit }
    }
}

/// An estimate that is held until the call's real use is known. Dropped unsettled, the call used nothing.
#[derive(Debug)]
pub struct Reservation {
    allowance: Arc<Allowance>,
    tokens: u64,
    cost: NanoUsd,
    settled: bool,
}

impl Reservation {
    /// Replaces the estimate by what was used. Says which budgets have passed their soft line by it.
    pub fn settle(mut self, tokens: u64, cost: NanoUsd) -> Vec<Crossing> {
        self.release(tokens, cost);
        let allowance = &self.allowance;
        let mut used = allowance.used.lock();
        let crossed = used.budgets.iter_mut().filter_map(|b| b.crossed(allowance.terms.soft).then_some(&*b));
        crossed.map(|budget| allowance.crossing(budget, "soft")).collect()
    }

    /// Gives everything back, the request too: it was not made.
    pub fn cancel(mut self) {
        self.release(0, NanoUsd::ZERO);
        if let Some(requests) = &mut self.allowance.used.lock().requests {
            requests.put(1.0);
        }
    }

    /// Whose it is.
    #[must_use]
    pub fn allowance(&self) -> &Arc<Allowance> {
        &self.allowance
    }

    fn release(&mut self, tokens: u64, cost: NanoUsd) {
        if std::mem::replace(&mut self.settled, true) {
            return;
        }
        let mut used = self.allowance.used.lock();
        if let Some(bucket) = &mut used.tokens {
            bucket.put(self.tokens as f64 - tokens as f64);
        }
        for budget in &used.budgets {
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

    fn allowance(limits: KeyLimits) -> Arc<Allowance> {
        let owner = Owner { label: "key".into(), value: "k".into() };
        Arc::new(Allowance::new(owner, Terms { limits, soft: 0.8, fallback: None }, 0))
    }

    #[test]
    fn requests_per_minute() {
        let key = allowance(KeyLimits { rpm: Some(2), ..KeyLimits::default() });
        let reserve = |at| key.reserve(0, NanoUsd::ZERO, true, at);
        assert!(reserve(0).is_ok() && reserve(0).is_ok());
        let refused = reserve(0).unwrap_err().error;
        assert_eq!((refused.code, refused.retry_after_ms), (Code::RateLimited, Some(30_000)));
        reserve(30 * SECOND).unwrap().cancel();
        assert!(reserve(30 * SECOND).is_ok(), "a cancelled request is no request");
    }

    #[test]
    fn tokens_are_reserved_and_settled() {
        let key = allowance(KeyLimits { tpm: Some(1_000), rpm: Some(10), ..KeyLimits::default() });
        let reserve = |tokens| key.reserve(tokens, NanoUsd::ZERO, true, 0);
        let first = reserve(800).unwrap();
        assert!(reserve(300).is_err(), "the reservation counts");
        assert_eq!(key.remaining(0).requests, Some((9, 10)), "a refused request is no request");
        first.settle(100, NanoUsd::ZERO);
        assert_eq!(key.remaining(0).tokens, Some((900, 1_000)));
        drop(reserve(900).unwrap());
        assert_eq!(key.remaining(0).tokens, Some((900, 1_000)), "an unsettled call used nothing");
    }

    #[test]
    fn a_limit_of_zero_lets_nothing_through() {
        let none = KeyLimits { rpm: Some(0), ..KeyLimits::default() };
        assert_eq!(allowance(none).reserve(0, NanoUsd::ZERO, true, 0).unwrap_err().error.code, Code::RateLimited);
        let none = KeyLimits { tpm: Some(0), ..KeyLimits::default() };
        let key = allowance(none);
        for tokens in [0, 5] {
            assert_eq!(key.reserve(tokens, NanoUsd::ZERO, true, DAY).unwrap_err().error.code, Code::RateLimited);
        }
    }

    #[test]
    fn what_is_reserved_during_a_reload_is_settled_under_the_new_terms() {
        let limits = KeyLimits { budget_per_day: Some(NanoUsd(1_000)), ..KeyLimits::default() };
        let before = allowance(limits);
        let under_way = before.reserve(0, NanoUsd(900), true, 0).unwrap();
        let dropped = before.reserve(0, NanoUsd(50), true, 0).unwrap();
        let terms = Terms { limits: KeyLimits { rpm: Some(5), ..limits }, ..before.terms().clone() };
        let after = Allowance::new(before.owner().clone(), terms, 0);
        after.take_over(&before, 0);
        let left = |at| after.budgets(at)[0].left.0;
        assert_eq!(left(0), 50, "the reservation counts");
        under_way.settle(0, NanoUsd(10));
        drop(dropped);
        assert_eq!((left(0), left(DAY)), (990, 1_000));
    }

    #[test]
    fn a_budget_cannot_be_spent_twice_and_begins_anew() {
        let key = allowance(KeyLimits { budget_per_day: Some(NanoUsd(1_000)), ..KeyLimits::default() });
        let reserve = |cost, enforce, at| key.reserve(0, NanoUsd(cost), enforce, at);
        let first = reserve(600, true, 0).unwrap();
        let refused = reserve(600, true, 0).unwrap_err();
        assert_eq!(refused.error.code, Code::BudgetExceeded);
        assert!(refused.error.message.contains("key \"k\""), "{}", refused.error);
        assert_eq!(refused.crossing.map(|c| c.line), Some("hard"));
        assert_eq!(reserve(600, true, 0).unwrap_err().crossing, None, "told once");
        let crossed = first.settle(0, NanoUsd(1_000));
        assert_eq!(crossed.iter().map(|c| (c.line, c.spent.0)).collect::<Vec<_>>(), [("soft", 1_000)]);
        assert!(reserve(0, true, 0).is_err(), "nothing is left, also for free calls");
        assert!(reserve(0, false, 0).is_ok(), "a fallback may go on");
        assert_eq!(reserve(10, true, DAY).unwrap().settle(0, NanoUsd(700)), [], "below the soft line");
        assert_eq!(reserve(10, true, DAY).unwrap().settle(0, NanoUsd(100)).len(), 1);
    }
}
