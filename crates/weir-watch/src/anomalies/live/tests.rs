//! The watch over a store of its own, by a clock that the tests hold.

use std::sync::Arc;
use std::time::Duration;

use weir_core::anomaly::{Anomaly, Feedback};
use weir_core::id::{SpanId, SpanKey, TraceId};
use weir_core::merge::SpanWrite;
use weir_core::money::NanoUsd;
use weir_core::span::{Span, SpanKind, Status};
use weir_core::time::{Clock, DAY, HOUR, MINUTE, Micros};
use weir_core::token::TokenCounts;
use weir_store::catalog::{Anomalies, AnomalyQuery};
use weir_store::ingest::WriteEngine;
use weir_store::sqlite::{SqliteCatalog, SqliteOptions, SqliteStore};

use super::{FeedbackError, Options, Watch, evaluate};

/// A Monday.
const START: Micros = 1_763_337_600_000_000;
const BUCKET: Micros = 5 * MINUTE;

struct World {
    _dir: tempfile::TempDir,
    store: Arc<SqliteStore>,
    catalog: Arc<SqliteCatalog>,
    clock: Clock,
    options: Options,
}

impl World {
    fn new(now: Micros) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::fixed(now);
        let options = SqliteOptions { clock: clock.clone(), ..SqliteOptions::default() };
        let store = Arc::new(SqliteStore::open_with(dir.path(), options).unwrap());
        let catalog = Arc::new(SqliteCatalog::open(dir.path()).unwrap());
        Self { _dir: dir, store, catalog, clock, options: Options::default() }
    }

    fn watch(&self) -> Arc<Watch> {
        Watch::new(self.store.clone(), self.catalog.clone(), self.clock.clone(), self.options.clone())
    }

    /// Stores calls of a project, 6 per bucket; between `wrong` nine of ten fail.
    fn calls(&self, project: &str, from: Micros, to: Micros, wrong: (Micros, Micros)) {
        let mut writes = Vec::new();
        let mut at = from;
        while at < to {
            let n = (at / BUCKET) as u64;
            let failed = (wrong.0..wrong.1).contains(&at) && (at / 50_000_000) % 10 != 0;
            let key = SpanKey {
                trace: TraceId((u128::from(at.unsigned_abs()) << 32 | u128::from(n)).to_be_bytes()),
                span: SpanId::new(),
            };
            let span = Span {
                kind: Some(SpanKind::Llm),
                status: Some(if failed { Status::Error } else { Status::Success }),
                project: Some(project.into()),
                model: Some("gpt-4o".into()),
                start_us: Some(at),
                end_us: Some(at + 800_000 + (at / 50_000_000 % 7) * 10_000),
                tokens: Some(TokenCounts::of(400 + (at / 50_000_000 % 11) as u64, 90)),
                cost: Some(NanoUsd(1_000_000)),
                ..Span::new(key)
            };
            writes.push(SpanWrite::create(span, 1));
            at += 50_000_000;
        }
        let batch = self.store.prepare(writes).unwrap();
        self.store.commit(&batch, None).unwrap();
    }

    fn found(&self) -> Vec<Anomaly> {
        self.catalog.anomalies(&AnomalyQuery { limit: 100, ..AnomalyQuery::default() }).unwrap()
    }

    fn errors(&self) -> Vec<Anomaly> {
        self.found().into_iter().filter(|a| a.metric == "error_ratio").collect()
    }
}

const QUIET: (Micros, Micros) = (0, 0);
const NOW: Micros = START + 8 * DAY;
const WRONG: (Micros, Micros) = (NOW + HOUR, NOW + 3 * HOUR);

/// Follows eight hours bucket by bucket; `each` may put another watch in its place.
fn follow(world: &World, each: &mut dyn FnMut(usize, Arc<Watch>) -> Arc<Watch>) {
    let mut watch = world.watch();
    watch.round().unwrap();
    for n in 0..96 {
        let at = NOW + n as Micros * BUCKET;
        world.calls("shop", at, at + BUCKET, WRONG);
        world.clock.advance(BUCKET);
        watch = each(n, watch);
        watch.round().unwrap();
    }
}

#[test]
fn what_comes_is_followed_and_a_restart_at_any_bucket_changes_nothing() {
    let whole = World::new(NOW + MINUTE);
    whole.calls("shop", START, NOW, QUIET);
    follow(&whole, &mut |_, watch| watch);
    let found = whole.found();
    let errors = whole.errors();
    assert_eq!(errors.len(), 1, "{found:#?}");
    assert!(errors[0].detected_at > WRONG.0 && errors[0].detected_at <= WRONG.0 + 6 * BUCKET, "{errors:?}");
    assert!(errors[0].ended_at.is_some());

    let restarted = World::new(NOW + MINUTE);
    restarted.calls("shop", START, NOW, QUIET);
    // As after kill -9: nothing of the process is left but what it wrote.
    follow(&restarted, &mut |n, watch| if n % 5 == 3 { restarted.watch() } else { watch });
    let strip =
        |list: Vec<Anomaly>| list.into_iter().map(|a| Anomaly { examples: Vec::new(), ..a }).collect::<Vec<_>>();
    assert_eq!(strip(restarted.found()), strip(found));
}

