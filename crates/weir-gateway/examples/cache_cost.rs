//! What the cache costs: `cargo run --release --example cache_cost`. Prints the median of many passes.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![expect(clippy::panic, clippy::unwrap_used, reason = "a benchmark may stop where it finds something wrong")]

use std::hint::black_box;
use std::time::Instant;

use http::HeaderMap;
use weir_core::time::Clock;
use weir_gateway::cache::semantic::{Index, normalised};
use weir_gateway::cache::{Answer, Cache, Control, Key, Lookup, Scope, key, replay};
use weir_gateway::config::CacheConfig;
use weir_gateway::exchange::envelope::Envelope;
use weir_gateway::providers::Endpoint;

/// Median nanoseconds of one `run`.
fn measure(name: &str, runs: u32, mut run: impl FnMut()) {
    let mut passes: Vec<f64> = (0..31)
        .map(|_| {
            let begun = Instant::now();
            for _ in 0..runs {
                run();
            }
            begun.elapsed().as_nanos() as f64 / f64::from(runs)
        })
        .collect();
    passes.sort_by(f64::total_cmp);
    println!("{name:<52} {:>12.0} ns", passes[passes.len() / 2]);
}

fn main() {
    let prose = "A weir stands across a river: everything flows through it, and it measures the flow.\n\"Quoted\". ";
    let body = serde_json::json!({
        "model": "openai/gpt-4o-mini", "temperature": 0, "max_tokens": 200, "stream": true,
        "messages": [{"role": "system", "content": prose.repeat(10)}, {"role": "user", "content": prose.repeat(19)}],
    })
    .to_string();
    let scope =
        Scope { tenant: "key:a", namespace: "", endpoint: Endpoint::Chat, model: "openai/gpt-4o-mini", variant: "" };
    let envelope = Envelope::parse(body.as_bytes()).unwrap();
    measure(&format!("envelope of a request of {} bytes", body.len()), 500, || {
        black_box(Envelope::parse(black_box(body.as_bytes())).unwrap());
    });
    measure("key of it", 500, || {
        black_box(key::key(&scope, black_box(&envelope)));
    });

    let config = CacheConfig { exact: true, ..CacheConfig::default() };
    let clock = Clock::system();
    let cache = Cache::open(&config, None, clock.clone());
    let control = Control::of(&config, &HeaderMap::new(), None).unwrap();
    let whole = serde_json::json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": prose.repeat(15)}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 600, "completion_tokens": 300, "total_tokens": 900},
    })
    .to_string();
    let stored = key::key(&scope, &envelope);
    let mut all: Vec<Key> = (0..20_000_u32)
        .map(|n| {
            let mut bytes = [7; 32];
            bytes[..4].copy_from_slice(&n.to_le_bytes());
            Key(bytes)
        })
        .collect();
    all.push(stored);
    for key in &all {
        let Lookup::Lead(leader) = cache.lookup(*key, &control, clock.now()) else { panic!("not a miss") };
        leader.fill(Answer { body: whole.clone().into(), ..Answer::default() }, clock.now());
    }
    let now = clock.now();
    measure(&format!("lookup that hits, among {} entries", cache.stats().entries), 20_000, || {
        black_box(cache.lookup(stored, &control, now));
    });
    measure("lookup that misses and is given up", 20_000, || {
        black_box(cache.lookup(Key([9; 32]), &control, now));
    });
    measure("control of a request without a wish", 20_000, || {
        black_box(Control::of(&config, &HeaderMap::new(), None).unwrap());
    });
    measure(&format!("replay of an answer of {} bytes as a stream", whole.len()), 500, || {
        black_box(replay(Endpoint::Chat, whole.as_bytes(), true).unwrap());
    });

    let mut random = fastrand::Rng::with_seed(1);
    let mut vector = || normalised(&(0..384).map(|_| random.f32() - 0.5).collect::<Vec<_>>()).unwrap();
    let mut index = Index::new(20_000);
    let scope = Key([1; 32]);
    for key in &all {
        index.insert(scope, *key, &vector());
    }
    let asked = vector();
    measure(&format!("nearest of {} vectors of 384", index.len()), 5, || {
        black_box(index.best(&scope, black_box(&asked), 0.95));
    });

    let folder = tempfile::tempdir().unwrap();
    let kept = Cache::open(&config, Some(folder.path()), clock.clone());
    for key in &all {
        let Lookup::Lead(leader) = kept.lookup(*key, &control, now) else { panic!("not a miss") };
        leader.fill(Answer { body: whole.clone().into(), ..Answer::default() }, now);
        kept.sync();
    }
    let entries = kept.stats().entries;
    drop(kept);
    let begun = Instant::now();
    let kept = Cache::open(&config, Some(folder.path()), clock);
    println!(
        "start with {} of {entries} entries on disk {:>22.1} ms",
        kept.stats().entries,
        begun.elapsed().as_secs_f64() * 1e3
    );
}
