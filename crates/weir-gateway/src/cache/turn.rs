//! One call's turn at the cache: it hits, asks for itself and perhaps for others, or waits for one who does.
//!
//! Invariants: every call is counted once, as a hit, a miss or bypassed; whoever asks and goes away without an answer
//! passes the asking on. When the provider could not answer, those who wait get that failure and do not ask one after
//! the other for the same.

use std::sync::Arc;

use weir_core::time::Micros;

use super::Inner;
use super::control::Control;
use super::entry::{Answer, Entry};
use super::flight::{Joined, Landed, Lead, Wait};
use super::gather::Gather;
use super::key::Key;
use super::semantic::normalised;
use crate::providers::Endpoint;
use crate::routing::Failed;

/// An answer out of the cache.
#[derive(Clone, Debug)]
pub struct Hit {
    /// The entry.
    pub entry: Arc<Entry>,
    /// How near the other request's meaning is; `None` where it is an equal one.
    pub similarity: Option<f32>,
}

/// What a call brings to those who wait for it.
#[derive(Clone, Debug)]
pub(super) enum Brought {
    Hit(Hit),
    Failed(Arc<Failed>),
}

/// How waiting ended.
#[derive(Debug)]
pub enum Awaited {
    /// With an answer.
    Hit(Hit),
    /// The provider could not answer.
    Failed(Arc<Failed>),
    /// This call is the one that asks now.
    Lead(Leader),
}

/// What came of looking up.
#[derive(Debug)]
pub enum Lookup {
    /// There is an answer.
    Hit(Hit),
    /// There is none, and this call asks.
    Lead(Leader),
    /// There is none yet, and an equal call is asking.
    Wait(Waiter),
    /// This call has nothing to do with the cache.
    Bypass,
}

/// A call that asks and may store what it gets. Dropped, it was a miss without an answer to store.
#[derive(Debug)]
pub struct Leader {
    cache: Arc<Inner>,
    /// Boxed, as this is handed about.
    asked: Box<Asked>,
    is_hit: bool,
}

#[derive(Debug)]
struct Asked {
    key: Key,
    control: Control,
    /// `None` where nobody can wait for this one.
    lead: Option<Lead<Brought>>,
    /// Whether another asked before and did not bring an answer.
    is_second: bool,
    /// Scope and vector of what is compared by meaning.
    vector: Option<(Key, Vec<f32>)>,
}

/// A call that waits for an equal one.
#[derive(Debug)]
pub struct Waiter {
    cache: Arc<Inner>,
    key: Key,
    control: Control,
    wait: Wait<Brought>,
}

pub(super) fn lookup(cache: &Arc<Inner>, key: Key, control: &Control, now: Micros) -> Lookup {
    let hit = |entry: Arc<Entry>| {
        cache.counts.hit(&entry, false);
        Hit { entry, similarity: None }
    };
    if control.read
        && let Some(entry) = cache.find(&key, control, now)
    {
        return Lookup::Hit(hit(entry));
    }
    if !control.read && !control.write {
        cache.counts.bypass();
        return Lookup::Bypass;
    }
    let leader = |lead| Leader::new(cache.clone(), key, control.clone(), lead);
    if !control.read || !control.write {
        // It wants an answer of its own, and what others are asking for is older than its wish; or what it gets is not
        // for others.
        return Lookup::Lead(leader(None));
    }
    match cache.flights.join(key) {
        Joined::Wait(wait) => Lookup::Wait(Waiter { cache: cache.clone(), key, control: control.clone(), wait }),
        // The one who led before may have landed since the look above.
        Joined::Lead(lead) => match cache.find(&key, control, now) {
            Some(entry) => {
                let hit = hit(entry);
                lead.land(Brought::Hit(hit.clone()));
                Lookup::Hit(hit)
            }
            None => Lookup::Lead(leader(Some(lead))),
        },
    }
}

