use weir_core::query::{Condition, Op, Operand, Sort, Target, Test};

use super::*;

const RUNS: Vocabulary = Vocabulary {
    fields: &[
        FieldName { names: &["run_id"], field: "run_id", kind: Kind::TextOrList, filters: true, orders: true },
        FieldName {
            names: &["run_name", "Run Name"],
            field: "run_name",
            kind: Kind::Text,
            filters: true,
            orders: true,
        },
        FieldName { names: &["start_time"], field: "start_time", kind: Kind::Number, filters: true, orders: true },
    ],
    own: &["attribute", "attributes", "run"],
    collections: &[
        CollectionName { names: &["metric", "metrics"], collection: "metrics", kind: Kind::Number, orders: true },
        CollectionName { names: &["parameter", "params"], collection: "params", kind: Kind::Entry, orders: true },
    ],
    related: &[(&["dataset"], "datasets", &["name"])],
    special: nothing_special,
};

fn one(filter: &str) -> Condition {
    let mut all = conditions(filter, &RUNS).unwrap_or_else(|e| panic!("{filter}: {}", e.message));
    assert_eq!(all.len(), 1, "{filter}");
    all.remove(0)
}

#[test]
fn clauses_mean_what_mlflow_means() {
    let entry = |collection, key: &str| Target::Entry(collection, key.to_owned());
    let text = |op, value: &str| Test::Compare(op, Operand::Text(value.to_owned()));
    let number = |op, value| Test::Compare(op, Operand::Number(value));
    for (filter, target, test) in [
        ("params.lr = '0.1'", entry("params", "lr"), text(Op::Eq, "0.1")),
        ("parameter.lr!=\"it's\"", entry("params", "lr"), text(Op::Ne, "it's")),
        ("metrics.`a b/c.d` >= -1.5e-3", entry("metrics", "a b/c.d"), number(Op::Ge, -1.5e-3)),
        ("`metrics`.\"a\" < 3", entry("metrics", "a"), number(Op::Lt, 3.0)),
        ("metrics.val.acc > .5", entry("metrics", "val.acc"), number(Op::Gt, 0.5)),
        ("run_name iLike '%x%'", Target::Field("run_name"), text(Op::ILike, "%x%")),
        ("attributes.start_time <= 12", Target::Field("start_time"), number(Op::Le, 12.0)),
        ("`Run Name` = 'x'", Target::Field("run_name"), text(Op::Eq, "x")),
        ("params.a IS  not NULL", entry("params", "a"), Test::NotNull),
        ("params.a is null", entry("params", "a"), Test::Null),
        ("run_id NOT IN ('a',\"b\")", Target::Field("run_id"), Test::NotIn(vec!["a".into(), "b".into()])),
        ("dataset.name IN ('a')", Target::Related("datasets", "name"), Test::In(vec!["a".into()])),
    ] {
        assert_eq!(one(filter), Condition { target, test }, "{filter}");
    }
    assert_eq!(conditions("metrics.a > 1 and params.b = '2' metrics.c<3", &RUNS).unwrap().len(), 3);
    assert_eq!(conditions("  ", &RUNS).unwrap(), []);
}

#[test]
fn what_mlflow_refuses_is_refused() {
    for filter in [
        "params.a",
        "params.a =",
        "params.a = 1",
        "params.a = b",
        "params.a == '1'",
        "params.a > '1'",
        "params.a RLIKE 'x'",
        "metrics.a = 'x'",
        "metrics.a LIKE 'x'",
        "metrics.a IS NULL",
        "params.a = '1' OR params.b = '2'",
        "(params.a = '1')",
        "NOT params.a = '1'",
        "params.a = '1'; params.b = '2'",
        "foo.a = '1'",
        "lifecycle_stage = 'active'",
        "dataset.size = 'x'",
        "run_name IN ('a')",
        "run_id IN ()",
        "run_id IN (1)",
        "run_id IN ('a'",
        "params.a = 'x",
        "= '1'",
        "params. = '1'",
        "AND params.a = '1'",
        "params.a = '1' AND",
    ] {
        assert!(conditions(filter, &RUNS).is_err(), "{filter}");
    }
}

#[test]
fn orders_mean_what_mlflow_means() {
    let by = |target, descending| Sort { target, descending };
    let clauses = ["start_time DESC", "metrics.`a b` asc", "params.x", "Run Name DESC", "attributes.run_id"];
    let expected = [
        by(Target::Field("start_time"), true),
        by(Target::Entry("metrics", "a b".into()), false),
        by(Target::Entry("params", "x".into()), false),
        by(Target::Field("run_name"), true),
        by(Target::Field("run_id"), false),
    ];
    assert_eq!(order(&clauses, &RUNS).unwrap(), expected);
    for clause in ["", "start_time up", "nothing", "foo.x DESC", "start_time DESC, run_id", "dataset.name"] {
        assert!(order(&[clause], &RUNS).is_err(), "{clause}");
    }
    assert!(order(&["run_id", "run_id DESC"], &RUNS).is_err());
}
