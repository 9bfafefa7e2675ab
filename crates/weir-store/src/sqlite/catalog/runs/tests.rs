use weir_core::id::RunId;

use super::super::SqliteCatalog;
use super::RUN_NAME;
use crate::catalog::*;

fn catalog() -> (tempfile::TempDir, SqliteCatalog) {
    let folder = tempfile::tempdir().unwrap();
    let catalog = SqliteCatalog::open(folder.path()).unwrap();
    (folder, catalog)
}

fn made(catalog: &SqliteCatalog) -> RunId {
    let tags = vec![(RUN_NAME.to_owned(), "first".to_owned()), ("t".to_owned(), "1".to_owned())];
    let new = NewRun { id: RunId::new(), name: "first".into(), start_ms: 5, tags, ..NewRun::default() };
    catalog.create_run(new).unwrap().id
}

fn point(key: &str, step: i64, timestamp_ms: i64, value: f64) -> NewPoint {
    NewPoint { key: key.into(), point: Point { timestamp_ms, step, value }, model: None }
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

fn shown(list: &[(std::sync::Arc<str>, String)]) -> Vec<(&str, &str)> {
    list.iter().map(|(k, v)| (k.as_ref(), v.as_str())).collect()
}

#[test]
fn a_run_keeps_what_is_logged_over_a_restart() {
    let (folder, catalog) = catalog();
    let id = made(&catalog);
    let metrics =
        vec![point("m", 2, 9, 0.5), point("m", 1, 10, 9.0), point("m", 2, 9, 0.5), point("i", 0, 0, f64::INFINITY)];
    catalog
        .log_batch(
            id,
            Batch { params: pairs(&[("b", "x"), ("a", "")]), metrics, tags: pairs(&[("t", "2"), ("t", "3")]) },
        )
        .unwrap();
    drop(catalog);
    let catalog = SqliteCatalog::open(folder.path()).unwrap();
    let run = catalog.run(id).unwrap().unwrap();
    assert_eq!(shown(&run.params), [("a", ""), ("b", "x")]);
    assert_eq!(shown(&run.tags), [(RUN_NAME, "first"), ("t", "3")]);
    let metrics: Vec<_> = run.metrics.iter().map(|(k, p)| (k.as_ref(), p.step, p.timestamp_ms, p.value)).collect();
    assert_eq!(metrics, [("i", 0, 0, f64::MAX), ("m", 2, 9, 0.5)]);
    let history: Vec<_> =
        catalog.metric_history(id, "m", 0, 10).unwrap().iter().map(|p| (p.timestamp_ms, p.step)).collect();
    assert_eq!(history, [(9, 2), (10, 1)]);
    assert_eq!(run.record.artifact_uri, format!("mlflow-artifacts:/0/{id}/artifacts"));
    assert!(catalog.metric_history(id, "none", 0, 10).unwrap().is_empty());
    assert!(matches!(catalog.metric_history(RunId::new(), "m", 0, 10), Err(RunProblem::Missing)));
}

#[test]
fn the_latest_point_is_the_greatest_by_step_timestamp_and_value() {
    let (_folder, catalog) = catalog();
    let id = made(&catalog);
    let latest = |new: NewPoint| {
        catalog.log_batch(id, Batch { metrics: vec![new], ..Batch::default() }).unwrap();
        catalog.run(id).unwrap().unwrap().metrics[0].1
    };
    assert_eq!(latest(point("m", 1, 5, 1.0)).value, 1.0);
    assert_eq!(latest(point("m", 0, 9, 7.0)).value, 1.0);
    assert_eq!(latest(point("m", 1, 5, 0.5)).value, 1.0);
    assert_eq!(latest(point("m", 1, 5, 2.0)).value, 2.0);
    assert_eq!(latest(point("m", 1, 6, -3.0)).value, -3.0);
    assert!(latest(point("m", 2, 0, f64::NAN)).value.is_nan());
    assert_eq!(catalog.metric_history(id, "m", 1, 3).unwrap().len(), 3);
}

#[test]
fn a_batch_with_a_changed_param_stores_nothing() {
    let (_folder, catalog) = catalog();
    let id = made(&catalog);
    catalog.log_batch(id, Batch { params: pairs(&[("a", "1")]), ..Batch::default() }).unwrap();
    let batch = Batch {
        params: pairs(&[("new", "1"), ("a", "2")]),
        metrics: vec![point("m", 0, 0, 1.0)],
        tags: pairs(&[("t", "changed")]),
    };
    let Err(RunProblem::Params(conflicts)) = catalog.log_batch(id, batch) else { panic!("stored") };
    assert_eq!(conflicts, [ParamConflict { key: "a".into(), old: "1".into(), new: "2".into() }]);
    let run = catalog.run(id).unwrap().unwrap();
    assert_eq!(shown(&run.params), [("a", "1")]);
    assert_eq!(shown(&run.tags), [(RUN_NAME, "first"), ("t", "1")]);
    assert!(run.metrics.is_empty());
    // A key that was undone with its batch can be stored later.
    catalog.log_batch(id, Batch { params: pairs(&[("new", "2"), ("a", "1")]), ..Batch::default() }).unwrap();
    assert_eq!(shown(&catalog.run(id).unwrap().unwrap().params), [("a", "1"), ("new", "2")]);
}

#[test]
fn a_deleted_run_is_read_and_not_written() {
    let (_folder, catalog) = catalog();
    let id = made(&catalog);
    catalog.mark_run(id, true, 7).unwrap();
    assert!(catalog.run(id).unwrap().unwrap().record.deleted);
    assert!(matches!(catalog.log_batch(id, Batch::default()), Err(RunProblem::Deleted)));
    assert!(matches!(catalog.update_run(id, RunChange::default()), Err(RunProblem::Deleted)));
    catalog.mark_run(id, false, 8).unwrap();
    catalog.log_batch(id, Batch::default()).unwrap();
    assert!(matches!(catalog.mark_run(RunId::new(), true, 7), Err(RunProblem::Missing)));
    // With its project it goes and comes back.
    catalog.mark_project(0, true, 9).unwrap();
    assert!(catalog.run_record(id).unwrap().unwrap().deleted);
    let refused = catalog.create_run(NewRun { id: RunId::new(), ..NewRun::default() });
    assert!(matches!(refused, Err(RunProblem::ProjectDeleted)));
    catalog.mark_project(0, false, 9).unwrap();
    assert!(!catalog.run_record(id).unwrap().unwrap().deleted);
}

#[test]
fn names_and_their_tag_go_together() {
    let (_folder, catalog) = catalog();
    let id = made(&catalog);
    catalog.log_batch(id, Batch { tags: pairs(&[(RUN_NAME, "second")]), ..Batch::default() }).unwrap();
    assert_eq!(catalog.run_record(id).unwrap().unwrap().name, "second");
    let change = RunChange { name: Some("third".into()), status: Some(RunStatus::Finished), end_ms: Some(9) };
    let record = catalog.update_run(id, change).unwrap();
    assert_eq!((record.name.as_str(), record.status, record.end_ms), ("third", RunStatus::Finished, Some(9)));
    assert_eq!(shown(&catalog.run(id).unwrap().unwrap().tags)[0], (RUN_NAME, "third"));
    catalog.delete_run_tag(id, "t").unwrap();
    assert!(matches!(catalog.delete_run_tag(id, "t"), Err(RunProblem::NoTag)));
    catalog.change_run_tag(id, "list", Box::new(|old| Ok(format!("{old:?}")))).unwrap();
    catalog.change_run_tag(id, "list", Box::new(|old| Ok(format!("{old:?}")))).unwrap();
    assert_eq!(shown(&catalog.run(id).unwrap().unwrap().tags)[0], ("list", "Some(\"None\")"));
    let refused = catalog.change_run_tag(id, "list", Box::new(|_| Err("no".into())));
    assert!(matches!(refused, Err(RunProblem::Refused(why)) if why == "no"));
}

#[test]
fn inputs_outputs_and_points_of_models_are_found_again() {
    let (_folder, catalog) = catalog();
    let id = made(&catalog);
    let dataset = |context: &str| DatasetInput {
        name: "d".into(),
        digest: "1".into(),
        source_type: "local".into(),
        source: "{}".into(),
        tags: pairs(&[("mlflow.data.context", context)]),
        ..DatasetInput::default()
    };
    catalog.log_inputs(id, vec![dataset("train"), dataset("eval")], vec!["m-1".into()]).unwrap();
    catalog.log_inputs(id, vec![dataset("eval")], Vec::new()).unwrap();
    catalog.log_outputs(id, vec![("m-2".into(), 3)]).unwrap();
    let run = catalog.run(id).unwrap().unwrap();
    assert_eq!(run.datasets, [dataset("train")]);
    assert_eq!((run.models_in, run.models_out), (vec!["m-1".to_owned()], vec![("m-2".to_owned(), 3)]));
    let of = PointOfModel { model: "m-2".into(), dataset_name: Some("d".into()), dataset_digest: None };
    let new = NewPoint { model: Some(of.clone()), ..point("acc", 1, 2, 0.5) };
    catalog.log_batch(id, Batch { metrics: vec![new.clone(), new], ..Batch::default() }).unwrap();
    let points = catalog.model_points(&["m-2".into(), "m-3".into()]).unwrap();
    assert_eq!(points.len(), 1);
    assert_eq!((&points[0].of, points[0].run, points[0].point.value), (&of, id, 0.5));
    let summaries = catalog.datasets_of(&[0, 1], 10).unwrap();
    let context = Some("train".to_owned());
    assert_eq!(summaries, [DatasetSummary { project: 0, name: "d".into(), digest: "1".into(), context }]);
}

#[test]
fn samples_are_even_and_keep_both_ends() {
    let (_folder, catalog) = catalog();
    let id = made(&catalog);
    let metrics = (0..10).map(|n| point("m", n, 100 - n, n as f64)).collect();
    catalog.log_batch(id, Batch { metrics, ..Batch::default() }).unwrap();
    let steps = |bounds, most| -> Vec<i64> {
        catalog.metric_sample(id, "m", bounds, most).unwrap().iter().map(|p| p.step).collect()
    };
    assert_eq!(steps(None, 20), (0..10).collect::<Vec<_>>());
    assert_eq!(steps(None, 4), [0, 3, 6, 9]);
    assert_eq!(steps(None, 3), [0, 4, 9]);
    assert_eq!(steps(None, 1), [9]);
    assert_eq!(steps(Some((2, 4)), 10), [2, 3, 4]);
    assert_eq!(steps(Some((50, 60)), 10), [0; 0]);
}
