use weir_core::anomaly::Severity;

use super::*;
use crate::catalog::{NotificationQuery, Notifications};

fn catalog() -> (tempfile::TempDir, SqliteCatalog) {
    let dir = tempfile::tempdir().unwrap();
    let catalog = SqliteCatalog::open(dir.path()).unwrap();
    (dir, catalog)
}

fn alert(fingerprint: &str, phase: &str, starts_us: Option<Micros>) -> AlertRecord {
    AlertRecord {
        fingerprint: fingerprint.into(),
        rule: "r".into(),
        project: "shop".into(),
        phase: phase.into(),
        severity: Severity::Critical,
        starts_us,
        ends_us: None,
        evaluated_us: 5,
        state: "{}".into(),
        alert: "{}".into(),
        ack: None,
    }
}

fn line(fingerprint: &str, at: Micros) -> AlertTransition {
    AlertTransition {
        seq: 0,
        rule: "r".into(),
        fingerprint: fingerprint.into(),
        at,
        phase: "firing".into(),
        event: Some("fired".into()),
        severity: Severity::Warning,
        value: Some(0.5),
        threshold: None,
        summary: "s".into(),
        person: None,
    }
}

fn told(id: &str) -> NewNotification {
    NewNotification { id: id.into(), channel: "c".into(), alert: "a".into(), body: "{}".into(), created_us: 1 }
}

fn ack() -> AlertAck {
    AlertAck { by: "ann".into(), note: "on it".into(), at: 7, until: Some(9) }
}

#[test]
fn a_rule_has_versions_and_is_changed_by_whom_knows_the_last() {
    let (_dir, catalog) = catalog();
    let made = catalog.put_alert_rule("r", "{}", 1, AlertRulePut::New).unwrap();
    assert_eq!((made.version, made.created_us), (1, 1));
    let again = catalog.put_alert_rule("r", "{}", 2, AlertRulePut::New);
    assert!(matches!(again, Err(AlertRuleProblem::Exists)));
    let changed = catalog.put_alert_rule("r", "{\"a\":1}", 3, AlertRulePut::Change(Some(1))).unwrap();
    assert_eq!((changed.version, changed.created_us, changed.updated_us), (2, 1, 3));
    let late = catalog.put_alert_rule("r", "{}", 4, AlertRulePut::Change(Some(1)));
    assert!(matches!(late, Err(AlertRuleProblem::Changed(2))));
    let unknown = catalog.put_alert_rule("q", "{}", 4, AlertRulePut::Change(None));
    assert!(matches!(unknown, Err(AlertRuleProblem::Unknown)));
    assert_eq!(catalog.alert_rules().unwrap(), [changed]);
    assert!(catalog.delete_alert_rule("r").unwrap());
    assert!(!catalog.delete_alert_rule("r").unwrap());
}

#[test]
fn a_change_and_what_is_told_are_written_together_or_not_at_all() {
    let (_dir, catalog) = catalog();
    let write = AlertWrite {
        alerts: vec![alert("a", "firing", Some(3))],
        history: vec![line("a", 3)],
        evaluations: vec![AlertEvaluation { rule: "r".into(), evaluated_us: 3, ..AlertEvaluation::default() }],
        notifications: vec![told("1")],
        ..AlertWrite::default()
    };
    let too_large = NewNotification { body: "x".repeat(crate::catalog::MAX_NOTIFICATION + 1), ..told("2") };
    let refused = AlertWrite { notifications: vec![too_large], ..write.clone() };
    catalog.put_alerts(refused).unwrap_err();
    assert_eq!(catalog.every_alert().unwrap(), []);
    assert_eq!(catalog.alert_evaluations().unwrap(), []);
    catalog.put_alerts(write.clone()).unwrap();
    catalog.put_alerts(write).unwrap();
    assert_eq!(catalog.every_alert().unwrap(), [alert("a", "firing", Some(3))]);
    let query = NotificationQuery { limit: 10, ..NotificationQuery::default() };
    assert_eq!(catalog.notifications(&query).unwrap().len(), 1, "putting it again changes nothing");
    assert_eq!(catalog.open_alerts().unwrap(), [0, 0, 1]);
    let gone = AlertWrite { forgotten: vec!["a".into()], gone: vec!["r".into()], ..AlertWrite::default() };
    catalog.put_alerts(gone).unwrap();
    assert_eq!((catalog.every_alert().unwrap().len(), catalog.alert_evaluations().unwrap().len()), (0, 0));
    assert_eq!(catalog.alert_history(&AlertHistoryQuery { limit: 5, ..Default::default() }).unwrap().len(), 2);
}