#[test]
fn the_past_is_judged_when_it_is_stored_and_only_to_its_end() {
    let world = World::new(NOW + 300 * DAY);
    let watch = world.watch();
    watch.round().unwrap();
    assert_eq!(watch.status().projects, 0);
    world.calls("shop", START, NOW + 8 * HOUR, WRONG);
    watch.stored(Some("shop"), START);
    assert!(watch.is_behind());
    assert!(world.found().is_empty());
    // Somebody asks: the worker does not wait for more.
    let worker = watch.start().unwrap();
    assert!(watch.catch_up(Duration::from_secs(60)));
    assert!(!watch.is_behind());
    let errors = world.errors();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].detected_at <= WRONG.0 + 6 * BUCKET);
    assert!(world.found().iter().all(|a| a.metric != "requests"), "that loaded calls end is no silence");

    // A part of it that comes later is judged with the rest, and nothing is told twice.
    world.calls("shop", WRONG.0, WRONG.0 + HOUR, WRONG);
    watch.stored(Some("shop"), WRONG.0);
    assert!(watch.catch_up(Duration::from_secs(60)));
    assert_eq!(world.errors().len(), 1);
    let offline = evaluate(world.store.as_ref(), &world.options, world.clock.now(), &|_| Ok(None), &[]).unwrap();
    let all = AnomalyQuery { limit: 100, ..AnomalyQuery::default() };
    assert_eq!(offline.lay_over(&all, &[]), world.found());
    watch.stop();
    worker.join().unwrap();
}

#[test]
fn feedback_is_learned_and_stored_or_neither() {
    let world = World::new(NOW + DAY);
    world.calls("shop", START, NOW + 8 * HOUR, WRONG);
    let watch = world.watch();
    watch.round().unwrap();
    let error = world.errors().remove(0);
    let before = world.catalog.engine("shop").unwrap().unwrap();
    assert!(matches!(watch.feedback("none", Feedback::Expected), Err(FeedbackError::Unknown)));
    assert_eq!(world.catalog.engine("shop").unwrap().unwrap(), before);
    let said = watch.feedback(&error.id, Feedback::Expected).unwrap();
    assert_eq!(said.feedback, Some(Feedback::Expected));
    let learned = world.catalog.engine("shop").unwrap().unwrap();
    assert_ne!(learned.state, before.state);
    // Judged anew, it is found again and still judged by people.
    world.catalog.mark_late(vec![("shop".into(), START)]).unwrap();
    let again = world.watch();
    again.round().unwrap();
    assert_eq!(world.catalog.anomaly(&error.id).unwrap().unwrap().feedback, Some(Feedback::Expected));
}

#[test]
fn projects_beyond_the_bound_are_counted() {
    let mut world = World::new(NOW + DAY);
    world.options.projects = 2;
    world.calls("large", START, START + 3 * HOUR, QUIET);
    world.calls("middle", START, START + 2 * HOUR, QUIET);
    world.calls("small", START, START + HOUR, QUIET);
    let watch = world.watch();
    watch.round().unwrap();
    let status = watch.status();
    assert_eq!((status.projects, status.left_out, status.learning), (2, 1, 2));
    let kept: Vec<_> = world.catalog.engines().unwrap().into_iter().map(|e| e.project).collect();
    assert_eq!(kept, ["large", "middle"]);
}

#[test]
fn the_chart_of_an_anomaly_has_the_band_of_before_and_ends_with_the_data() {
    let world = World::new(NOW + 300 * DAY);
    world.calls("shop", START, NOW + 8 * HOUR, WRONG);
    let watch = world.watch();
    watch.round().unwrap();
    let error = world.errors().remove(0);
    let chart = watch.chart(&error.id).unwrap().unwrap();
    assert_eq!((chart.width, chart.part, chart.from), (HOUR, None, NOW - DAY + HOUR));
    assert!(chart.to > WRONG.1 && chart.to <= NOW + 8 * HOUR, "{}", chart.to);
    let at = |start| chart.points.iter().find(|point| point.start == start).unwrap();
    let (before, during) = (at(NOW), at(WRONG.0));
    assert_eq!((before.value, before.of), (0.0, 72));
    let usual = during.usual.unwrap();
    assert!(during.value > 0.8 && usual.upper < 0.3 && usual.lower <= usual.expected, "{during:?}");
    assert_eq!(chart.points.len(), ((chart.to - chart.from) / HOUR) as usize);
    assert_eq!(watch.chart("none").unwrap(), None);
}
