use super::*;
use crate::telemetry::TimeRange;

fn anomaly(id: &str, project: &str, detected_at: Micros) -> Anomaly {
    Anomaly {
        id: id.into(),
        project: project.into(),
        metric: "error_ratio".into(),
        kind: AnomalyKind::Proportion,
        severity: Severity::Warning,
        state: AnomalyState::Firing,
        onset: detected_at - 10,
        detected_at,
        ended_at: None,
        value: 0.4,
        expected: 0.01,
        lower: 0.0,
        upper: 0.05,
        baseline: "median".into(),
        causes: Vec::new(),
        examples: Vec::new(),
        feedback: None,
    }
}

fn ended(of: Anomaly, at: Micros) -> Anomaly {
    Anomaly { state: AnomalyState::Resolved, ended_at: Some(at), ..of }
}

const KINDS: [AnomalyKind; 6] = [
    AnomalyKind::Spike,
    AnomalyKind::Shift,
    AnomalyKind::Proportion,
    AnomalyKind::Drift,
    AnomalyKind::Silence,
    AnomalyKind::Rule,
];

fn all() -> AnomalyQuery {
    AnomalyQuery { limit: 10, ..AnomalyQuery::default() }
}

fn catalog() -> (tempfile::TempDir, SqliteCatalog) {
    let dir = tempfile::tempdir().unwrap();
    let catalog = SqliteCatalog::open(dir.path()).unwrap();
    (dir, catalog)
}

fn put(catalog: &SqliteCatalog, anomalies: Vec<Anomaly>) {
    catalog.put_anomalies(AnomalyWrite { anomalies, ..AnomalyWrite::default() }).unwrap();
}

fn ids(catalog: &SqliteCatalog, query: &AnomalyQuery) -> String {
    catalog.anomalies(query).unwrap().iter().map(|a| a.id.as_str()).collect::<Vec<_>>().join(" ")
}

#[test]
fn an_anomaly_is_replaced_and_keeps_what_was_said_of_it() {
    let (_dir, catalog) = catalog();
    put(&catalog, vec![anomaly("a", "shop", 100)]);
    let said = catalog.put_feedback("a", Some(Feedback::Expected), None).unwrap().unwrap();
    assert_eq!(said.feedback, Some(Feedback::Expected));
    let over = ended(anomaly("a", "shop", 100), 200);
    put(&catalog, vec![over.clone()]);
    let kept = Anomaly { feedback: Some(Feedback::Expected), ..over };
    assert_eq!(catalog.anomaly("a").unwrap(), Some(kept.clone()));
    assert_eq!(catalog.anomalies(&all()).unwrap(), [kept]);
    assert_eq!(catalog.put_feedback("a", None, None).unwrap().unwrap().feedback, None);
    assert_eq!(catalog.put_feedback("none", Some(Feedback::Expected), None).unwrap(), None);
    assert_eq!(catalog.anomaly("none").unwrap(), None);
}

