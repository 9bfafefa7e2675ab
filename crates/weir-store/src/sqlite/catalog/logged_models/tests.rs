use std::collections::BTreeMap;

use weir_core::query::{Condition, Op, Operand, Target, Test};

use crate::catalog::{
    LoggedModelKey, LoggedModelProblem, LoggedModelQuery, LoggedModelSort, LoggedModelStatus, LoggedModels, MeasuredOn,
    NewLoggedModel, NewModelVersion, Registry,
};
use crate::sqlite::SqliteCatalog;

fn opened() -> (SqliteCatalog, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (SqliteCatalog::open(folder.path()).unwrap(), folder)
}

fn add(catalog: &SqliteCatalog, id: &str, project: i64, now_ms: i64) {
    let new = NewLoggedModel {
        id: id.to_owned(),
        project,
        name: format!("name of {id}"),
        artifact_uri: format!("mlflow-artifacts:/{project}/models/{id}/artifacts"),
        params: [("lr".to_owned(), id.to_owned())].into(),
        now_ms,
        ..NewLoggedModel::default()
    };
    catalog.create_logged_model(new).unwrap();
}

/// A point as runs store it.
fn measure(catalog: &SqliteCatalog, id: &str, key: &str, value: f64, step: i64, dataset: Option<(&str, &str)>) {
    let (id, key) = (id.to_owned(), key.to_owned());
    let dataset = dataset.map(|(name, digest)| (name.to_owned(), digest.to_owned())).unzip();
    catalog
        .write::<(), crate::telemetry::StoreError>(move |db| {
            db.execute("INSERT OR IGNORE INTO keys (text) VALUES (?1)", [&key])?;
            db.execute(
                "INSERT INTO model_points (model, key, timestamp_ms, step, run, value, nan, dataset_name, dataset_digest)
                 SELECT ?1, id, ?3, ?3, 1, ?4, 0, ?5, ?6 FROM keys WHERE text = ?2",
                (&id, &key, step, value, &dataset.0, &dataset.1),
            )?;
            db.execute(
                "INSERT OR IGNORE INTO runs (id, uuid, project, name, user, status, start_ms, artifact_uri)
                 VALUES (1, x'000102030405060708090a0b0c0d0e0f', 0, '', '', 1, 0, '')",
                [],
            )?;
            Ok(())
        })
        .unwrap();
}

#[test]
fn models_keep_what_is_said_of_them() {
    let (catalog, _folder) = &opened();
    add(catalog, "m-1", 0, 5);
    let one = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    catalog.add_logged_model_params("m-1", one("lr", "m-1")).unwrap();
    let taken = catalog.add_logged_model_params("m-1", [one("a", "1"), one("lr", "2")].into_iter().flatten().collect());
    assert!(matches!(taken, Err(LoggedModelProblem::ParamTaken(key, value)) if key == "lr" && value == "m-1"));
    catalog.tag_logged_model("m-1", one("k", "v")).unwrap();
    let ready = catalog.mark_logged_model("m-1", LoggedModelStatus::Ready, 9).unwrap();
    assert_eq!((ready.status, ready.updated_ms, ready.params.len()), (LoggedModelStatus::Ready, 9, 1));
    catalog.create_model("reg", None, &BTreeMap::new(), 1).unwrap();
    let version = NewModelVersion { model_id: "m-1".into(), ..NewModelVersion::default() };
    catalog.create_version("reg", version, 2).unwrap();
    measure(catalog, "m-1", "acc", 0.5, 3, Some(("train", "d1")));
    let model = catalog.logged_model("m-1").unwrap().unwrap();
    assert_eq!(model.registrations, [("reg".to_owned(), 1)]);
    assert_eq!(model.points[0].run_id, "000102030405060708090a0b0c0d0e0f");
    assert_eq!((model.points[0].key.as_str(), model.points[0].dataset_name.as_deref()), ("acc", Some("train")));
    catalog.untag_logged_model("m-1", "k").unwrap();
    assert!(matches!(catalog.untag_logged_model("m-1", "k"), Err(LoggedModelProblem::NoTag)));
    assert!(matches!(catalog.untag_logged_model("m-2", "k"), Err(LoggedModelProblem::Missing)));
}

