//! What a rule looks at: the members that name it together.

use std::collections::BTreeMap;

use serde_json::Value;
use weir_store::telemetry::Dimension;

use super::super::document::{Agg, RuleDoc, Severity, Source};
use super::super::measure::Measure;
use super::super::parse::{Problem, not_known};
use super::values::{self, Values};
use crate::budgets::Budget;
use crate::slo::Slo;

/// Most dimensions that a rule tells series apart by.
pub const MAX_GROUP_BY: usize = 3;

/// What a rule measures.
#[derive(Clone, Debug, PartialEq)]
pub enum Read {
    /// A measure of calls.
    Metric {
        /// Which.
        measure: Measure,
        /// How many become one.
        agg: Agg,
        /// Which calls.
        filters: Vec<(Dimension, Vec<String>)>,
        /// One series for each combination.
        group_by: Vec<Dimension>,
    },
    /// Single values: scores, results of evaluations, events.
    Values(Values),
    /// Anomalies that go on, one series for each.
    Anomalies {
        /// Only of this project.
        project: Option<String>,
        /// Only of these metrics; empty: all.
        metrics: Vec<String>,
        /// At least so bad.
        min_severity: Severity,
    },
    /// What a budget has spent, one series for each threshold.
    Budget(Budget),
    /// How fast the error budget of an objective burns.
    Slo(Slo),
}

/// What rules may be about by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Targets {
    /// Budgets.
    pub budgets: Vec<Budget>,
    /// Objectives.
    pub slos: Vec<Slo>,
}

pub(super) fn read(doc: &RuleDoc, targets: &Targets) -> Result<Read, Problem> {
    only_of_its_source(doc)?;
    match doc.source {
        Source::Metric => metric(doc),
        Source::Score => {
            let Some(name) = doc.score.clone().filter(|name| !name.is_empty()) else {
                return Err(Problem::new("score", "name the scores, as in score = \"helpfulness\""));
            };
            has_no_measure(doc)?;
            values::scores(doc, name).map(Read::Values)
        }
        Source::Anomaly => {
            no_calls_are_chosen(
                doc,
                "anomalies are told apart by themselves: name a project, or metrics in [anomaly]",
            )?;
            let anomaly = doc.anomaly.clone().unwrap_or_default();
            Ok(Read::Anomalies {
                project: doc.project.clone(),
                metrics: anomaly.metrics,
                min_severity: anomaly.min_severity.unwrap_or(Severity::Warning),
            })
        }
        Source::Budget => {
            no_calls_are_chosen(doc, "the budget says which calls it is about")?;
            let names: Vec<&str> = targets.budgets.iter().map(|b| b.name.as_str()).collect();
            let at = place("budget", doc.budget.as_deref(), &names, "[[budgets]]")?;
            targets.budgets.get(at).cloned().map(Read::Budget).ok_or_else(|| Problem::new("budget", "not there"))
        }
        Source::Slo => {
            no_calls_are_chosen(doc, "the objective says which calls it is about")?;
            let names: Vec<&str> = targets.slos.iter().map(|s| s.name.as_str()).collect();
            let at = place("slo", doc.slo.as_deref(), &names, "[[slos]]")?;
            targets.slos.get(at).cloned().map(Read::Slo).ok_or_else(|| Problem::new("slo", "not there"))
        }
        Source::Eval => {
            has_no_measure(doc)?;
            values::evals(doc).map(Read::Values)
        }
        Source::Event => {
            has_no_measure(doc)?;
            values::events(doc).map(Read::Values)
        }
    }
}

/// Refuses a measure of calls where something else is looked at.
fn has_no_measure(doc: &RuleDoc) -> Result<(), Problem> {
    let measure = doc.metric.as_ref().map_or("", |metric| metric.measure.as_str());
    let same = doc.source == Source::Score && measure.strip_prefix("score:") == doc.score.as_deref();
    if measure.is_empty() || same {
        return Ok(());
    }
    let why = "it belongs to source = \"metric\": leave it out; `agg` alone may stand here";
    Err(Problem::new("metric.measure", why))
}

/// Refuses members that belong to another source.
fn only_of_its_source(doc: &RuleDoc) -> Result<(), Problem> {
    let given = [
        ("metric", doc.metric.is_some(), &[Source::Metric, Source::Score, Source::Eval, Source::Event][..]),
        ("score", doc.score.is_some(), &[Source::Score, Source::Eval]),
        ("budget", doc.budget.is_some(), &[Source::Budget]),
        ("slo", doc.slo.is_some(), &[Source::Slo]),
        ("anomaly", doc.anomaly.is_some(), &[Source::Anomaly]),
    ];
    match given.iter().find(|(_, given, of)| *given && !of.contains(&doc.source)) {
        Some((name, ..)) => Err(Problem::new(*name, format!("it belongs to source = \"{name}\""))),
        None => Ok(()),
    }
}

