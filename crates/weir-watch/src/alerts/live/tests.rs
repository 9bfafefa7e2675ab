//! The worker over stores of its own, by a clock that the tests hold.

use std::collections::BTreeSet;
use std::sync::Arc;

use weir_core::anomaly::{Anomaly, AnomalyKind, AnomalyState, Severity};
use weir_core::id::{SpanId, SpanKey, TraceId};
use weir_core::merge::SpanWrite;
use weir_core::money::NanoUsd;
use weir_core::score::{Score, ScoreTarget, ScoreValue};
use weir_core::span::{Span, SpanKind, Status};
use weir_core::time::{Clock, DAY, HOUR, MINUTE, Micros};
use weir_core::token::TokenCounts;
use weir_store::catalog::{
    AlertAck, AlertHistoryQuery, AlertQuery, Alerts, Anomalies, AnomalyWrite, NotificationQuery, Notifications,
};
use weir_store::ingest::WriteEngine;
use weir_store::scores::Scores;
use weir_store::sqlite::{SqliteCatalog, SqliteOptions, SqliteStore};

use super::super::document::RuleDoc;
use super::super::files::configured;
use super::super::mute::Silence;
use super::super::parse::{Format, rules};
use super::super::reads::Stores;
use super::{Alerter, AskError, Parts, Setup};
use crate::budgets::BudgetDoc;
use crate::notify::{Event, Notification};
use crate::slo::SloDoc;

/// A Monday, 00:00 UTC.
pub(super) const START: Micros = 1_763_337_600_000_000;

pub(super) struct World {
    dir: tempfile::TempDir,
    pub(super) store: Arc<SqliteStore>,
    pub(super) catalog: Arc<SqliteCatalog>,
    pub(super) clock: Clock,
}

impl World {
    pub(super) fn new(now: Micros) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::fixed(now);
        let options = SqliteOptions { clock: clock.clone(), ..SqliteOptions::default() };
        let store = Arc::new(SqliteStore::open_with(dir.path(), options).unwrap());
        let catalog = Arc::new(SqliteCatalog::open(dir.path()).unwrap());
        Self { dir, store, catalog, clock }
    }

    pub(super) fn alerter(&self, budgets: &[BudgetDoc], slos: &[SloDoc]) -> Arc<Alerter> {
        let parts = Parts {
            reads: Arc::new(Stores {
                measured: self.store.clone(),
                anomalies: self.catalog.clone(),
                happenings: self.catalog.clone(),
            }),
            catalog: self.catalog.clone(),
            clock: self.clock.clone(),
            meter: Arc::new(|_, _| {}),
            told: Arc::new(|| {}),
        };
        let configured = configured(None, budgets, slos).unwrap();
        let channels = Some(BTreeSet::from(["ops".to_owned(), "mail".to_owned()]));
        Alerter::new(parts, Setup { configured, channels, url: "http://weir/".into() }).unwrap()
    }

    /// A call every ten seconds of a range, of which so many in ten fail.
    pub(super) fn calls(&self, model: &str, from: Micros, to: Micros, failing: i64) {
        let writes = (from..to).step_by(10_000_000).enumerate().map(|(n, at)| {
            let failed = (n as i64) % 10 < failing;
            let span = Span {
                kind: Some(SpanKind::Llm),
                status: Some(if failed { Status::Error } else { Status::Success }),
                project: Some("shop".into()),
                model: Some(model.into()),
                start_us: Some(at),
                end_us: Some(at + if failed { 9_000_000 } else { 800_000 }),
                tokens: Some(TokenCounts::of(400, 90)),
                cost: Some(NanoUsd(1_000_000_000)),
                ..Span::new(SpanKey { trace: TraceId::new(), span: SpanId::new() })
            };
            SpanWrite::create(span, 1)
        });
        let batch = self.store.prepare(writes.collect()).unwrap();
        self.store.commit(&batch, None).unwrap();
    }

    /// Phase of each alert, by its labels.
    pub(super) fn phases(&self) -> Vec<String> {
        let query = AlertQuery { limit: 100, ..AlertQuery::default() };
        let mut all: Vec<String> = self
            .catalog
            .alerts(&query)
            .unwrap()
            .iter()
            .map(|a| {
                let alert: crate::notify::AlertJson = serde_json::from_str(&a.alert).unwrap();
                let labels: Vec<_> = alert.labels.values().map(String::as_str).collect();
                format!("{} {} {}", a.rule, labels.join(" "), a.phase)
            })
            .collect();
        all.sort();
        all
    }

    pub(super) fn told(&self) -> Vec<Notification> {
        let query = NotificationQuery { limit: 1_000, ..NotificationQuery::default() };
        let mut rows = self.catalog.notifications(&query).unwrap();
        rows.reverse();
        rows.iter().map(|row| serde_json::from_str(&row.new.body).unwrap()).collect()
    }

    pub(super) fn events(&self) -> Vec<&'static str> {
        self.told().iter().map(|n| n.event.as_str()).collect()
    }
}

