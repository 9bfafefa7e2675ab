use super::*;
use crate::config::SemanticConfig;
use crate::routing::{Cause, Failed};
use weir_core::error::{Code, Error};
use weir_core::money::NanoUsd;
use weir_core::time::SECOND;
use weir_core::units::{Bytes, Time};

const NOW: Micros = 1_000 * SECOND;

fn config() -> CacheConfig {
    let semantic = SemanticConfig { enabled: true, model: Some("openai/e".into()), ..SemanticConfig::default() };
    CacheConfig { exact: true, ttl: Time::secs(60), semantic, ..CacheConfig::default() }
}

fn open(config: &CacheConfig, folder: Option<&Path>) -> Cache {
    Cache::open(config, folder, Clock::fixed(NOW))
}

fn control() -> Control {
    Control::of(&config(), &http::HeaderMap::new(), None).unwrap()
}

fn key(n: u8) -> Key {
    Key([n; 32])
}

fn answer(text: &str) -> Answer {
    Answer {
        body: text.as_bytes().to_vec().into(),
        cost: Some(NanoUsd(5)),
        latency_us: 700,
        request_id: "r1".into(),
        ..Answer::default()
    }
}

fn lead(cache: &Cache, key: Key, control: &Control, now: Micros) -> Leader {
    match cache.lookup(key, control, now) {
        Lookup::Lead(leader) => leader,
        other => panic!("{other:?}"),
    }
}

