//! Rules over single values: scores by what was scored, results of evaluations, events.

use weir_core::id::{RunId, SpanId, SpanKey, TraceId};
use weir_core::merge::SpanWrite;
use weir_core::score::{Score, ScoreTarget, ScoreValue};
use weir_core::span::{Span, SpanKind, Status};
use weir_core::time::{HOUR, MINUTE, Micros};
use weir_store::catalog::{Batch, NewPoint, NewRun, Point, RunChange, RunStatus, Runs};
use weir_store::ingest::WriteEngine;
use weir_store::scores::Scores;

use super::tests::{START, World, doc};

const NOW: Micros = START + HOUR;

/// A scored call of a model.
fn scored(world: &World, model: &str, value: &str, at: Micros) {
    let span = Span {
        kind: Some(SpanKind::Llm),
        project: Some("shop".into()),
        model: Some(model.into()),
        start_us: Some(at),
        end_us: Some(at + 5),
        ..Span::new(SpanKey { trace: TraceId::new(), span: SpanId::new() })
    };
    let target = ScoreTarget::Span(SpanKey { trace: span.trace_id, span: span.span_id });
    world.store.commit(&world.store.prepare(vec![SpanWrite::create(span, at)]).unwrap(), None).unwrap();
    world.store.put(&[Score::new(target, "tone", ScoreValue::parse(value).unwrap(), at + 9)]).unwrap();
}

/// A run that ended, with what it logged.
fn run(world: &World, name: &str, status: RunStatus, right: f64, at: Micros) {
    let run = world.catalog.create_run(NewRun { id: RunId::new(), name: name.into(), ..NewRun::default() }).unwrap().id;
    let point = Point { timestamp_ms: at / 1_000, step: 0, value: right };
    let metrics = vec![NewPoint { key: "right/mean".into(), point, model: None }];
    let params = vec![("model".to_owned(), name.to_owned())];
    world.catalog.log_batch(run, Batch { metrics, params, tags: Vec::new() }).unwrap();
    let ended = RunChange { status: Some(status), end_ms: Some(at / 1_000), ..RunChange::default() };
    world.catalog.update_run(run, ended).unwrap();
}

#[test]
fn scores_are_told_apart_by_the_model_that_was_scored() {
    let world = World::new(NOW);
    for n in 0..30 {
        scored(&world, "a", "0.9", NOW - 4 * MINUTE + n);
        scored(&world, "b", "0.2", NOW - 4 * MINUTE + n);
    }
    let alerter = world.alerter(&[], &[]);
    let rule = "id = \"tone\"\nname = \"Tone\"\nsource = \"score\"\nscore = \"tone\"\nchannels = [\"ops\"]\n\
                group_by = [\"model\"]\nproject = \"shop\"\ncondition = { op = \"<\", crit = 0.5 }\n";
    alerter.create(doc(rule)).unwrap();
    alerter.round().unwrap();
    assert_eq!(world.phases(), ["tone b shop tone firing"]);
    let told = world.told().remove(0).alert;
    assert_eq!(told.summary, "avg of score tone is 0.2, below 0.5 (model b)");
    assert_eq!((told.project.as_str(), told.labels["score"].as_str()), ("shop", "tone"));
    let other = rule.replace("shop", "other");
    assert!(alerter.dry_run(doc(&other), None).unwrap().episodes.is_empty());
    assert_eq!(alerter.dry_run(doc(rule), None).unwrap().episodes.len(), 1);
}

#[test]
fn an_evaluation_that_comes_to_less_fires_until_one_comes_to_more() {
    let world = World::new(NOW);
    run(&world, "small", RunStatus::Finished, 0.6, NOW - 20 * MINUTE);
    run(&world, "large", RunStatus::Finished, 0.9, NOW - 10 * MINUTE);
    let alerter = world.alerter(&[], &[]);
    let rule = "id = \"right\"\nname = \"Right\"\nsource = \"eval\"\nscore = \"right\"\nchannels = [\"ops\"]\n\
                group_by = [\"params.model\"]\ncondition = { op = \"<\", crit = 0.8 }\n";
    alerter.create(doc(rule)).unwrap();
    alerter.round().unwrap();
    assert_eq!(world.phases(), ["right right small firing"]);
    assert_eq!(world.told()[0].alert.summary, "evaluation right is 0.6, below 0.8 (params.model small)");
    world.clock.advance(HOUR);
    run(&world, "small", RunStatus::Finished, 0.85, NOW + 50 * MINUTE);
    alerter.round().unwrap();
    assert_eq!(world.events(), ["fired", "resolved"]);
}

#[test]
fn what_happens_is_told_once_and_is_over_after_the_window() {
    let world = World::new(NOW);
    run(&world, "nightly", RunStatus::Failed, 0.5, NOW - 2 * MINUTE);
    run(&world, "hourly", RunStatus::Finished, 0.5, NOW - 2 * MINUTE);
    let span = Span {
        kind: Some(SpanKind::Guardrail),
        status: Some(Status::Blocked),
        project: Some("shop".into()),
        name: Some("pii".into()),
        start_us: Some(NOW - 2 * MINUTE),
        end_us: Some(NOW - 2 * MINUTE + 5),
        ..Span::new(SpanKey { trace: TraceId::new(), span: SpanId::new() })
    };
    world.store.commit(&world.store.prepare(vec![SpanWrite::create(span, NOW)]).unwrap(), None).unwrap();
    let alerter = world.alerter(&[], &[]);
    let rule = "id = \"e\"\nname = \"E\"\nsource = \"event\"\nchannels = [\"ops\"]\n\
                condition = { type = \"event\", events = [\"run_failed\", \"guardrail\"] }\n";
    alerter.create(doc(rule)).unwrap();
    alerter.round().unwrap();
    assert_eq!(world.phases(), ["e guardrail pii shop firing", "e run_failed nightly default firing"]);
    let summaries: Vec<_> = world.told().into_iter().map(|n| n.alert.summary).collect();
    assert!(
        summaries.contains(&"guardrail happened once (event guardrail, name pii, project shop)".to_owned()),
        "{summaries:?}"
    );
    world.clock.advance(10 * MINUTE);
    alerter.round().unwrap();
    assert_eq!(world.events(), ["fired", "fired", "resolved", "resolved"]);
    assert!(world.told()[2].alert.summary.starts_with("over: no more "), "{}", world.told()[2].alert.summary);
    let only_shop = format!("{rule}filters = {{ kind = \"guardrail\", project = \"shop\" }}\n");
    let dry = alerter.dry_run(doc(&only_shop), None).unwrap();
    assert_eq!(dry.episodes.iter().map(|e| e.labels["name"].as_str()).collect::<Vec<_>>(), ["pii"]);
}