pub(super) fn doc(text: &str) -> RuleDoc {
    rules(text, Format::Toml).unwrap().remove(0)
}

fn tone(value: f64, at: Micros) -> Score {
    let number = serde_json::Number::from_f64(value).unwrap();
    Score::new(ScoreTarget::Trace(TraceId::new()), "tone", ScoreValue::Number(number), at)
}

pub(super) const ERRORS: &str = "id = \"errors\"\nname = \"Errors\"\nchannels = [\"ops\", \"nobody\"]\ngroup_by = [\"model\"]\n\
                      metric = { measure = \"error_ratio\" }\ncondition = { warn = 0.15, crit = 0.4 }\nwindow = \"5m\"\n";

#[test]
fn a_rule_fires_escalates_and_is_over() {
    let world = World::new(START + HOUR);
    let alerter = world.alerter(&[], &[]);
    alerter.create(doc(ERRORS)).unwrap();
    let minutes = |n: i64| START + HOUR + n * MINUTE;
    for (n, failing) in [(-10, 0), (0, 2), (10, 6), (20, 0)] {
        world.calls("a", minutes(n), minutes(n + 10), failing);
        world.calls("b", minutes(n), minutes(n + 10), 0);
    }
    let mut phases = Vec::new();
    for _ in 0..31 {
        alerter.round().unwrap();
        alerter.round().unwrap();
        phases.push(world.phases());
        world.clock.advance(MINUTE);
    }
    assert_eq!(phases[0], Vec::<String>::new(), "nothing is remembered of what is well");
    assert_eq!(phases[8], ["errors a firing"]);
    assert_eq!(phases[30], ["errors a resolved"]);
    assert_eq!(world.events(), ["fired", "escalated", "resolved"]);
    let told = world.told();
    assert_eq!(told[0].alert.severity, Severity::Warning);
    assert_eq!(told[1].alert.severity, Severity::Critical);
    assert_eq!(told[0].alert.summary, "error_ratio is 20%, above 15% (model a)");
    assert_eq!(told[0].alert.url, format!("http://weir/alerts/{}", told[0].alert.fingerprint));
    let line = |n: &Notification| format!("{}-{}-", n.alert.fingerprint, told[0].alert.starts_at);
    assert!(told.iter().all(|n| n.id.starts_with(&line(n))), "{told:?}");
    let history = world.catalog.alert_history(&AlertHistoryQuery { limit: 10, ..Default::default() }).unwrap();
    assert_eq!(history.iter().map(|l| l.phase.as_str()).collect::<Vec<_>>(), ["resolved", "firing", "firing"]);
}

