use weir_core::query::{Condition, Op, Operand, Test};

use super::*;

fn catalog() -> (tempfile::TempDir, SqliteCatalog) {
    let dir = tempfile::tempdir().unwrap();
    let catalog = SqliteCatalog::open(dir.path()).unwrap();
    (dir, catalog)
}

fn new(name: &str, at: i64) -> NewDataset {
    NewDataset { name: name.into(), now_ms: at, ..NewDataset::default() }
}

fn write(inputs: &str) -> ExampleWrite {
    ExampleWrite { inputs: inputs.into(), ..ExampleWrite::default() }
}

fn all(catalog: &SqliteCatalog, dataset: DatasetId, revision: Option<i64>) -> Vec<Example> {
    catalog.examples(&ExampleQuery { dataset, revision, after: None, limit: 100 }).unwrap()
}

#[test]
fn equal_inputs_are_merged_and_earlier_revisions_stay() {
    let (_dir, catalog) = catalog();
    let id = catalog.create_dataset(&new("qa", 1)).unwrap().id;
    let first = ExampleWrite {
        expected: Some(r#"{"answer": 1.0, "k": NaN}"#.into()),
        source: Some("{}".into()),
        user: Some("ann".into()),
        ..write(r#"{"q": "ä", "n": 12345678901234567890123}"#)
    };
    let put = catalog.put_examples(id, vec![first, write(r#"{"q":"b"}"#)], 5).unwrap().unwrap();
    assert_eq!((put.inserted, put.updated), (2, 0));
    let before = all(&catalog, id, None);
    assert_eq!(before[0].inputs, r#"{"q": "ä", "n": 12345678901234567890123}"#);

    // The same inputs, written otherwise; and twice in one request.
    let again = |expected: &str| ExampleWrite {
        expected: Some(expected.into()),
        outputs: Some("[1]".into()),
        ..write(r#"{"n":12345678901234567890123,"q":"\u00e4"}"#)
    };
    let put = catalog.put_examples(id, vec![again(r#"{"k":2}"#), again(r#"{"z":[3]}"#)], 9).unwrap().unwrap();
    assert_eq!((put.inserted, put.updated), (0, 2));
    let after = all(&catalog, id, None);
    assert_eq!(after[0].expected.as_deref(), Some(r#"{"answer":1.0,"k":2,"z":[3]}"#));
    let merged = &after[0];
    assert_eq!(
        (merged.id, &merged.inputs, merged.created_ms, merged.updated_ms),
        (before[0].id, &before[0].inputs, 5, 9)
    );
    assert_eq!((merged.outputs.as_deref(), merged.updated_by.as_deref()), (Some("[1]"), Some("ann")));
    assert_eq!(
        (all(&catalog, id, Some(1)), all(&catalog, id, Some(2)), all(&catalog, id, Some(0)).len()),
        (before, after, 0)
    );

    let dataset = catalog.dataset(id).unwrap().unwrap();
    assert_eq!((dataset.revision, dataset.examples, dataset.updated_ms), (2, 2, 9));
    assert_eq!(dataset.digest, digest("qa", 9));
    let schema = r#"{"inputs":{"q":"string","n":"integer"},"outputs":"array","expectations":{"answer":"float","k":"float","z":"array"},"version":"1.0"}"#;
    assert_eq!(dataset.schema.as_deref(), Some(schema));
    assert!(catalog.put_examples(id, vec![write("{")], 10).is_err());
    assert_eq!(catalog.dataset(id).unwrap().unwrap().revision, 2);
    assert_eq!(catalog.put_examples(DatasetId::new(), vec![write("{}")], 10).unwrap(), None);
}

#[test]
fn examples_come_in_pages_and_end() {
    let (_dir, catalog) = catalog();
    let id = catalog.create_dataset(&new("n", 1)).unwrap().id;
    for n in 0..5 {
        catalog.put_examples(id, vec![write(&format!("{{\"n\":{n}}}"))], n / 2).unwrap();
    }
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = catalog.examples(&ExampleQuery { dataset: id, revision: None, after, limit: 2 }).unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.created_ms, last.id));
        found.extend(page);
    }
    let inputs: Vec<_> = found.iter().map(|e| e.inputs.as_str()).collect();
    assert_eq!(inputs, ["{\"n\":0}", "{\"n\":1}", "{\"n\":2}", "{\"n\":3}", "{\"n\":4}"]);
    assert_eq!(catalog.delete_examples(id, &[found[1].id, found[1].id, ExampleId::new()], 9).unwrap(), 1);
    assert_eq!(all(&catalog, id, None).len(), 4);
    assert_eq!(all(&catalog, id, Some(5)).len(), 5);
    // What has ended may come again.
    assert_eq!(catalog.put_examples(id, vec![write("{\"n\":1}")], 10).unwrap().unwrap().inserted, 1);
    assert!(catalog.delete_dataset(id).unwrap() && !catalog.delete_dataset(id).unwrap());
    assert!(all(&catalog, id, Some(5)).is_empty());
}

#[test]
fn datasets_are_found_by_project_tag_and_name() {
    let (_dir, catalog) = catalog();
    let tags = BTreeMap::from([("team".to_owned(), "x".to_owned())]);
    let a = catalog.create_dataset(&NewDataset { projects: vec![1, 2], tags, ..new("a", 1) }).unwrap();
    let b = catalog.create_dataset(&NewDataset { projects: vec![2], ..new("b", 1) }).unwrap();
    let search = |projects: &[i64], conditions: Vec<Condition>| {
        let query = DatasetQuery { projects: projects.to_vec(), conditions, limit: 10, ..DatasetQuery::default() };
        catalog.search_datasets(&query).unwrap().into_iter().map(|d| d.name).collect::<Vec<_>>()
    };
    assert_eq!(
        (search(&[], vec![]), search(&[1], vec![]), search(&[2, 3], vec![]).len()),
        (vec!["b".into(), "a".into()], vec!["a".to_owned()], 2)
    );
    let is = |target, text: &str| Condition { target, test: Test::Compare(Op::Eq, Operand::Text(text.into())) };
    assert_eq!(search(&[], vec![is(Target::Entry("tags", "team".into()), "x")]), ["a"]);
    assert_eq!(search(&[], vec![is(Target::Field("name"), "b")]), ["b"]);
    assert!(catalog.tag_dataset(a.id, &[("team".into(), None), ("n".into(), Some("1".into()))]).unwrap());
    assert!(!catalog.tag_dataset(DatasetId::new(), &[]).unwrap());
    let linked = catalog.link_dataset(b.id, &[7, 2], true, 20).unwrap().unwrap();
    assert_eq!((linked.updated_ms, catalog.dataset_projects(b.id).unwrap()), (20, vec![2, 7]));
    assert_eq!(catalog.link_dataset(b.id, &[9], false, 30).unwrap().unwrap().updated_ms, 20);
    assert_eq!(catalog.link_dataset(b.id, &[2], false, 30).unwrap().unwrap().updated_ms, 30);
    assert_eq!(catalog.dataset(a.id).unwrap().unwrap().tags, BTreeMap::from([("n".into(), "1".into())]));

    // A dataset that comes whole is there once, however often it comes.
    let examples =
        vec![Example { id: ExampleId::new(), inputs: "{}".into(), created_ms: 3, updated_ms: 4, ..Example::default() }];
    for _ in 0..2 {
        catalog.put_dataset(&linked, &[5], examples.clone()).unwrap();
    }
    let whole = catalog.dataset(b.id).unwrap().unwrap();
    assert_eq!((whole.digest, whole.examples, catalog.dataset_projects(b.id).unwrap()), (linked.digest, 1, vec![5]));
    assert_eq!(all(&catalog, b.id, None), examples);
}
