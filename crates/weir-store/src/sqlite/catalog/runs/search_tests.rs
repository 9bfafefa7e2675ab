//! Pages of searches against what conditions mean, over random runs.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use proptest::prelude::*;
use weir_core::id::RunId;
use weir_core::query::{Condition, Held, Op, Operand, Sort, Target, Test};

use super::super::SqliteCatalog;
use crate::catalog::*;

/// A run as this test knows it.
#[derive(Clone, Debug)]
struct Known {
    id: RunId,
    project: i64,
    name: String,
    start_ms: i64,
    status: RunStatus,
    deleted: bool,
    params: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    metrics: BTreeMap<String, f64>,
    datasets: Vec<(String, Option<String>)>,
}

impl Known {
    fn holds(&self, condition: &Condition) -> bool {
        let text = |texts: &BTreeMap<String, String>, key: &String| {
            condition.test.holds(texts.get(key).map(|text| Held::Text(text)))
        };
        match &condition.target {
            Target::Field("run_id") => condition.test.holds(Some(Held::Text(&self.id.to_string()))),
            Target::Field("run_name") => condition.test.holds(Some(Held::Text(&self.name))),
            Target::Field("status") => condition.test.holds(Some(Held::Text(self.status.as_str()))),
            Target::Field("start_time") => condition.test.holds(Some(Held::Number(self.start_ms as f64))),
            Target::Field(_) => condition.test.holds(None),
            Target::Entry("params", key) => text(&self.params, key),
            Target::Entry("tags", key) => text(&self.tags, key),
            Target::Entry(_, key) => condition.test.holds(self.metrics.get(key).map(|n| Held::Number(*n))),
            Target::Related(_, "name") => self.datasets.iter().any(|(n, _)| condition.test.holds(Some(Held::Text(n)))),
            Target::Related(..) => {
                self.datasets.iter().any(|(_, c)| condition.test.holds(c.as_deref().map(Held::Text)))
            }
        }
    }

    fn cmp(&self, other: &Self, sorts: &[Sort]) -> Ordering {
        fn last<T>(a: Option<T>, b: Option<T>, down: bool, by: impl Fn(&T, &T) -> Ordering) -> Ordering {
            match (a, b) {
                (Some(a), Some(b)) if down => by(&b, &a),
                (Some(a), Some(b)) => by(&a, &b),
                (a, b) => b.is_some().cmp(&a.is_some()),
            }
        }
        for Sort { target, descending: down } in sorts {
            let way = match target {
                Target::Field("start_time") => last(Some(self.start_ms), Some(other.start_ms), *down, Ord::cmp),
                Target::Field("run_id") => last(Some(self.id), Some(other.id), *down, Ord::cmp),
                Target::Field(_) => last(Some(&self.name), Some(&other.name), *down, Ord::cmp),
                Target::Entry("params", key) => last(self.params.get(key), other.params.get(key), *down, Ord::cmp),
                Target::Entry(_, key) => {
                    let (a, b) = (self.metrics.get(key), other.metrics.get(key));
                    // NaN behind numbers, either way.
                    let nan = |n: Option<&f64>| n.map(|n| n.is_nan());
                    let number = |n: Option<&f64>| n.copied().filter(|n| !n.is_nan());
                    last(nan(a), nan(b), false, Ord::cmp).then(last(number(a), number(b), *down, f64::total_cmp))
                }
                Target::Related(..) => Ordering::Equal,
            };
            if way.is_ne() {
                return way;
            }
        }
        other.start_ms.cmp(&self.start_ms).then(self.id.cmp(&other.id))
    }
}

fn values() -> impl Strategy<Value = String> {
    // Beyond the head that the index has, values differ only behind it.
    prop_oneof![
        4 => "[ab]{0,2}",
        1 => "[ab]".prop_map(|c| format!("{}{c}", "x".repeat(64))),
        1 => Just("äÖ".to_owned()),
    ]
}

fn keys() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[pq]", 1 => Just("rare".to_owned())]
}

fn numbers() -> impl Strategy<Value = f64> {
    prop_oneof![5 => (-2..3i8).prop_map(f64::from), 1 => Just(f64::NAN)]
}

prop_compose! {
    fn run()(
        (project, name, start_ms) in (0..3i64, "[ab]{1,2}", 0..6i64), status in 0..5usize, deleted in prop::bool::weighted(0.2),
        params in prop::collection::btree_map(keys(), values(), 0..3),
        tags in prop::collection::btree_map(keys(), values(), 0..3),
        metrics in prop::collection::btree_map(keys(), numbers(), 0..3),
        datasets in prop::collection::vec(("[de]", prop::option::of("[tu]".prop_map(String::from))), 0..2),
    ) -> Known {
        let id = RunId::new();
        Known { id, project, name, start_ms, status: RunStatus::ALL[status].2, deleted, params, tags, metrics, datasets }
    }
}