#[test]
fn each_condition_of_a_query_holds() {
    let (_dir, catalog) = catalog();
    let rule = Anomaly { kind: AnomalyKind::Rule, ..anomaly("rule", "shop", 500) };
    let bad = Anomaly { severity: Severity::Critical, metric: "latency_p95".into(), ..anomaly("bad", "shop", 300) };
    let info = Anomaly { severity: Severity::Info, kind: AnomalyKind::Spike, ..anomaly("info", "chat", 400) };
    put(&catalog, vec![ended(anomaly("old", "chat", 100), 200), bad, info, rule]);
    let list = |change: &dyn Fn(&mut AnomalyQuery)| {
        let mut query = all();
        change(&mut query);
        let found = ids(&catalog, &query);
        if query.after.is_none() && query.limit == 10 {
            let everything = AnomalyQuery { kinds: KINDS.to_vec(), ..all() };
            let asked: Vec<_> =
                catalog.anomalies(&everything).unwrap().into_iter().filter(|a| query.asks_for(a)).collect();
            assert_eq!(asked.iter().map(|a| a.id.as_str()).collect::<Vec<_>>().join(" "), found);
        }
        found
    };
    assert_eq!(list(&|_| ()), "info bad old", "rules only when asked for");
    assert_eq!(list(&|q| q.kinds = vec![AnomalyKind::Rule, AnomalyKind::Spike]), "rule info");
    assert_eq!(list(&|q| q.projects = vec!["shop".into()]), "bad");
    assert_eq!(list(&|q| q.projects = vec!["shop".into(), "chat".into()]), "info bad old");
    assert_eq!(list(&|q| q.metrics = vec!["latency_p95".into()]), "bad");
    assert_eq!(list(&|q| q.severity = Some(Severity::Warning)), "bad old");
    assert_eq!(list(&|q| q.state = Some(AnomalyState::Firing)), "info bad");
    assert_eq!(list(&|q| q.state = Some(AnomalyState::Resolved)), "old");
    assert_eq!(list(&|q| q.range = TimeRange { from: Some(201), to: None }), "info bad");
    assert_eq!(list(&|q| q.range = TimeRange { from: Some(200), to: Some(290) }), "old", "the onset of bad is 290");
    catalog.put_feedback("old", Some(Feedback::Expected), None).unwrap();
    assert_eq!(list(&|q| q.judged = true), "old");
    assert_eq!(list(&|q| q.limit = 2), "info bad");
    assert_eq!(list(&|q| q.after = Some((300, "bad".into()))), "old");
    assert_eq!(catalog.open_anomalies().unwrap(), [1, 0, 1]);
    assert_eq!(catalog.delete_anomalies(201).unwrap(), 1);
    assert_eq!(list(&|_| ()), "info bad");
}

#[test]
fn pages_go_on_within_one_instant() {
    let (_dir, catalog) = catalog();
    put(&catalog, (0..5).map(|n| anomaly(&format!("a{n}"), "p", 7)).collect());
    let next = AnomalyQuery { limit: 2, after: Some((7, "a3".into())), ..all() };
    assert_eq!(ids(&catalog, &next), "a2 a1");
}

#[test]
fn judging_anew_deletes_what_is_not_found_again() {
    let (_dir, catalog) = catalog();
    put(&catalog, ["before", "gone", "again", "judged"].map(|id| anomaly(id, "shop", 100)).to_vec());
    put(&catalog, vec![anomaly("before", "shop", 50), anomaly("other", "chat", 100)]);
    catalog.put_feedback("judged", Some(Feedback::NewNormal), None).unwrap();
    let write = AnomalyWrite {
        anomalies: vec![anomaly("again", "shop", 100), anomaly("new", "shop", 120)],
        anew: vec![("shop".into(), 100)],
        ..AnomalyWrite::default()
    };
    catalog.put_anomalies(write).unwrap();
    assert_eq!(ids(&catalog, &all()), "new other judged again before");
}

#[test]
fn what_an_engine_learned_comes_back_and_late_calls_are_noted() {
    let (_dir, catalog) = catalog();
    let engine = EngineRecord { project: "shop".into(), until: 300, live: true, late: None, state: vec![1, 2, 3] };
    let write = AnomalyWrite { engines: vec![engine.clone()], ..AnomalyWrite::default() };
    catalog.put_anomalies(write).unwrap();
    assert_eq!(catalog.engine("shop").unwrap(), Some(engine.clone()));
    assert_eq!(catalog.engine("chat").unwrap(), None);
    catalog.mark_late(vec![("shop".into(), 90), ("chat".into(), 1)]).unwrap();
    catalog.mark_late(vec![("shop".into(), 120)]).unwrap();
    let without_state = EngineRecord { late: Some(90), state: Vec::new(), ..engine.clone() };
    assert_eq!(catalog.engines().unwrap(), [without_state]);
    put(&catalog, vec![anomaly("a", "shop", 100)]);
    let learned = EngineRecord { state: vec![4], ..engine };
    catalog.put_feedback("a", Some(Feedback::Expected), Some(learned.clone())).unwrap();
    assert_eq!(catalog.engine("shop").unwrap(), Some(learned));
}

#[test]
fn another_process_can_read_it() {
    let (dir, catalog) = catalog();
    assert!(super::super::CatalogReader::open(&dir.path().join("none")).unwrap().is_none());
    put(&catalog, vec![anomaly("a", "shop", 100)]);
    let reader = super::super::CatalogReader::open(dir.path()).unwrap().unwrap();
    assert_eq!(reader.anomalies(&all()).unwrap().len(), 1);
    assert_eq!(reader.engine("shop").unwrap(), None);
}