/// Whatever is read at once or one by one, now or long after: the same.
#[test]
fn a_dry_run_a_replay_and_the_worker_say_the_same() {
    let from = START + 3 * HOUR;
    let conditions = [
        "metric = { measure = \"error_ratio\" }\ncondition = { warn = 0.15, crit = 0.4, recover = 0.05 }",
        "metric = { measure = \"latency\", agg = \"p90\" }\ncondition = { crit = 5 }\nfor = \"3m\"",
        "metric = { measure = \"errors\" }\ncondition = { type = \"ratio_to_baseline\", factor = 2 }",
        "metric = { measure = \"cost\" }\ncondition = { crit = 800 }\nwindow = \"day\"\nevery = \"5m\"",
        "metric = { measure = \"requests\", agg = \"rate\" }\ncondition = { op = \"<\", crit = 5 }\nno_data = \"alert\"",
    ];
    for more in conditions {
        let text = format!("id = \"r\"\nname = \"R\"\nchannels = [\"ops\"]\ngroup_by = [\"model\"]\n{more}");
        let run = |live: bool| {
            let world = World::new(from);
            for (n, failing) in [(-120, 0), (0, 2), (20, 6), (40, 0)] {
                let at = from + n * MINUTE;
                world.calls("a", at, at + if n < 0 { 120 } else { 20 } * MINUTE, failing);
            }
            let alerter = world.alerter(&[], &[]);
            let paused = RuleDoc { enabled: live, ..doc(&text) };
            alerter.create(paused).unwrap();
            let span = 100;
            if live {
                for _ in 0..=span {
                    alerter.round().unwrap();
                    world.clock.advance(MINUTE);
                }
                world.clock.advance(-MINUTE);
            } else {
                // Three days later no minutes are kept any more.
                world.clock.advance(3 * DAY);
                alerter.replay("r", Some(from - 5 * MINUTE), Some(from + (span - 1) * MINUTE)).unwrap();
            }
            let told = |n: Notification| (n.event, n.alert.starts_at, n.alert.ends_at, n.alert.value, n.alert.severity);
            (world.told().into_iter().map(told).collect::<Vec<_>>(), world, alerter)
        };
        let (worked, world, alerter) = run(true);
        let (replayed, ..) = run(false);
        assert_eq!(worked, replayed, "{more}");
        assert!(!worked.is_empty(), "{more}");
        let dry = alerter.dry_run(doc(&text), Some(105 * MINUTE)).unwrap();
        let mut notifications: Vec<_> = dry.episodes.iter().flat_map(|e| e.notifications.clone()).collect();
        notifications.sort();
        let mut events: Vec<_> = worked.iter().map(|(event, ..)| event.as_str().to_owned()).collect();
        events.sort();
        assert_eq!(notifications, events, "{more}");
        let starts: BTreeSet<_> = dry.episodes.iter().map(|e| e.start).collect();
        assert_eq!(
            starts,
            worked.iter().filter(|w| w.0 == Event::Fired).map(|(_, start, ..)| *start).collect(),
            "{more}"
        );
        assert!(!dry.series.is_empty() && dry.series[0].points.iter().any(|p| p.value.is_some()));
        drop(world);
    }
}

#[test]
fn a_restart_goes_on_where_it_was() {
    let world = World::new(START + HOUR);
    world.calls("a", START, START + HOUR, 6);
    let alerter = world.alerter(&[], &[]);
    alerter.create(doc(ERRORS)).unwrap();
    alerter.round().unwrap();
    assert_eq!(world.events(), ["fired"]);
    // Another alerter over the same catalog: what a killed process leaves.
    let again = world.alerter(&[], &[]);
    again.round().unwrap();
    assert_eq!(world.events(), ["fired"]);
    world.clock.advance(MINUTE);
    again.round().unwrap();
    assert_eq!(world.phases(), ["errors a firing"]);
    world.calls("a", START + HOUR, START + 2 * HOUR, 0);
    world.clock.advance(10 * MINUTE);
    let third = world.alerter(&[], &[]);
    third.round().unwrap();
    assert_eq!(world.events(), ["fired", "resolved"]);
    assert!(world.dir.path().join("catalog.db").exists());
}

#[test]
fn a_deleted_rule_ends_its_alerts_and_one_that_is_switched_off_keeps_them() {
    let world = World::new(START + HOUR);
    world.calls("a", START, START + HOUR, 6);
    let alerter = world.alerter(&[], &[]);
    alerter.create(doc(ERRORS)).unwrap();
    alerter.round().unwrap();
    let off = RuleDoc { enabled: false, ..doc(ERRORS) };
    assert!(matches!(alerter.change("errors", off.clone(), Some(7)), Err(AskError::Rule(_))));
    alerter.change("errors", off, Some(1)).unwrap();
    world.clock.advance(20 * MINUTE);
    alerter.round().unwrap();
    assert_eq!(world.phases(), ["errors a firing"]);
    alerter.delete("errors").unwrap();
    alerter.round().unwrap();
    assert_eq!(world.phases(), Vec::<String>::new());
    assert_eq!(world.events(), ["fired", "resolved"]);
    assert_eq!(world.told()[1].alert.summary, "over: the rule Errors was deleted");
    assert!(matches!(alerter.delete("errors"), Err(AskError::NoRule(_))));
}

