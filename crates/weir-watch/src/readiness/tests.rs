use std::collections::BTreeMap;

use weir_core::time::{DAY, HOUR};

use super::*;

const NOW: i64 = 1_763_683_200_000_000;

/// A service of which everything is as it should be.
fn good() -> (Facts, Targets) {
    let facts = Facts {
        now: NOW,
        window: (NOW - 7 * DAY, NOW),
        calls: CallFacts {
            count: 1_000,
            errors: 9,
            rate_limited: 2,
            blocked: 1,
            p95_ms: Some(800.0),
            looked_at: 1_000,
            traced: 1_000,
            ..CallFacts::default()
        },
        scores: vec![ScoreFact { name: "faithful".into(), count: 10, mean: 0.8 }],
        budgets: vec![BudgetFact { name: "key app, this day".into(), limit: 10.0, spent: Some(4.0) }],
        alerts: Some(AlertFacts {
            rules: vec![RuleFact {
                name: "slow".into(),
                channels: vec!["ops".into()],
                has_runbook: true,
                failing: None,
            }],
            channels: vec![ChannelFact { name: "ops".into(), tested_at: Some(NOW - DAY), ok: true, given_up: None }],
        }),
        record: RecordFacts { retention: Some(90 * DAY), redacts: true, patterns: 0 },
        backups: BackupFacts { configured: true, count: 2, newest_verified: Some(NOW - HOUR), unreadable: None },
    };
    let targets = Targets { scores: BTreeMap::from([("faithful".into(), 0.8)]), ..Targets::default() };
    (facts, targets)
}

/// The line of a check after something was changed in the good service.
fn line(id: &str, change: impl FnOnce(&mut Facts, &mut Targets)) -> Line {
    let (mut facts, mut targets) = good();
    change(&mut facts, &mut targets);
    judge(&facts, &targets).checks.into_iter().find(|line| line.id == id).unwrap()
}

fn fails(id: &str, says: &str, change: impl FnOnce(&mut Facts, &mut Targets)) {
    let line = line(id, change);
    assert_eq!(line.verdict, Verdict::Fail, "{line:?}");
    assert!(line.found.contains(says), "{line:?}");
    assert!(line.fix.is_some(), "{line:?}");
}

fn is_unknown(id: &str, change: impl FnOnce(&mut Facts, &mut Targets)) {
    let line = line(id, change);
    assert_eq!(line.verdict, Verdict::Unknown, "{line:?}");
    assert!(line.fix.is_some(), "{line:?}");
}

#[test]
fn a_good_service_is_ready_with_nothing_to_do() {
    let (facts, targets) = good();
    let report = judge(&facts, &targets);
    assert!(report.checks.iter().all(|l| l.verdict == Verdict::Pass && l.fix.is_none()), "{report:#?}");
    assert!(report.ready);
    assert_eq!((report.passed, report.failed, report.unknown), (ids().len() as u64, 0, 0));
}

#[test]
fn every_check_fails_where_it_should() {
    fails("traced", "999 of 1000 calls", |f, _| f.calls.traced = 999);
    fails("traced", "3 calls could not be recorded", |f, _| f.calls.lost = 3);
    fails("latency", "longer than 10 s, target 10 s", |f, _| f.calls.p95_ms = Some(10_000.0));
    fails("errors", "10 of 1000 calls failed (1 %); 2 rate limited, 1 blocked", |f, _| f.calls.errors = 10);
    fails("scores", "faithful 0.790 (baseline 0.8)", |f, _| f.scores[0].mean = 0.79);
    fails("budget", "no budget is set", |f, _| f.budgets.clear());
    fails("budget", "spent: key app, this day", |f, _| f.budgets[0].spent = Some(10.0));
    fails("alerts", "no alert rule", |f, _| f.alerts = Some(AlertFacts::default()));
    fails("alerts", "no channel is told of: slow", |f, _| f.alerts.as_mut().unwrap().channels.clear());
    fails("channels", "never tested", |f, _| f.alerts.as_mut().unwrap().channels[0].tested_at = None);
    fails("channels", "test failed", |f, _| f.alerts.as_mut().unwrap().channels[0].ok = false);
    fails("channels", "tested 31 days ago", |f, _| {
        f.alerts.as_mut().unwrap().channels[0].tested_at = Some(NOW - 31 * DAY);
    });
    fails("alerts", "cannot be evaluated: slow (too much)", |f, _| {
        f.alerts.as_mut().unwrap().rules[0].failing = Some("too much".into());
    });
    fails("channels", "ops (the last notification was given up: 410 Gone)", |f, _| {
        f.alerts.as_mut().unwrap().channels[0].given_up = Some("410 Gone".into());
    });
    fails("runbooks", "without: slow", |f, _| f.alerts.as_mut().unwrap().rules[0].has_runbook = false);
    fails("retention", "for ever", |f, _| f.record.retention = None);
    fails("redaction", "personal data", |f, _| f.record.redacts = false);
    fails("backups", "no folder", |f, _| f.backups = BackupFacts::default());
    fails("backups", "there is no backup", |f, _| {
        f.backups = BackupFacts { configured: true, ..BackupFacts::default() };
    });
    fails("backups", "2 backups, none restored", |f, _| f.backups.newest_verified = None);
    fails("backups", "3 days old", |f, _| f.backups.newest_verified = Some(NOW - 3 * DAY));
}

#[test]
fn what_cannot_be_judged_is_unknown() {
    for id in ["traced", "latency", "errors"] {
        is_unknown(id, |f, _| f.calls.count = 99);
    }
    is_unknown("traced", |f, _| f.calls.looked_at = 0);
    is_unknown("scores", |_, t| t.scores.clear());
    is_unknown("scores", |f, _| f.scores.clear());
    is_unknown("budget", |f, _| f.budgets[0].spent = None);
    for id in ["alerts", "channels", "runbooks"] {
        is_unknown(id, |f, _| f.alerts = None);
    }
    is_unknown("channels", |f, _| f.alerts = Some(AlertFacts::default()));
    is_unknown("backups", |f, _| f.backups.unreadable = Some("no such folder".into()));
}

#[test]
fn an_own_pattern_is_redaction_too() {
    let line = line("redaction", |f, _| f.record = RecordFacts { redacts: false, patterns: 2, ..f.record });
    assert_eq!((line.verdict, line.figure.value), (Verdict::Pass, Some(2.0)));
}

#[test]
fn what_is_unknown_counts_only_where_that_is_asked_for() {
    let (mut facts, mut targets) = good();
    facts.scores.clear();
    assert!(judge(&facts, &targets).ready);
    targets.unknown_fails = true;
    assert!(!judge(&facts, &targets).ready);
    targets.skip = vec!["scores".into()];
    let report = judge(&facts, &targets);
    assert!(report.ready && report.checks.iter().all(|line| line.id != "scores"));
}

#[test]
fn figures_stand_beside_their_targets() {
    let figure = |id| line(id, |_, _| {}).figure;
    let (errors, latency) = (figure("errors"), figure("latency"));
    assert_eq!((errors.value, errors.target, errors.unit.as_str()), (Some(0.009), Some(0.01), "share"));
    assert_eq!((latency.value, latency.target, latency.unit.as_str()), (Some(800.0), Some(10_000.0), "ms"));
}