fn no_calls_are_chosen(doc: &RuleDoc, why: &str) -> Result<(), Problem> {
    for (name, given) in [("group_by", !doc.group_by.is_empty()), ("filters", !doc.filters.is_empty())] {
        if given {
            return Err(Problem::new(name, why));
        }
    }
    if doc.project.is_some() && matches!(doc.source, Source::Budget | Source::Slo) {
        return Err(Problem::new("project", why));
    }
    Ok(())
}

fn place(field: &str, name: Option<&str>, known: &[&str], section: &str) -> Result<usize, Problem> {
    let Some(name) = name else { return Err(Problem::new(field, format!("name one of {section}"))) };
    known.iter().position(|known| *known == name).ok_or_else(|| {
        let what = format!("{section} has no \"{name}\"");
        Problem::new(field, if known.is_empty() { what } else { not_known(&what, name, known) })
    })
}

fn metric(doc: &RuleDoc) -> Result<Read, Problem> {
    let Some(metric) = doc.metric.as_ref().filter(|metric| !metric.measure.is_empty()) else {
        return Err(Problem::new("metric", "name what is measured, as in { measure = \"error_ratio\" }"));
    };
    if let Some(name) = metric.measure.strip_prefix("score:") {
        if name.is_empty() {
            return Err(Problem::new("metric.measure", "name the scores after score:"));
        }
        return values::scores(doc, name.to_owned()).map(Read::Values);
    }
    let (measure, agg) = Measure::parse(&metric.measure, metric.agg)?;
    let filters = filters("filters", &doc.filters, doc.project.as_deref())?;
    Ok(Read::Metric { measure, agg, filters, group_by: dimensions("group_by", &doc.group_by, MAX_GROUP_BY)? })
}

fn dimension(field: &str, name: &str) -> Result<Dimension, Problem> {
    Dimension::parse(name).ok_or_else(|| {
        let known: Vec<&str> = Dimension::ALL.iter().map(|d| d.as_str()).collect();
        Problem::new(field, not_known(&format!("\"{name}\" is kept in no rollup"), name, &known))
    })
}

/// Which calls are meant: a text or a list of texts per dimension, and the project.
///
/// # Errors
/// Names the member and what to write instead.
pub fn filters(
    member: &str,
    given: &BTreeMap<String, Value>,
    project: Option<&str>,
) -> Result<Vec<(Dimension, Vec<String>)>, Problem> {
    let mut all: BTreeMap<Dimension, Vec<String>> = BTreeMap::new();
    for (name, value) in given {
        let field = format!("{member}.{name}");
        let values = texts(&field, value)?;
        all.insert(dimension(&field, name)?, values);
    }
    if let Some(project) = project {
        if all.contains_key(&Dimension::Project) {
            let field = format!("{member}.project");
            return Err(Problem::new(field, "the project is named beside the filters already: keep one of the two"));
        }
        all.insert(Dimension::Project, vec![project.to_owned()]);
    }
    Ok(all.into_iter().collect())
}

/// A text, or a list of texts.
pub(super) fn texts(field: &str, value: &Value) -> Result<Vec<String>, Problem> {
    let wrong = || Problem::new(field, "write a text, or a list of 1 to 100 texts");
    match value {
        Value::String(one) => Ok(vec![one.clone()]),
        Value::Array(list) if (1..=100).contains(&list.len()) => {
            list.iter().map(|v| v.as_str().map(str::to_owned)).collect::<Option<_>>().ok_or_else(wrong)
        }
        _ => Err(wrong()),
    }
}

/// Dimensions to tell apart, each once.
///
/// # Errors
/// Names the member and what to write instead.
pub fn dimensions(member: &str, names: &[String], most: usize) -> Result<Vec<Dimension>, Problem> {
    if names.len() > most {
        return Err(Problem::new(member, format!("at most {most} dimensions")));
    }
    let mut all = Vec::new();
    for (n, name) in names.iter().enumerate() {
        let found = dimension(&format!("{member}[{n}]"), name)?;
        if all.contains(&found) {
            return Err(Problem::new(format!("{member}[{n}]"), format!("\"{name}\" stands twice")));
        }
        all.push(found);
    }
    Ok(all)
}