#[test]
fn what_is_deleted_is_found_only_by_its_id_until_it_is_purged() {
    let (catalog, _folder) = &opened();
    add(catalog, "m-1", 0, 5);
    measure(catalog, "m-1", "acc", 0.5, 3, None);
    assert!(!catalog.purge_logged_model("m-1").unwrap(), "not in the bin");
    catalog.delete_logged_model("m-1", 9).unwrap();
    let all = LoggedModelQuery { projects: vec![0], limit: 9, ..LoggedModelQuery::default() };
    assert_eq!(catalog.search_logged_models(&all).unwrap(), []);
    assert!(catalog.logged_model("m-1").unwrap().unwrap().deleted);
    assert!(catalog.deleted_logged_models(9, 10).unwrap().is_empty());
    assert_eq!(catalog.deleted_logged_models(10, 10).unwrap().len(), 1);
    assert!(catalog.purge_logged_model("m-1").unwrap());
    assert_eq!(catalog.logged_model("m-1").unwrap(), None);
}

#[test]
fn searches_look_at_metrics_on_datasets() {
    let (catalog, _folder) = &opened();
    for (n, id) in (1..).zip(["m-a", "m-b", "m-c", "m-d"]) {
        add(catalog, id, i64::from(id == "m-d"), n);
    }
    measure(catalog, "m-a", "acc", 0.9, 1, Some(("train", "d1")));
    measure(catalog, "m-a", "acc", 0.1, 2, Some(("test", "d2")));
    measure(catalog, "m-b", "acc", 0.5, 1, Some(("test", "d3")));
    let found = |query: LoggedModelQuery| -> Vec<String> {
        let query = LoggedModelQuery { limit: if query.limit == 0 { 9 } else { query.limit }, ..query };
        catalog.search_logged_models(&query).unwrap().into_iter().map(|m| m.id).collect()
    };
    let all = || LoggedModelQuery { projects: vec![0], ..LoggedModelQuery::default() };
    assert_eq!(found(all()), ["m-c", "m-b", "m-a"]);
    assert_eq!(found(LoggedModelQuery { projects: vec![1, 0], limit: 2, offset: 1, ..all() }), ["m-c", "m-b"]);
    assert_eq!(found(LoggedModelQuery { projects: vec![], ..all() }), [""; 0]);
    let above = |limit| Condition {
        target: Target::Entry("metrics", "acc".into()),
        test: Test::Compare(Op::Gt, Operand::Number(limit)),
    };
    let on = |name: &str, digest: Option<&str>| MeasuredOn { name: name.into(), digest: digest.map(str::to_owned) };
    assert_eq!(found(LoggedModelQuery { conditions: vec![above(0.4)], ..all() }), ["m-b", "m-a"]);
    let test = LoggedModelQuery { conditions: vec![above(0.4)], datasets: vec![on("test", None)], ..all() };
    assert_eq!(found(test), ["m-b"]);
    assert_eq!(found(LoggedModelQuery { datasets: vec![on("test", None)], ..all() }), ["m-b", "m-a"]);
    assert_eq!(found(LoggedModelQuery { datasets: vec![on("test", Some("d2"))], ..all() }), ["m-a"]);
    let by = |dataset, descending| {
        let by = LoggedModelKey::Metric("acc".into(), dataset);
        LoggedModelQuery { order: vec![LoggedModelSort { by, descending }], ..all() }
    };
    assert_eq!(found(by(None, true)), ["m-b", "m-a", "m-c"], "the newest point counts");
    assert_eq!(found(by(None, false)), ["m-a", "m-b", "m-c"]);
    assert_eq!(found(by(Some(on("train", None)), false)), ["m-a", "m-c", "m-b"]);
    let name = vec![LoggedModelSort { by: LoggedModelKey::Field("name"), descending: false }];
    assert_eq!(found(LoggedModelQuery { order: name, ..all() }), ["m-a", "m-b", "m-c"]);
    let lr = Condition {
        target: Target::Entry("params", "lr".into()),
        test: Test::Compare(Op::Eq, Operand::Text("m-b".into())),
    };
    assert_eq!(found(LoggedModelQuery { conditions: vec![lr], ..all() }), ["m-b"]);
}