#[test]
fn a_silence_holds_back_and_who_takes_care_is_not_reminded() {
    let world = World::new(START + HOUR);
    world.calls("a", START, START + 3 * HOUR, 6);
    let alerter = world.alerter(&[], &[]);
    let now = world.clock.now();
    let silence = Silence {
        id: String::new(),
        rule_id: Some("errors".into()),
        labels: [("model".to_owned(), "a".to_owned())].into(),
        starts_at: 0,
        ends_at: now + 5 * MINUTE,
        by: "ann".into(),
        reason: "deployment".into(),
    };
    assert!(matches!(
        alerter.mute(Silence { rule_id: None, labels: Default::default(), ..silence.clone() }),
        Err(AskError::Wrong("rule_id", _))
    ));
    alerter.mute(silence).unwrap();
    alerter.create(RuleDoc { renotify: Some("10m".into()), ..doc(ERRORS) }).unwrap();
    alerter.round().unwrap();
    assert_eq!((world.phases(), world.told().len()), (vec!["errors a firing".to_owned()], 0));
    let record = world.catalog.alerts(&AlertQuery { limit: 1, ..AlertQuery::default() }).unwrap().remove(0);
    let fingerprint = record.fingerprint.clone();
    assert!(alerter.show(record).unwrap().muted);
    world.clock.advance(6 * MINUTE);
    alerter.round().unwrap();
    assert_eq!(world.events(), ["fired"]);
    let ack = AlertAck {
        by: "ann".into(),
        note: "on it".into(),
        at: world.clock.now(),
        until: Some(world.clock.now() + 30 * MINUTE),
    };
    let shown = alerter.acknowledge(&fingerprint, ack.clone()).unwrap();
    assert_eq!(shown.ack.map(|a| a.by), Some("ann".to_owned()));
    for _ in 0..20 {
        world.clock.advance(MINUTE);
        alerter.round().unwrap();
    }
    assert_eq!(world.events(), ["fired", "acknowledged"]);
    world.clock.advance(20 * MINUTE);
    alerter.round().unwrap();
    assert_eq!(world.events(), ["fired", "acknowledged", "renotified"], "the ack is over");
    assert!(matches!(alerter.acknowledge("none", ack), Err(AskError::NoAlert(_))));
}

#[test]
fn an_open_anomaly_is_an_alert_with_the_whole_record() {
    let world = World::new(START + HOUR);
    let alerter = world.alerter(&[], &[]);
    alerter
        .create(doc("id = \"odd\"\nname = \"Odd\"\nsource = \"anomaly\"\nchannels = [\"ops\"]\nproject = \"shop\""))
        .unwrap();
    let anomaly = Anomaly {
        id: "a1".into(),
        project: "shop".into(),
        metric: "latency_p95".into(),
        kind: AnomalyKind::Shift,
        severity: Severity::Warning,
        state: AnomalyState::Firing,
        onset: START,
        detected_at: START + 30 * MINUTE,
        ended_at: None,
        value: 900.0,
        expected: 300.0,
        lower: 200.0,
        upper: 400.0,
        baseline: "median".into(),
        causes: Vec::new(),
        examples: vec!["t".into()],
        feedback: None,
    };
    let put = |anomaly: &Anomaly| {
        let other = Anomaly { id: "a2".into(), project: "other".into(), ..anomaly.clone() };
        let anomalies = vec![anomaly.clone(), other];
        world.catalog.put_anomalies(AnomalyWrite { anomalies, ..AnomalyWrite::default() }).unwrap();
    };
    put(&anomaly);
    alerter.round().unwrap();
    let told = world.told();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].alert.anomaly.as_ref(), told[0].alert.severity), (Some(&anomaly), Severity::Warning));
    assert_eq!(told[0].alert.summary, "latency_p95 of shop is 900, expected 300 (200 to 400)");
    let over = Anomaly { state: AnomalyState::Resolved, ended_at: Some(START + HOUR), ..anomaly };
    put(&over);
    world.clock.advance(2 * MINUTE);
    alerter.round().unwrap();
    assert_eq!(world.events(), ["fired", "resolved"]);
}

