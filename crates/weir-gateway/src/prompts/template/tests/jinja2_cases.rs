//! Every filter, test, statement, function and method that `jinja2_cases.py` lists renders as Python's Jinja2 has it.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::prompts::template::{Format, Limits, Template};

/// What differs from Python's Jinja2, each with what comes instead and why.
const DIFFERENCES: &[(&str, &str)] = &[];

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