#[test]
fn who_takes_care_is_kept_as_long_as_the_alert_lasts() {
    let (_dir, catalog) = catalog();
    let put = |alert| catalog.put_alerts(AlertWrite { alerts: vec![alert], ..AlertWrite::default() }).unwrap();
    put(alert("a", "firing", Some(3)));
    let gone = catalog.acknowledge("a", Some(2), Some(ack()), line("a", 7), vec![told("1")]).unwrap();
    assert_eq!(gone, None, "that alert is over");
    assert_eq!(catalog.alert_history(&AlertHistoryQuery { limit: 5, ..Default::default() }).unwrap(), []);
    let taken = catalog.acknowledge("a", Some(3), Some(ack()), line("a", 7), vec![told("1")]).unwrap().unwrap();
    assert_eq!(taken.ack, Some(ack()));
    assert_eq!(catalog.acknowledged().unwrap(), [("a".to_owned(), Some(3), ack())]);
    put(AlertRecord { evaluated_us: 6, ..alert("a", "firing", Some(3)) });
    assert_eq!(catalog.alert("a").unwrap().unwrap().ack, Some(ack()));
    put(alert("a", "firing", Some(8)));
    assert_eq!(catalog.alert("a").unwrap().unwrap().ack, None, "another one");
}

#[test]
fn lists_are_chosen_and_the_worst_comes_first() {
    let (_dir, catalog) = catalog();
    let all = [
        AlertRecord { severity: Severity::Warning, ..alert("a", "firing", Some(1)) },
        AlertRecord { project: "other".into(), ..alert("b", "firing", Some(2)) },
        alert("c", "firing", Some(3)),
        alert("d", "resolved", Some(4)),
        AlertRecord { rule: "q".into(), ..alert("e", "pending", None) },
    ];
    catalog.put_alerts(AlertWrite { alerts: all.to_vec(), ..AlertWrite::default() }).unwrap();
    let names = |query: AlertQuery| {
        let query = AlertQuery { limit: 10, ..query };
        catalog.alerts(&query).unwrap().iter().map(|a| a.fingerprint.clone()).collect::<String>()
    };
    assert_eq!(names(AlertQuery::default()), "cbaed");
    assert_eq!(names(AlertQuery { phases: vec!["firing".into()], ..AlertQuery::default() }), "cba");
    assert_eq!(names(AlertQuery { rules: vec!["q".into()], ..AlertQuery::default() }), "e");
    assert_eq!(names(AlertQuery { projects: vec!["other".into()], ..AlertQuery::default() }), "b");
    assert_eq!(names(AlertQuery { severity: Some(Severity::Critical), ..AlertQuery::default() }), "cbed");
}

#[test]
fn history_is_paged_and_silences_end() {
    let (_dir, catalog) = catalog();
    let history = (0..5).map(|at| line(if at == 3 { "b" } else { "a" }, at)).collect();
    catalog.put_alerts(AlertWrite { history, ..AlertWrite::default() }).unwrap();
    let page = |before, fingerprint: Option<&str>| {
        let query = AlertHistoryQuery {
            before,
            fingerprint: fingerprint.map(str::to_owned),
            limit: 2,
            ..AlertHistoryQuery::default()
        };
        catalog.alert_history(&query).unwrap().iter().map(|l| (l.seq, l.at)).collect::<Vec<_>>()
    };
    assert_eq!(page(None, None), [(5, 4), (4, 3)]);
    assert_eq!(page(Some(4), None), [(3, 2), (2, 1)]);
    assert_eq!(page(None, Some("b")), [(4, 3)]);
    catalog.put_alert_mute("m", "{}", 10, 1).unwrap();
    assert_eq!(catalog.alert_mutes(9).unwrap(), ["{}"]);
    assert!(catalog.alert_mutes(10).unwrap().is_empty());
    assert!(catalog.delete_alert_mute("m").unwrap());
    assert!(!catalog.delete_alert_mute("m").unwrap());
}