impl Waiter {
    /// Waits for what the call that asks brings, or until this one is to ask itself. Bound it with a timeout: on that,
    /// ask without the cache.
    pub async fn landed(self) -> Awaited {
        let Self { cache, key, control, wait } = self;
        let lead = match wait.landed().await {
            Landed::Filled(Brought::Hit(hit)) => {
                // What is near enough for another may be too far for this one, and what is new enough too old.
                let is_near = hit.similarity.is_none_or(|s| control.semantic.is_some_and(|least| s >= least));
                if is_near && control.accepts_age(hit.entry.age_us(cache.clock.now())) {
                    cache.counts.hit(&hit.entry, hit.similarity.is_some());
                    return Awaited::Hit(hit);
                }
                None
            }
            Landed::Filled(Brought::Failed(failed)) => {
                cache.counts.miss();
                return Awaited::Failed(failed);
            }
            Landed::Lead(lead) => Some(lead),
            Landed::Alone => None,
        };
        let mut leader = Leader::new(cache, key, control, lead);
        leader.asked.is_second = true;
        Awaited::Lead(leader)
    }
}

impl Leader {
    fn new(cache: Arc<Inner>, key: Key, control: Control, lead: Option<Lead<Brought>>) -> Self {
        let asked = Asked { key, control, lead, is_second: false, vector: None };
        Self { cache, asked: Box::new(asked), is_hit: false }
    }

    /// Whether the meaning of the request is to be compared too: then it needs its embedding.
    #[must_use]
    pub fn wants_meaning(&self) -> bool {
        self.asked.control.semantic.is_some()
    }

    /// Looks for an answer to a request of nearly the same meaning: `scope` is that of its
    /// [`semantic::subject`](super::semantic::subject), the vector its embedding. Without one this call goes on
    /// asking, and its answer is stored with the vector.
    ///
    /// # Errors
    /// No error: this call goes on asking.
    pub fn nearest(mut self, scope: Key, vector: &[f32], now: Micros) -> Result<Hit, Self> {
        let (Some(threshold), Some(vector)) = (self.asked.control.semantic, normalised(vector)) else {
            return Err(self);
        };
        if self.asked.control.read
            && let Some((entry, similarity)) = self.cache.nearest(&scope, &vector, threshold, &self.asked.control, now)
        {
            let hit = Hit { entry, similarity: Some(similarity) };
            self.cache.counts.hit(&hit.entry, true);
            self.is_hit = true;
            if let Some(lead) = self.asked.lead.take() {
                lead.land(Brought::Hit(hit.clone()));
            }
            return Ok(hit);
        }
        self.asked.vector = Some((scope, vector));
        Err(self)
    }

    /// What puts a streamed answer together. All of them share room of the cache's size, beside the cache itself.
    #[must_use]
    pub fn gather(&self, endpoint: Endpoint) -> Gather {
        let (max_entry, max_size) = {
            let config = self.cache.config.read();
            (config.max_entry.0, config.max_size.0)
        };
        let size = |bytes| usize::try_from(bytes).unwrap_or(usize::MAX);
        Gather::new(endpoint, size(max_entry), self.cache.gathering.with_bound(size(max_size)))
    }

    /// Stores the answer, where it may be, and gives it to those who wait. One that is too large to be stored is given to
    /// them all the same.
    pub fn fill(mut self, answer: Answer, now: Micros) -> Arc<Entry> {
        let entry = Arc::new(Entry {
            key: self.asked.key,
            namespace: std::mem::take(&mut self.asked.control.namespace),
            created_us: now,
            expires_us: now.saturating_add(self.asked.control.ttl_us),
            answer,
        });
        if self.asked.control.write {
            self.cache.store(&entry, self.asked.vector.take());
        }
        if let Some(lead) = self.asked.lead.take() {
            lead.land(Brought::Hit(Hit { entry: entry.clone(), similarity: None }));
        }
        entry
    }

    /// Gives those who wait the failure of the provider, which has been asked as often as is worth it.
    pub fn fail(mut self, failed: Failed) {
        if let Some(lead) = self.asked.lead.take() {
            lead.land(Brought::Failed(Arc::new(failed)));
        }
    }

    /// [`fail`](Self::fail), for an answer that broke off and was not asked for again: where this call is the first, one
    /// of those who wait asks once more.
    pub fn break_off(self, failed: Failed) {
        if self.asked.is_second {
            self.fail(failed);
        }
    }

    /// Lets those who wait ask each for itself: for an answer that came, but is not one to be given to others. Without
    /// that they would ask one after the other.
    pub fn release(mut self) {
        if let Some(lead) = self.asked.lead.take() {
            lead.release();
        }
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        if !self.is_hit {
            self.cache.counts.miss();
        }
    }
}