fn text_tests() -> impl Strategy<Value = Test> {
    let op = prop_oneof![3 => Just(Op::Eq), 1 => Just(Op::Ne), 1 => Just(Op::Like), 1 => Just(Op::ILike)];
    let pattern = prop_oneof![values(), "[ab%_]{0,3}", Just("%".to_owned())];
    prop_oneof![
        6 => (op, pattern).prop_map(|(op, text)| Test::Compare(op, Operand::Text(text))),
        1 => Just(Test::Null),
        1 => Just(Test::NotNull),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    let ops = || prop_oneof![Just(Op::Eq), Just(Op::Ne), Just(Op::Lt), Just(Op::Le), Just(Op::Gt), Just(Op::Ge)];
    let number = || (ops(), -2..6i8).prop_map(|(op, n)| Test::Compare(op, Operand::Number(f64::from(n))));
    let set = prop::collection::vec("[ab]{1,2}", 1..3);
    let texts = prop_oneof![set.clone().prop_map(Test::In), set.prop_map(Test::NotIn), text_tests()];
    let of = |target, test| Condition { target, test };
    prop_oneof![
        3 => (keys(), text_tests()).prop_map(move |(k, t)| of(Target::Entry("params", k), t)),
        2 => (keys(), text_tests()).prop_map(move |(k, t)| of(Target::Entry("tags", k), t)),
        3 => (keys(), number()).prop_map(move |(k, t)| of(Target::Entry("metrics", k), t)),
        1 => number().prop_map(move |t| of(Target::Field("start_time"), t)),
        1 => texts.prop_filter("names are there", |t| !matches!(t, Test::Null)).prop_map(move |t| of(Target::Field("run_name"), t)),
        1 => "[DEFGINRU]{0,3}%?".prop_map(move |p| of(Target::Field("status"), Test::Compare(Op::Like, Operand::Text(p)))),
        1 => ("[de]", prop::bool::ANY).prop_map(move |(n, by_name)| {
            of(Target::Related("datasets", if by_name { "name" } else { "context" }), Test::Compare(Op::Eq, Operand::Text(n)))
        }),
    ]
}

fn sort() -> impl Strategy<Value = Sort> {
    let target = prop_oneof![
        2 => Just(Target::Field("start_time")),
        1 => Just(Target::Field("run_id")),
        1 => Just(Target::Field("run_name")),
        1 => keys().prop_map(|k| Target::Entry("params", k)),
        4 => keys().prop_map(|k| Target::Entry("metrics", k)),
    ];
    (target, prop::bool::ANY).prop_map(|(target, descending)| Sort { target, descending })
}

fn store(catalog: &SqliteCatalog, runs: &[Known]) {
    for run in runs {
        let pairs = |map: &BTreeMap<String, String>| map.clone().into_iter().collect::<Vec<_>>();
        let mut tags = pairs(&run.tags);
        tags.push((super::RUN_NAME.to_owned(), run.name.clone()));
        let new = NewRun {
            id: run.id,
            project: run.project,
            name: run.name.clone(),
            start_ms: run.start_ms,
            status: run.status,
            // Tags that are changed later stand in the index once.
            tags: tags.iter().map(|(k, _)| (k.clone(), "before".to_owned())).collect(),
            ..NewRun::default()
        };
        catalog.create_run(new).unwrap();
        let point = |(key, value): (&String, &f64)| NewPoint {
            key: key.clone(),
            point: Point { timestamp_ms: 1, step: 1, value: *value },
            model: None,
        };
        let metrics = run.metrics.iter().map(point).collect();
        catalog.log_batch(run.id, Batch { params: pairs(&run.params), metrics, tags }).unwrap();
        let dataset = |(name, context): &(String, Option<String>)| DatasetInput {
            name: name.clone(),
            digest: format!("{name}-{context:?}"),
            tags: context.iter().map(|c| ("mlflow.data.context".to_owned(), c.clone())).collect(),
            ..DatasetInput::default()
        };
        catalog.log_inputs(run.id, run.datasets.iter().map(dataset).collect(), Vec::new()).unwrap();
        if run.deleted {
            catalog.mark_run(run.id, true, 1).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn pages_are_those_that_conditions_and_orders_mean(
        runs in prop::collection::vec(run(), 0..60),
        queries in prop::collection::vec(
            (prop::collection::vec(condition(), 0..4), prop::collection::vec(sort(), 0..3), 0..3usize,
             prop::collection::vec(0..4i64, 1..4), 0..4u64, 1..9usize, 0..3usize), 30),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let catalog = SqliteCatalog::open(folder.path()).unwrap();
        for name in ["one", "two"] {
            catalog.create_project(&NewProject { name: name.into(), ..NewProject::default() }).unwrap();
        }
        store(&catalog, &runs);
        for (conditions, mut order, stage, projects, offset, limit, budgets) in queries {
            order.dedup_by(|a, b| a.target == b.target);
            let stage = [Stage::Active, Stage::Deleted, Stage::All][stage];
            let query = RunQuery { projects, stage, conditions, order, offset, limit };
            let mut expected: Vec<&Known> = runs
                .iter()
                .filter(|run| query.projects.contains(&run.project) && stage.takes(run.deleted))
                .filter(|run| query.conditions.iter().all(|c| run.holds(c)))
                .collect();
            expected.sort_by(|a, b| a.cmp(b, &query.order));
            let all = expected.len();
            let expected: Vec<RunId> = expected.iter().skip(offset as usize).take(limit).map(|run| run.id).collect();
            let way = super::search::Limits::for_tests()[budgets];
            let (rows, more) = catalog
                .read(|db| super::search::rows_within(db, &catalog.keys, &query, way))
                .unwrap();
            let found: Vec<RunId> = catalog
                .read(|db| rows.iter().map(|row| Ok(super::read::record_of_row(db, *row)?.id)).collect::<Result<_, crate::telemetry::StoreError>>())
                .unwrap();
            prop_assert_eq!(found, expected, "{:?} {:?}", query, way);
            prop_assert_eq!(more, all > offset as usize + limit);
        }
    }
}