fn hit(cache: &Cache, key: Key, control: &Control, now: Micros) -> Option<String> {
    match cache.lookup(key, control, now) {
        Lookup::Hit(hit) => Some(String::from_utf8(hit.entry.answer.body.to_vec()).unwrap()),
        Lookup::Lead(leader) => {
            leader.release();
            None
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_answer_is_given_again_until_its_time_and_counted() {
    let cache = open(&config(), None);
    let control = control();
    let entry = lead(&cache, key(1), &control, NOW).fill(answer("a"), NOW);
    assert_eq!((entry.created_us, entry.expires_us), (NOW, NOW + 60 * SECOND));
    assert_eq!(hit(&cache, key(1), &control, NOW + 59 * SECOND).as_deref(), Some("a"));
    let young = Control { max_age_us: Some(10 * SECOND), ..control.clone() };
    assert_eq!(hit(&cache, key(1), &young, NOW + 11 * SECOND), None);
    assert_eq!(hit(&cache, key(2), &control, NOW), None);
    assert_eq!(hit(&cache, key(1), &control, NOW + 60 * SECOND), None);
    let stats = cache.stats();
    assert_eq!((stats.hits, stats.misses, stats.saved_nano, stats.saved_us), (1, 4, 5, 700));
    assert_eq!((stats.entries, stats.bytes), (0, 0));
}

#[test]
fn what_a_request_wants_is_done() {
    let cache = open(&config(), None);
    let plain = control();
    lead(&cache, key(1), &plain, NOW).fill(answer("old"), NOW);
    // no-cache: asks anew although there is one, and although another is asking.
    let fresh = Control { read: false, ..plain.clone() };
    let first = lead(&cache, key(1), &fresh, NOW);
    lead(&cache, key(1), &fresh, NOW).fill(answer("new"), NOW);
    drop(first);
    assert_eq!(hit(&cache, key(1), &plain, NOW).as_deref(), Some("new"));
    assert!(matches!(cache.lookup(key(1), &Control::off(), NOW), Lookup::Bypass));
    // Not to be stored, but read: ttl 0.
    let read_only = Control { write: false, ..plain };
    assert_eq!(hit(&cache, key(1), &read_only, NOW).as_deref(), Some("new"));
    lead(&cache, key(9), &read_only, NOW).fill(answer("x"), NOW);
    assert_eq!(hit(&cache, key(9), &read_only, NOW), None);
    // Those that led before are misses too.
    assert_eq!((cache.stats().bypassed, cache.stats().misses), (1, 5));
}

#[tokio::test]
async fn those_who_wait_get_the_answer_or_the_lead() {
    let cache = open(&config(), None);
    let control = control();
    let wait = || match cache.lookup(key(1), &control, NOW) {
        Lookup::Wait(waiter) => waiter,
        other => panic!("{other:?}"),
    };
    let first = lead(&cache, key(1), &control, NOW);
    let (second, third) = (wait(), wait());
    drop(first);
    let Awaited::Lead(second) = second.landed().await else { panic!("nobody leads") };
    // Too large to be stored, but the very answer that the third waits for.
    second.fill(answer(&"x".repeat((1 << 20) + 1)), NOW);
    assert!(matches!(third.landed().await, Awaited::Hit(_)));
    assert_eq!(cache.stats().entries, 0);
    let first = lead(&cache, key(1), &control, NOW);
    let second = wait();
    first.release();
    assert!(matches!(second.landed().await, Awaited::Lead(_)));
    let stats = cache.stats();
    assert_eq!((stats.hits, stats.misses), (1, 4));
}

#[tokio::test]
async fn those_who_wait_get_the_failure_and_one_more_attempt_at_most() {
    let cache = open(&config(), None);
    let control = control();
    let wait = |control: &Control| match cache.lookup(key(1), control, NOW) {
        Lookup::Wait(waiter) => waiter,
        other => panic!("{other:?}"),
    };
    let failed = || Failed {
        cause: Cause::Own(Error::new(Code::UpstreamTimeout, "slow")),
        target: None,
        attempts: 3,
        fallbacks: 0,
    };
    let first = lead(&cache, key(1), &control, NOW);
    let (second, third) = (wait(&control), wait(&control));
    first.fail(failed());
    for one in [second, third] {
        assert!(matches!(one.landed().await, Awaited::Failed(failed) if failed.attempts == 3));
    }
    assert_eq!(cache.stats().misses, 3);
    // A stream that broke off is asked for once more.
    let first = lead(&cache, key(1), &control, NOW);
    let (second, third) = (wait(&control), wait(&control));
    first.break_off(failed());
    let Awaited::Lead(second) = second.landed().await else { panic!("nobody leads") };
    second.break_off(failed());
    assert!(matches!(third.landed().await, Awaited::Failed(_)));
    assert!(hit(&cache, key(1), &control, NOW).is_none());
}

#[tokio::test]
async fn who_waits_does_not_get_an_answer_that_is_too_old_for_it() {
    let cache = open(&config(), None);
    let control = control();
    let scope = key(100);
    let old = NOW - 50 * SECOND;
    lead(&cache, key(1), &control, old).nearest(scope, &[1.0], old).unwrap_err().fill(answer("a"), old);
    let first = lead(&cache, key(2), &control, NOW);
    let young = Control { max_age_us: Some(10 * SECOND), ..control };
    let Lookup::Wait(waiter) = cache.lookup(key(2), &young, NOW) else { panic!("nobody leads") };
    assert!(first.nearest(scope, &[1.0], NOW).is_ok());
    assert!(matches!(waiter.landed().await, Awaited::Lead(_)));
}

#[tokio::test]
async fn a_near_request_gets_the_answer_and_so_do_those_it_is_near_enough_for() {
    let cache = open(&config(), None);
    let control = control();
    let scope = key(100);
    let missed = lead(&cache, key(1), &control, NOW);
    assert!(missed.wants_meaning());
    missed.nearest(scope, &[1.0, 0.0], NOW).unwrap_err().fill(answer("a"), NOW);
    let second = lead(&cache, key(2), &control, NOW);
    let wait = |semantic| match cache.lookup(key(2), &Control { semantic, ..control.clone() }, NOW) {
        Lookup::Wait(waiter) => waiter,
        other => panic!("{other:?}"),
    };
    let (near, far) = (wait(Some(0.9)), wait(Some(0.999)));
    let found = second.nearest(scope, &[1.0, 0.1], NOW).unwrap();
    assert_eq!(&found.entry.answer.body[..], b"a");
    assert!(found.similarity.is_some_and(|s| (0.99..0.999).contains(&s)));
    assert!(matches!(near.landed().await, Awaited::Hit(hit) if hit.similarity.is_some()));
    assert!(matches!(far.landed().await, Awaited::Lead(_)));
    let stats = cache.stats();
    assert_eq!((stats.semantic_hits, stats.hits, stats.misses, stats.vectors), (2, 0, 2, 1));
    // Others are too far, in another scope, or their entry has expired.
    let third = lead(&cache, key(3), &control, NOW).nearest(scope, &[1.0, 1.0], NOW).unwrap_err();
    let third = third.nearest(key(101), &[1.0, 0.0], NOW).unwrap_err();
    third.nearest(scope, &[1.0, 0.0], NOW + 60 * SECOND).unwrap_err().release();
    assert_eq!(cache.stats().vectors, 0, "what has expired is gone with its vector");
}

#[test]
fn the_bound_holds_vectors_too_and_a_smaller_one_at_once() {
    let body = 10_000;
    let config = CacheConfig { max_size: Bytes(4 * 16_000), max_entry: Bytes(16_000), ..config() };
    let cache = open(&config, None);
    for n in 1..=20 {
        let leader = lead(&cache, key(n), &control(), NOW);
        let leader = leader.nearest(key(100), &[f32::from(n); 1_000], NOW).map(drop).err();
        if let Some(leader) = leader {
            leader.fill(answer(&"x".repeat(body)), NOW);
        }
        // The same direction, so that all but the first would hit.
        cache.inner.index.write().set_bound(0);
        cache.inner.index.write().set_bound(100);
    }
    let stats = cache.stats();
    assert!(stats.bytes <= config.max_size.0 && stats.entries == 4, "{stats:?}");
    assert_eq!(stats.evicted, 16);
    cache.apply(&CacheConfig { max_size: Bytes(20_000), ..config.clone() });
    assert_eq!(cache.stats().entries, 1);
    cache.apply(&CacheConfig { exact: false, semantic: SemanticConfig::default(), ..config });
    assert_eq!((cache.stats().entries, cache.stats().vectors), (0, 0));
}

#[test]
fn a_restart_finds_what_was_stored() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(&config(), Some(folder.path()));
    let named = Control { namespace: "ns".into(), ..control() };
    for n in 1..=3 {
        let wanted = if n == 2 { named.clone() } else { control() };
        let leader = lead(&cache, key(n), &wanted, NOW);
        let mut direction = [0.0; 4];
        direction[usize::from(n)] = 1.0;
        leader.nearest(key(100), &direction, NOW).unwrap_err().fill(answer(&format!("a{n}")), NOW + Micros::from(n));
    }
    assert!(cache.sync());
    drop(cache);
    let cache = open(&config(), Some(folder.path()));
    assert_eq!((cache.stats().entries, cache.stats().vectors), (3, 3));
    assert_eq!(hit(&cache, key(1), &control(), NOW).as_deref(), Some("a1"));
    let near = lead(&cache, key(9), &control(), NOW).nearest(key(100), &[0.0, 0.0, 0.0, 2.0], NOW).unwrap();
    assert_eq!((near.entry.key, near.entry.answer.cost), (key(3), Some(NanoUsd(5))));
    assert_eq!(cache.clear("ns"), 1);
    assert_eq!(cache.clear("ns"), 0);
    drop(cache);
    // A smaller bound takes the newest.
    let small = CacheConfig { max_size: Bytes(600), max_entry: Bytes(600), ..config() };
    let cache = open(&small, Some(folder.path()));
    assert_eq!((hit(&cache, key(3), &control(), NOW).as_deref(), cache.stats().entries), (Some("a3"), 1));
    cache.flush_all();
    assert_eq!(cache.stats().entries, 0);
    drop(cache);
    assert_eq!(open(&config(), Some(folder.path())).stats().entries, 0);
}

#[test]
fn what_is_not_to_be_kept_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(&config(), Some(folder.path()));
    lead(&cache, key(1), &control(), NOW).fill(answer("a"), NOW);
    let files = || std::fs::read_dir(folder.path()).unwrap().count();
    assert!(files() > 0);
    cache.apply(&CacheConfig { persist: false, ..config() });
    assert_eq!(hit(&cache, key(1), &control(), NOW).as_deref(), Some("a"), "in memory it stays");
    assert_eq!(files(), 0);
    cache.apply(&config());
    lead(&cache, key(2), &control(), NOW).fill(answer("b"), NOW);
    cache.apply(&CacheConfig::default());
    assert_eq!((cache.stats().entries, files()), (0, 0));
    cache.apply(&config());
    assert_eq!(hit(&cache, key(2), &control(), NOW), None);
    // Changed while it did not run.
    lead(&cache, key(3), &control(), NOW).fill(answer("c"), NOW);
    drop(cache);
    assert!(files() > 0);
    drop(open(&CacheConfig { persist: false, ..config() }, Some(folder.path())));
    assert_eq!(files(), 0);
}

#[test]
fn a_folder_that_cannot_be_used_costs_only_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a file");
    std::fs::write(&file, "x").unwrap();
    let cache = open(&config(), Some(&file));
    lead(&cache, key(1), &control(), NOW).fill(answer("a"), NOW);
    assert_eq!(hit(&cache, key(1), &control(), NOW).as_deref(), Some("a"));
}

#[test]
fn some_requests_depend_on_more_than_themselves() {
    let is = |body: &str| is_cacheable(&Envelope::parse(body.as_bytes()).unwrap());
    assert!(is(r#"{"input":"a","background":false,"conversation":null,"previous_response_id":"r"}"#));
    assert!(!is(r#"{"background":true}"#) && !is(r#"{"conversation":"c"}"#) && !is(r#"{"container":"c"}"#));
}
