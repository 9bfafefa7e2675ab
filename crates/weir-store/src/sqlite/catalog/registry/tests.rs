use std::collections::BTreeMap;

use weir_core::query::{Condition, Op, Operand, Sort, Target, Test};

use crate::catalog::{ModelStage, NewModelVersion, Registry, RegistryError, RegistryQuery};
use crate::sqlite::SqliteCatalog;

struct Opened {
    catalog: SqliteCatalog,
    _folder: tempfile::TempDir,
}

fn opened(models: &[&str]) -> Opened {
    let folder = tempfile::tempdir().unwrap();
    let catalog = SqliteCatalog::open(folder.path()).unwrap();
    for (name, now) in models.iter().zip(1..) {
        catalog.create_model(name, None, &BTreeMap::new(), now).unwrap();
    }
    Opened { catalog, _folder: folder }
}

fn add(catalog: &SqliteCatalog, name: &str, run_id: &str, now: i64) -> i64 {
    let tags = [("run".to_owned(), run_id.to_owned())].into();
    let new = NewModelVersion {
        source: format!("s3://b/{run_id}"),
        location: format!("s3://b/{run_id}"),
        run_id: run_id.to_owned(),
        tags,
        ..NewModelVersion::default()
    };
    catalog.create_version(name, new, now).unwrap().version
}

#[test]
fn numbers_are_given_once_and_what_stands_on_a_version_goes_with_it() {
    let Opened { catalog, .. } = &opened(&["m"]);
    assert!(matches!(catalog.create_model("m", None, &BTreeMap::new(), 2), Err(RegistryError::Taken)));
    assert_eq!([add(catalog, "m", "a", 10), add(catalog, "m", "b", 11)], [1, 2]);
    catalog.set_alias("m", "best", Some(1)).unwrap();
    catalog.set_alias("m", "best", Some(2)).unwrap();
    assert!(matches!(catalog.set_alias("m", "best", Some(3)), Err(RegistryError::NoVersion)));
    assert_eq!(catalog.aliased_version("m", "best").unwrap().aliases, ["best"]);
    catalog.delete_version("m", 2, 12).unwrap();
    assert!(matches!(catalog.aliased_version("m", "best"), Err(RegistryError::NoAlias)));
    assert!(matches!(catalog.model_version("m", 2), Err(RegistryError::NoVersion)));
    assert_eq!(add(catalog, "m", "c", 13), 3);
    let model = catalog.registered_model("m").unwrap();
    assert_eq!((model.updated_ms, model.aliases.len()), (13, 0));
    catalog.delete_model("m").unwrap();
    assert!(matches!(catalog.registered_model("m"), Err(RegistryError::NoModel)));
    assert_eq!(catalog.search_versions(&RegistryQuery { limit: 9, ..RegistryQuery::default() }).unwrap(), []);
    catalog.create_model("m", None, &BTreeMap::new(), 20).unwrap();
    assert_eq!(add(catalog, "m", "a", 21), 1, "another model of the same name");
}

#[test]
fn stages_move_and_put_the_others_away() {
    let Opened { catalog, .. } = &opened(&["m"]);
    for n in 1..=3 {
        add(catalog, "m", "r", n);
    }
    catalog.move_version("m", 1, ModelStage::Production, false, 5).unwrap();
    catalog.move_version("m", 2, ModelStage::Production, true, 6).unwrap();
    assert!(matches!(catalog.move_version("m", 9, ModelStage::Production, true, 7), Err(RegistryError::NoVersion)));
    let model = catalog.registered_model("m").unwrap();
    let latest: Vec<_> = model.latest.iter().map(|v| (v.stage, v.version)).collect();
    assert_eq!(latest, [(ModelStage::Archived, 1), (ModelStage::Production, 2), (ModelStage::None, 3)]);
    assert_eq!((model.updated_ms, model.latest[0].updated_ms), (6, 6));
}

#[test]
fn a_new_name_takes_everything_along() {
    let Opened { catalog, .. } = &opened(&["m", "other"]);
    add(catalog, "m", "r", 5);
    catalog.set_alias("m", "best", Some(1)).unwrap();
    assert!(matches!(catalog.rename_model("m", "other", 6), Err(RegistryError::Taken)));
    let renamed = catalog.rename_model("m", "n", 7).unwrap();
    assert_eq!((renamed.name.as_str(), renamed.latest[0].updated_ms), ("n", 7));
    assert_eq!(catalog.aliased_version("n", "best").unwrap().name, "n");
    assert!(matches!(catalog.rename_model("m", "x", 8), Err(RegistryError::NoModel)));
}

#[test]
fn searches_find_in_the_order_that_is_asked_for() {
    let Opened { catalog, .. } = &opened(&["b", "a", "c"]);
    catalog.set_model_tag("a", "team", Some("x")).unwrap();
    let is = |target, text: &str| Condition { target, test: Test::Compare(Op::Eq, Operand::Text(text.into())) };
    let names = |query: RegistryQuery| -> Vec<String> {
        catalog.search_models(&query).unwrap().into_iter().map(|m| m.name).collect()
    };
    let all = RegistryQuery { limit: 10, ..RegistryQuery::default() };
    assert_eq!(names(all.clone()), ["a", "b", "c"]);
    let by = |field, descending| vec![Sort { target: Target::Field(field), descending }];
    assert_eq!(names(RegistryQuery { order: by("updated", true), ..all.clone() }), ["c", "a", "b"]);
    assert_eq!(names(RegistryQuery { offset: 1, limit: 1, ..all.clone() }), ["b"]);
    let tagged = vec![is(Target::Entry("tags", "team".into()), "x")];
    assert_eq!(names(RegistryQuery { conditions: tagged, ..all.clone() }), ["a"]);

    for (name, run, now) in [("a", "r1", 5), ("b", "r1", 6), ("a", "r2", 6)] {
        add(catalog, name, run, now);
    }
    let versions = |query: RegistryQuery| -> Vec<String> {
        catalog.search_versions(&query).unwrap().into_iter().map(|v| format!("{}{}", v.name, v.version)).collect()
    };
    assert_eq!(versions(RegistryQuery { order: by("updated", true), ..all.clone() }), ["a2", "b1", "a1"]);
    assert_eq!(versions(all.clone()), ["a2", "a1", "b1"]);
    assert_eq!(versions(RegistryQuery { order: by("name", true), ..all.clone() }), ["b1", "a2", "a1"]);
    let one = vec![is(Target::Field("run_id"), "r1"), is(Target::Entry("tags", "run".into()), "r1")];
    assert_eq!(versions(RegistryQuery { conditions: one, ..all.clone() }), ["a1", "b1"]);
    let late = Test::Compare(Op::Gt, Operand::Number(1.0));
    let late = vec![Condition { target: Target::Field("version_number"), test: late }];
    assert_eq!(versions(RegistryQuery { conditions: late, ..all }), ["a2"]);
}
