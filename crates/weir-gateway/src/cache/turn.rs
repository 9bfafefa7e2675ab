//! One call's turn at the cache: it hits, asks for itself and perhaps for others, or waits for one who does.
//!
//! Invariants: every call is counted once, as a hit, a miss or bypassed; whoever asks and goes away without an answer
//! passes the asking on.

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

/// An answer out of the cache.
#[derive(Clone, Debug)]
pub struct Hit {
    /// The entry.
    pub entry: Arc<Entry>,
    /// How near the other request's meaning is; `None` where it is an equal one.
    pub similarity: Option<f32>,
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
    lead: Option<Lead<Hit>>,
    /// Scope and vector of what is compared by meaning.
    vector: Option<(Key, Vec<f32>)>,
}

/// A call that waits for an equal one.
#[derive(Debug)]
pub struct Waiter {
    cache: Arc<Inner>,
    key: Key,
    control: Control,
    wait: Wait<Hit>,
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
    if !control.write {
        cache.counts.bypass();
        return Lookup::Bypass;
    }
    let leader = |lead| Leader::new(cache.clone(), key, control.clone(), lead);
    if !control.read {
        // It wants an answer of its own, and what others are asking for is older than its wish.
        return Lookup::Lead(leader(None));
    }
    match cache.flights.join(key) {
        Joined::Wait(wait) => Lookup::Wait(Waiter { cache: cache.clone(), key, control: control.clone(), wait }),
        // The one who led before may have landed since the look above.
        Joined::Lead(lead) => match cache.find(&key, control, now) {
            Some(entry) => {
                let hit = hit(entry);
                lead.land(hit.clone());
                Lookup::Hit(hit)
            }
            None => Lookup::Lead(leader(Some(lead))),
        },
    }
}

impl Waiter {
    /// Waits for the answer of the call that asks, or until this one is to ask itself. Bound it with a timeout: on
    /// that, ask without the cache.
    ///
    /// # Errors
    /// No error: this call is the one that asks now.
    pub async fn landed(self) -> Result<Hit, Leader> {
        let Self { cache, key, control, wait } = self;
        let lead = match wait.landed().await {
            Landed::Filled(hit) => {
                // What is near enough for another may be too far for this one.
                let near = hit.similarity.is_none_or(|s| control.semantic.is_some_and(|least| s >= least));
                if near {
                    cache.counts.hit(&hit.entry, hit.similarity.is_some());
                    return Ok(hit);
                }
                None
            }
            Landed::Lead(lead) => Some(lead),
            Landed::Alone => None,
        };
        Err(Leader::new(cache, key, control, lead))
    }
}

impl Leader {
    fn new(cache: Arc<Inner>, key: Key, control: Control, lead: Option<Lead<Hit>>) -> Self {
        Self { cache, asked: Box::new(Asked { key, control, lead, vector: None }), is_hit: false }
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
                lead.land(hit.clone());
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

    /// Stores the answer and gives it to those who wait. One that is too large to be stored is given to them all the
    /// same.
    pub fn fill(mut self, answer: Answer, now: Micros) -> Arc<Entry> {
        let entry = Arc::new(Entry {
            key: self.asked.key,
            namespace: std::mem::take(&mut self.asked.control.namespace),
            created_us: now,
            expires_us: now.saturating_add(self.asked.control.ttl_us),
            answer,
        });
        self.cache.store(&entry, self.asked.vector.take());
        if let Some(lead) = self.asked.lead.take() {
            lead.land(Hit { entry: entry.clone(), similarity: None });
        }
        entry
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
