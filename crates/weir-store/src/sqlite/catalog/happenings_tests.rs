use std::collections::BTreeMap;

use weir_core::id::RunId;
use weir_core::prompt::{PromptContent, PromptDefaults, PromptRole, PromptVersion, TemplateBody, TemplateFormat};

use super::*;
use crate::catalog::{Batch, NewModelVersion, NewPoint, NewRun, Point, Prompts, Registry, RunChange, RunStatus, Runs};
use crate::events::EventLabel;
use crate::sqlite::CatalogReader;

fn catalog() -> (tempfile::TempDir, SqliteCatalog) {
    let folder = tempfile::tempdir().unwrap();
    let catalog = SqliteCatalog::open(folder.path()).unwrap();
    (folder, catalog)
}

fn run(catalog: &SqliteCatalog, name: &str) -> RunId {
    catalog.create_run(NewRun { id: RunId::new(), name: name.into(), start_ms: 5, ..NewRun::default() }).unwrap().id
}

fn log(catalog: &SqliteCatalog, run: RunId, metrics: &[(&str, i64, f64)], params: &[(&str, &str)]) {
    let point = |(key, timestamp_ms, value): &(&str, i64, f64)| NewPoint {
        key: (*key).into(),
        point: Point { timestamp_ms: *timestamp_ms, step: 0, value: *value },
        model: None,
    };
    let params = params.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    catalog.log_batch(run, Batch { metrics: metrics.iter().map(point).collect(), params, tags: Vec::new() }).unwrap();
}

fn shown(values: Vec<Labelled>) -> Vec<String> {
    let one = |v: Labelled| {
        let labels: Vec<_> = v.labels.into_iter().map(|label| label.unwrap_or_else(|| "-".into())).collect();
        format!("{} {} {}", v.at, v.value, labels.join(" "))
    };
    values.into_iter().map(one).collect()
}

#[test]
fn runs_prompts_and_models_have_their_moments() {
    let (folder, catalog) = catalog();
    for (name, status, end_ms) in
        [("good", RunStatus::Finished, 20), ("bad", RunStatus::Failed, 10), ("late", RunStatus::Killed, 90)]
    {
        let change = RunChange { status: Some(status), end_ms: Some(end_ms), ..RunChange::default() };
        catalog.update_run(run(&catalog, name), change).unwrap();
    }
    run(&catalog, "goes on");
    let content = PromptContent {
        format: TemplateFormat::default(),
        body: TemplateBody::Text { role: PromptRole::User, template: "x".into() },
    };
    let version = PromptVersion {
        version: "v1".into(),
        content,
        defaults: PromptDefaults::default(),
        message: None,
        created_us: 15_000,
    };
    catalog.put_version("greet", None, &version, &[]).unwrap();
    catalog.create_model("clf", None, &BTreeMap::new(), 1).unwrap();
    catalog.create_version("clf", NewModelVersion::default(), 30).unwrap();
    let query = |kinds: &[EventKind]| EventQuery {
        kinds: kinds.to_vec(),
        range: TimeRange { from: Some(10_000), to: Some(90_000) },
        labels: vec![EventLabel::Event, EventLabel::Project, EventLabel::Name],
    };
    let all = EventKind::ALL.map(|(_, kind)| kind);
    let expected = [
        "10000 1 run_failed default bad",
        "15000 1 prompt_version - greet@v1",
        "20000 1 run_finished default good",
        "30000 1 model_version - clf@1",
    ];
    assert_eq!(shown(catalog.happenings(&query(&all)).unwrap()), expected);
    assert_eq!(shown(catalog.happenings(&query(&[EventKind::RunFailed])).unwrap()), expected[..1]);
    assert!(catalog.happenings(&query(&[EventKind::Guardrail])).unwrap().is_empty());
    let reader = CatalogReader::open(folder.path()).unwrap().unwrap();
    assert_eq!(shown(reader.happenings(&query(&all)).unwrap()), expected);
}

#[test]
fn an_evaluation_came_to_the_latest_point_of_its_metric() {
    let (folder, catalog) = catalog();
    let (a, b, gone) = (run(&catalog, "a"), run(&catalog, "b"), run(&catalog, "gone"));
    log(&catalog, a, &[("right", 10, 0.5), ("right", 20, 0.75), ("right/mean", 21, 0.1)], &[("model", "small")]);
    log(&catalog, b, &[("right/mean", 15, 0.25), ("loss", 15, 9.0)], &[]);
    log(&catalog, gone, &[("right", 16, 0.0)], &[]);
    log(&catalog, run(&catalog, "nan"), &[("right", 17, f64::NAN)], &[]);
    catalog.mark_run(gone, true, 99).unwrap();
    let query = |name: &str, to| EvalQuery {
        name: name.into(),
        range: TimeRange { from: Some(11_000), to: Some(to) },
        labels: ["project", "run", "params.model"].map(|name| EvalLabel::parse(name).unwrap()).to_vec(),
    };
    let expected = ["15000 0.25 default b -", "20000 0.75 default a small"];
    assert_eq!(shown(catalog.eval_results(&query("right", 20_001)).unwrap()), expected);
    assert_eq!(shown(catalog.eval_results(&query("right", 20_000)).unwrap()), expected[..1]);
    assert!(catalog.eval_results(&query("nothing", 99_000)).unwrap().is_empty());
    let reader = CatalogReader::open(folder.path()).unwrap().unwrap();
    assert_eq!(shown(reader.eval_results(&query("right", 20_001)).unwrap()), expected);
    assert_eq!(EvalLabel::parse("params."), None);
}
