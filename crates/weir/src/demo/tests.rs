//! What the made traffic is: the same for the same seed, as large as asked for, and with what its incidents say.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use weir_core::score::Score;
use weir_core::span::{Span, SpanKind, Status};
use weir_core::time::{DAY, Micros, parse};
use weir_store::sqlite::SqliteStore;
use weir_store::telemetry::{Dimension, StatsQuery, Telemetry, TimeRange};

use super::traffic::{self, Sink};
use super::*;

fn options(calls: u64, seed: u64) -> Options {
    Options { until: parse("2026-11-26T18:20:00Z").unwrap(), days: 30, calls, seed, add: false }
}

#[derive(Default)]
struct Kept {
    spans: Vec<Span>,
    scores: Vec<Score>,
}

impl Sink for Kept {
    fn take(&mut self, spans: Vec<Span>, scores: Vec<Score>) -> anyhow::Result<()> {
        self.spans.extend(spans);
        self.scores.extend(scores);
        Ok(())
    }
}

fn kept(calls: u64, seed: u64) -> Kept {
    let (options, mut kept) = (options(calls, seed), Kept::default());
    traffic::make(&world(&options).unwrap(), options.calls, options.seed, &mut kept).unwrap();
    kept
}

fn digest(kept: &Kept) -> String {
    let mut hash = Sha256::new();
    for span in &kept.spans {
        hash.update(serde_json::to_vec(span).unwrap());
    }
    for score in &kept.scores {
        hash.update(format!("{score:?}"));
    }
    hex::encode(hash.finalize())
}

#[test]
fn the_same_seed_gives_the_same_traffic() {
    let first = kept(1_500, 1);
    assert_eq!(digest(&first), digest(&kept(1_500, 1)));
    assert_ne!(digest(&first), digest(&kept(1_500, 2)));
}

#[test]
fn traffic_is_as_large_as_asked_for_and_ends_before_the_end() {
    let options = options(8_000, 3);
    let kept = kept(8_000, 3);
    let calls = kept.spans.iter().filter(|span| span.is_call()).count();
    assert!((7_300..8_700).contains(&calls), "{calls}");
    let last = kept.spans.iter().filter_map(|span| span.end_us).max().unwrap();
    let first = kept.spans.iter().filter_map(|span| span.start_us).min().unwrap();
    assert!(last <= options.until && first >= options.until - 30 * DAY);
    let today = kept.spans.iter().filter(|span| span.start_us.unwrap() > options.until - DAY).count();
    assert!(today > kept.spans.len() / 60, "the last day is as full as others: {today}");
}

#[test]
fn steps_lie_within_their_root_and_every_call_is_whole() {
    let kept = kept(3_000, 4);
    let roots: BTreeMap<_, _> =
        kept.spans.iter().filter(|span| span.parent_id.is_none()).map(|s| (s.trace_id, s)).collect();
    let mut kinds = BTreeMap::new();
    for span in &kept.spans {
        *kinds.entry(span.kind.unwrap().as_str()).or_insert(0) += 1;
        let root = roots[&span.trace_id];
        assert!(span.start_us >= root.start_us && span.end_us <= root.end_us, "{span:?}");
        if span.is_call() && span.status == Some(Status::Success) {
            assert!(span.cost.is_some_and(|cost| cost.0 > 0) && span.tokens.is_some() && span.output.is_some());
        }
        for json in [&span.input, &span.output].into_iter().flatten() {
            serde_json::from_str::<serde_json::Value>(json).unwrap();
        }
    }
    assert_eq!(kinds.keys().copied().collect::<Vec<_>>(), ["agent", "branch", "guardrail", "llm", "retriever", "tool"]);
    let sessions = kept.spans.iter().filter_map(|span| span.session.clone()).collect::<std::collections::BTreeSet<_>>();
    assert!(sessions.len() < roots.len(), "conversations have several turns");
    assert!(kept.scores.iter().all(|score| score.check().is_ok()) && kept.scores.len() > 200);
}

#[test]
fn the_incidents_are_in_the_calls() {
    let kept = kept(20_000, 5);
    let plan = world(&options(0, 5)).unwrap().plan;
    let calls = || kept.spans.iter().filter(|span| span.is_call());
    let of = |provider: &str, inside: bool| -> (f64, f64) {
        let trouble = plan.trouble.clone().unwrap();
        let chosen: Vec<_> = calls()
            .filter(|s| s.provider.as_deref() == Some(provider) && trouble.contains(&s.start_us.unwrap()) == inside)
            .filter(|s| s.status != Some(Status::Cached))
            .collect();
        let failed = chosen.iter().filter(|s| s.status == Some(Status::Error)).count() as f64 / chosen.len() as f64;
        let mut took: Vec<Micros> =
            chosen.iter().filter(|s| s.status == Some(Status::Success)).filter_map(|s| s.latency_us()).collect();
        took.sort_unstable();
        (failed, took[took.len() / 2] as f64)
    };
    let ((failed, slow), (usual, quick)) = (of("anthropic", true), of("anthropic", false));
    assert!(failed > 0.08 && usual < 0.02, "{failed} and {usual}");
    assert!(slow > 2.0 * quick, "{slow} and {quick}");
    assert!(of("openai", true).0 < 0.05);
    let completion = |version: &str| {
        let of: Vec<u64> = calls()
            .filter(|s| {
                s.prompt_name.as_deref() == Some("refund-decision") && s.prompt_version.as_deref() == Some(version)
            })
            .filter_map(|s| Some(s.tokens?.completion))
            .collect();
        of.iter().sum::<u64>() as f64 / of.len() as f64
    };
    assert!(completion("v2") > 1.8 * completion("v1"), "{} and {}", completion("v2"), completion("v1"));
}

#[test]
fn a_folder_is_filled_once_and_its_figures_are_those_of_its_rows() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let loaded = crate::config::load(None).unwrap();
    let options = Options { days: 12, ..options(600, 6) };
    let made = fill(&data, &options, &loaded, &|_| {}).unwrap();
    assert_eq!((made.experiments, made.runs, made.datasets), (3, 28, 2));
    let stats = || {
        let store = SqliteStore::open_read_only(&data).unwrap();
        let query = StatsQuery { group_by: vec![Dimension::Department], ..StatsQuery::default() };
        let stats = store.stats(&query).unwrap();
        let (mut rows, all) = (0, TimeRange::default());
        let filter = weir_core::filter::Filter::And(Vec::new());
        store
            .scan(all, &filter, false, &mut |span| {
                rows += u64::from(span.kind == Some(SpanKind::Llm));
                std::ops::ControlFlow::Continue(())
            })
            .unwrap();
        (stats.total.count, rows, stats.groups.len(), stats.total.cost.0 > 0)
    };
    assert_eq!(stats(), (made.calls, made.calls, 3, true));
    let refused = fill(&data, &options, &loaded, &|_| {}).unwrap_err().to_string();
    assert!(refused.contains("is not empty") && refused.contains("--add"), "{refused}");
    // What is there already is not written twice.
    fill(&data, &Options { add: true, ..options }, &loaded, &|_| {}).unwrap();
    assert_eq!(stats().0, made.calls);
}
