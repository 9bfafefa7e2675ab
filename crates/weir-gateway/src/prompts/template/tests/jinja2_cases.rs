//! Every filter, test, statement, function and method that `jinja2_cases.py` lists renders as Python's Jinja2 has it.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::prompts::template::{Format, Limits, Template};

/// What differs from Python's Jinja2, each with what comes instead and why.
const DIFFERENCES: &[(&str, &str)] = &[
    // Python looks at attributes only; JSON has no others than its members.
    ("filter attr", "True"),
    // Indented as the engine shows values.
    ("filter pprint", "[\n    3,\n    1,\n    2,\n]"),
    // Members keep their order: in a prompt the order is meant.
    (
        "filter tojson",
        "{\"name\": \"Eve\", \"age\": 30, \"city\": \"Rome\"} \"\\u003cb\\u003eTom \\u0026 \\\"Jerry\\\"\\u003c/b\\u003e\" [\n  3,\n  1,\n  2\n]",
    ),
    // A space in a query is %20, which every server reads too.
    ("filter urlencode", "a%20b/c%3Fd%3D%C3%A9%26 a=1&b=x%20y"),
    // Not in minijinja.
    ("filter urlize", "ERROR prompt \"case\", line 1: unknown filter: filter urlize is unknown"),
    // A list where Python has a tuple.
    ("statement macro attributes", "m ['a', 'b'] True"),
    // Not in minijinja: a macro takes what it declares.
    ("statement macro varargs", "ERROR prompt \"case\", line 1: too many arguments"),
];

#[derive(Deserialize)]
struct Golden {
    variables: Map<String, Value>,
    sources: HashMap<String, String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    template: String,
    expected: String,
}

#[test]
fn renders_as_jinja2_does() {
    let golden: Golden = serde_json::from_str(include_str!("jinja2_cases.json")).unwrap();
    let mut wrong = Vec::new();
    for case in &golden.cases {
        let got = Template::compile(Format::Jinja2, "case", &case.template, &golden.sources, Limits::default())
            .and_then(|template| template.render(&golden.variables))
            .unwrap_or_else(|error| format!("ERROR {error}"));
        let differs = DIFFERENCES.iter().find(|(name, _)| *name == case.name);
        let expected = differs.map_or(case.expected.as_str(), |(_, instead)| instead);
        if got != expected {
            wrong.push(format!(
                "{}\n  template {:?}\n  expected {expected:?}\n  got      {got:?}",
                case.name, case.template
            ));
        }
        if differs.is_some_and(|(_, instead)| *instead == case.expected) {
            wrong.push(format!("{} is listed as different and is not", case.name));
        }
    }
    let unknown = DIFFERENCES.iter().filter(|(name, _)| golden.cases.iter().all(|case| case.name != *name));
    wrong.extend(unknown.map(|(name, _)| format!("{name} is no case")));
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), golden.cases.len(), wrong.join("\n"));
}
