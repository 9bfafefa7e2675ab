//! Rules over more groups than they look at, and what is measured of single calls.

use weir_core::id::{SpanId, SpanKey, TraceId};
use weir_core::merge::SpanWrite;
use weir_core::span::{Span, SpanKind, Status};
use weir_core::time::{HOUR, MINUTE, Micros};
use weir_core::token::TokenCounts;
use weir_store::catalog::Alerts;
use weir_store::ingest::WriteEngine;

use super::tests::{START, World, doc};

const NOW: Micros = START + 2 * HOUR;

/// A streamed call: 20 tokens a second.
fn call(model: &str, at: Micros, ttft_us: Option<Micros>) -> SpanWrite {
    let span = Span {
        kind: Some(SpanKind::Llm),
        status: Some(Status::Success),
        model: Some(model.into()),
        start_us: Some(at),
        end_us: Some(at + 2_000_000),
        ttft_us,
        tokens: Some(TokenCounts::of(10, 40)),
        ..Span::new(SpanKey { trace: TraceId::new(), span: SpanId::new() })
    };
    SpanWrite::create(span, at)
}

fn store(world: &World, writes: Vec<SpanWrite>) {
    world.store.commit(&world.store.prepare(writes).unwrap(), None).unwrap();
}

#[test]
fn the_200_groups_with_most_calls_are_looked_at_and_the_others_counted() {
    let world = World::new(NOW);
    let at = |n: i64, k: i64| NOW - 50 * MINUTE + n * 1_000 + k * 10 * MINUTE;
    // The first of all is the smallest.
    let few = (0..60).map(|n| call(&format!("a-few-{n}"), at(n, 0), None));
    let many = (0..200).flat_map(|n| (0..2).map(move |k| call(&format!("many-{n}"), at(n, k), None)));
    store(&world, few.chain(many).collect());
    let alerter = world.alerter(&[], &[]);
    let rule = "id = \"volume\"\nname = \"Volume\"\nmetric = { measure = \"requests\" }\ngroup_by = [\"model\"]\n\
                window = \"1h\"\ncondition = { crit = 0 }\n";
    alerter.create(doc(rule)).unwrap();
    alerter.round().unwrap();
    let judged = world.catalog.alert_evaluations().unwrap().remove(0);
    assert_eq!((judged.series, judged.left_out, judged.error), (200, 60, None));
    assert!(world.phases().iter().all(|line| line.contains("many-")));
    // The same from the buckets of a dry run.
    let tried = alerter.dry_run(doc(rule), None).unwrap();
    assert_eq!((tried.episodes.len(), tried.left_out), (200, 60));
    assert!(tried.episodes.iter().all(|episode| episode.labels["model"].starts_with("many-")));
}

#[test]
fn first_tokens_and_rates_are_judged_by_their_percentiles() {
    let world = World::new(NOW);
    let of = |model: &'static str, ttft: Micros| {
        (0..40).map(move |n| call(model, NOW - 4 * MINUTE + n * 1_000_000, (n % 2 == 0).then_some(ttft)))
    };
    store(&world, of("quick", 200_000).chain(of("slow", 1_500_000)).collect());
    let alerter = world.alerter(&[], &[]);
    let rule = |id: &str, metric: &str, condition: &str| {
        let text = format!(
            "id = \"{id}\"\nname = \"{id}\"\nmetric = {metric}\ngroup_by = [\"model\"]\ncondition = {condition}\n\
             min_samples = 20\n"
        );
        alerter.create(doc(&text)).unwrap();
        alerter.dry_run(doc(&text), None).unwrap()
    };
    let tried = rule("ttft", "{ measure = \"ttft\" }", "{ crit = 1 }");
    assert_eq!((tried.episodes.len(), tried.unit.as_str()), (1, "seconds"));
    let value = tried.episodes[0].value.unwrap();
    assert!((value - 1.5).abs() < 0.02 && tried.episodes[0].labels["model"] == "slow", "{value}");
    rule("rate", "{ measure = \"tokens_per_s\", agg = \"p50\" }", "{ op = \"<\", crit = 25 }");
    rule("quicker", "{ measure = \"tokens_per_s\", agg = \"p50\" }", "{ op = \"<\", crit = 15 }");
    alerter.round().unwrap();
    assert_eq!(world.phases(), ["rate quick firing", "rate slow firing", "ttft slow firing"]);
}