#[test]
fn a_budget_tells_at_its_thresholds_and_begins_anew() {
    let world = World::new(START + 2 * HOUR);
    let budget = BudgetDoc {
        name: "per model".into(),
        amount: 1_000.0,
        period: crate::calendar::Period::Day,
        per: vec!["model".into()],
        channels: vec!["mail".into()],
        ..BudgetDoc::default()
    };
    let alerter = world.alerter(&[budget], &[]);
    world.calls("a", START, START + 2 * HOUR, 0);
    alerter.round().unwrap();
    assert_eq!(world.phases(), ["budget:per-model per model a 50% firing"]);
    world.calls("a", START + 2 * HOUR, START + 3 * HOUR, 0);
    world.clock.advance(HOUR);
    alerter.round().unwrap();
    let all = [
        "budget:per-model per model a 100% firing",
        "budget:per-model per model a 50% firing",
        "budget:per-model per model a 80% firing",
    ];
    assert_eq!(world.phases(), all);
    let severities: Vec<_> = world.told().iter().map(|n| n.alert.severity).collect();
    assert_eq!(
        severities,
        [Severity::Warning, Severity::Warning, Severity::Critical],
        "in the order of what was missed"
    );
    assert_eq!(world.told()[0].alert.summary, "budget per model has spent 69% of 1000 USD of the day (model a)");
    world.clock.advance(DAY);
    alerter.round().unwrap();
    assert!(world.phases().iter().all(|p| p.ends_with("resolved")), "{:?}", world.phases());
}

#[test]
fn objectives_of_errors_latency_and_scores_burn() {
    let world = World::new(START + 4 * HOUR);
    let slo =
        |name: &str| SloDoc { name: name.into(), objective: 0.99, channels: vec!["ops".into()], ..SloDoc::default() };
    let second = weir_core::units::Time::secs(2);
    let slos = [
        slo("errors"),
        SloDoc { latency: Some(second), ..slo("latency") },
        SloDoc { score: Some("tone".into()), least: Some(0.5), ..slo("tone") },
        SloDoc { filters: [("model".to_owned(), "b".into())].into(), ..slo("other") },
    ];
    world.calls("a", START, START + 4 * HOUR, 3);
    world.calls("b", START, START + 4 * HOUR, 0);
    let scores: Vec<Score> =
        (0..100).map(|n| tone(if n % 2 == 0 { 0.1 } else { 0.9 }, START + 4 * HOUR - (n + 1) * MINUTE / 4)).collect();
    world.store.put(&scores).unwrap();
    let alerter = world.alerter(&[], &slos);
    alerter.round().unwrap();
    assert_eq!(world.phases(), ["slo:errors errors firing", "slo:latency latency firing", "slo:tone tone firing"]);
    assert_eq!(world.told()[0].alert.threshold.map(|t| (t * 10.0).round()), Some(144.0));
    assert!(world.told()[0].alert.summary.starts_with("objective errors burns its error budget 15 times as fast"));
}

#[test]
fn a_rule_of_scores_is_judged_by_when_they_were_given() {
    let world = World::new(START + HOUR);
    let alerter = world.alerter(&[], &[]);
    let text = "id = \"tone\"\nname = \"Tone\"\nsource = \"score\"\nscore = \"tone\"\nwindow = \"30m\"\nchannels = [\"ops\"]\n\
                condition = { op = \"<\", crit = 0.5 }";
    alerter.create(doc(text)).unwrap();
    let scores: Vec<Score> = (0..30).map(|n| tone(0.3, START + HOUR - (n + 1) * MINUTE / 2)).collect();
    world.store.put(&scores).unwrap();
    alerter.round().unwrap();
    assert_eq!(world.told()[0].alert.summary, "avg of score tone is 0.3, below 0.5");
}

#[test]
fn what_the_store_cannot_answer_is_shown_and_changes_nothing() {
    let world = World::new(START + HOUR);
    let alerter = world.alerter(&[], &[]);
    alerter.create(doc(ERRORS)).unwrap();
    assert!(matches!(alerter.create(doc(ERRORS)), Err(AskError::Rule(_))));
    let wrong = RuleDoc { group_by: vec!["modle".into()], ..doc(ERRORS) };
    assert!(matches!(alerter.change("errors", wrong, None), Err(AskError::Problem(_))));
    assert_eq!(alerter.rule("errors").unwrap().listed.doc.group_by, ["model"]);
    alerter.round().unwrap();
    let shows = alerter.rule("errors").unwrap();
    assert_eq!(shows.evaluation.map(|e| (e.evaluated_us, e.error)), Some((START + HOUR - MINUTE, None)));
    let early = alerter.replay("errors", Some(START), None);
    assert!(matches!(early, Err(AskError::Wrong("from", _))), "{early:?}");
    assert!(matches!(alerter.replay("none", None, None), Err(AskError::NoRule(_))));
}
