//! The content of recent calls as far as it came in log records: which events, each once, in the order of their time.
//!
//! Events of the same time stay in the order in which they came. The memory is bounded and forgets the calls of which it
//! has known longest, and all at a restart: of a call whose records come before and after, the later ones' content stays.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use parking_lot::Mutex;
use weir_core::id::SpanKey;

use crate::otlp::wire::{AnyValue, Attributes};

/// Most bytes of events.
const MAX_BYTES: usize = 16 << 20;
/// What an event takes beside its texts.
const OVERHEAD: usize = 320;

/// An event that carries content.
pub(in crate::otlp) struct Event {
    /// When it happened, in nanoseconds since the epoch.
    pub(super) time_ns: u64,
    /// What it is.
    pub(super) name: String,
    /// What it says.
    pub(super) fields: Attributes,
    hash: u64,
    bytes: usize,
}

/// All events of a call.
pub(super) type Events = Vec<Arc<Event>>;

#[derive(Default)]
struct Call {
    /// By time, then in the order in which they came.
    events: BTreeMap<(u64, usize), Arc<Event>>,
    /// Time and hash of each.
    known: HashSet<(u64, u64)>,
}

impl Event {
    pub(super) fn new(time_ns: u64, name: String, fields: Attributes) -> Self {
        let fields = AnyValue::Map(fields);
        let json = fields.to_json();
        let mut hasher = DefaultHasher::new();
        (&name, &json).hash(&mut hasher);
        // The texts, and the names and values that hold them.
        let bytes = OVERHEAD + 2 * json.len();
        let fields = if let AnyValue::Map(fields) = fields { fields } else { Vec::new() };
        Self { time_ns, name, fields, hash: hasher.finish(), bytes }
    }
}

/// The memory.
pub(in crate::otlp) struct Contents {
    most: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    calls: HashMap<SpanKey, Call>,
    /// Known longest first.
    order: VecDeque<SpanKey>,
    bytes: usize,
}

impl Contents {
    pub(in crate::otlp) fn new() -> Self {
        Self::within(MAX_BYTES)
    }

    pub(super) fn within(most: usize) -> Self {
        Self { most, held: Mutex::default() }
    }

    /// Adds events, and gives all that are known of their calls.
    pub(super) fn add(&self, new: HashMap<SpanKey, Vec<Event>>) -> Vec<(SpanKey, Events)> {
        let mut held = self.held.lock();
        let all = new.into_iter().map(|(key, events)| (key, held.add(key, events))).collect();
        held.forget(self.most);
        all
    }
}

impl Held {
    fn add(&mut self, key: SpanKey, new: Vec<Event>) -> Events {
        let Self { calls, order, bytes } = self;
        let call = calls.entry(key).or_insert_with(|| {
            order.push_back(key);
            *bytes += OVERHEAD;
            Call::default()
        });
        for event in new {
            if call.known.insert((event.time_ns, event.hash)) {
                *bytes += event.bytes;
                call.events.insert((event.time_ns, call.events.len()), Arc::new(event));
            }
        }
        call.events.values().cloned().collect()
    }

    fn forget(&mut self, most: usize) {
        while self.bytes > most
            && let Some(key) = self.order.pop_front()
        {
            let call = self.calls.remove(&key).unwrap_or_default();
            self.bytes -= OVERHEAD + call.events.values().map(|event| event.bytes).sum::<usize>();
        }
    }
}
