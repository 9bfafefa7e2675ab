use weir_core::time::{MINUTE, Micros};

/// A token bucket: holds one minute's worth, refills evenly. Settling may take it below empty.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    per_minute: f64,
    level: f64,
    at: Micros,
}

impl Bucket {
    pub(super) fn new(per_minute: u64, now: Micros) -> Self {
        Self { per_minute: per_minute as f64, level: per_minute as f64, at: now }
    }

    fn refill(&mut self, now: Micros) {
        let passed = (now - self.at).max(0) as f64 / MINUTE as f64;
        self.level = (self.level + passed * self.per_minute).min(self.per_minute);
        self.at = now.max(self.at);
    }

    /// Takes an amount, or says in how many milliseconds it will be there. What is more than a minute's worth is
    /// taken from a full bucket, else it could never be.
    pub(super) fn take(&mut self, amount: f64, now: Micros) -> Result<(), u64> {
        self.refill(now);
        let needed = amount.min(self.per_minute);
        // A limit of 0 means nothing at all, also of what uses nothing.
        if self.level >= needed && self.per_minute > 0.0 {
            self.level -= amount;
            return Ok(());
        }
        let minutes = (needed - self.level) / self.per_minute.max(f64::MIN_POSITIVE);
        Err(((minutes * 60_000.0).ceil() as u64).clamp(1, 3_600_000))
    }

    /// Puts back what was taken too much (or takes what was taken too little).
    pub(super) fn put(&mut self, amount: f64) {
        self.level = (self.level + amount).min(self.per_minute);
    }

    /// Takes over what was used of a bucket of another size.
    pub(super) fn take_over(&mut self, before: &mut Self, now: Micros) {
        before.refill(now);
        self.level = self.per_minute - (before.per_minute - before.level);
    }

    /// Whether it is as if nothing had ever been taken.
    pub(super) fn is_full(&mut self, now: Micros) -> bool {
        self.refill(now);
        self.level >= self.per_minute
    }

    /// What is left, whole and not below 0, and of how much.
    pub(super) fn remaining(&mut self, now: Micros) -> (u64, u64) {
        self.refill(now);
        (self.level.max(0.0) as u64, self.per_minute as u64)
    }
}
