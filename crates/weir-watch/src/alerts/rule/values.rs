//! What a rule over single values looks at: scores, results of evaluations, events.

use weir_store::events::{EvalLabel, EventKind, EventLabel, ScoreLabel};

use super::super::document::{Agg, RuleDoc};
use super::super::measure::agg_name;
use super::super::parse::{Problem, not_known};
use super::read::{MAX_GROUP_BY, texts};

/// Single values, and which of them make a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    /// Which.
    pub of: ValuesOf,
    /// How many become one.
    pub agg: Agg,
    /// The labels that tell series apart: the first of those that are read.
    pub group_by: Vec<String>,
    /// Texts to keep, by the place of the label: all must hold, several texts of one are alternatives.
    pub keep: Vec<(usize, Vec<String>)>,
}

/// Where values come from, and the labels that are read of them: those of `group_by`, then those of `keep`.
#[derive(Clone, Debug, PartialEq)]
pub enum ValuesOf {
    /// Scores of a name, by the time they were given.
    Scores(String, Vec<ScoreLabel>),
    /// What runs logged under a name, by the time they did.
    Evals(String, Vec<EvalLabel>),
    /// Events of some kinds; each is a 1.
    Events(Vec<EventKind>, Vec<EventLabel>),
}

/// How scores become one value.
const OF_SCORES: &[Agg] = &[Agg::Avg, Agg::P50, Agg::P90, Agg::P95, Agg::P99, Agg::Min, Agg::Max, Agg::Count];
/// The same of results of evaluations.
const OF_EVALS: &[Agg] = &[Agg::Last, Agg::Avg, Agg::P50, Agg::Min, Agg::Max, Agg::Count];
/// The same of events.
const OF_EVENTS: &[Agg] = &[Agg::Count];

pub(super) fn scores(doc: &RuleDoc, name: String) -> Result<Values, Problem> {
    let chosen = Chosen::read(doc, &[])?;
    let labels = chosen.labels(doc, |label| {
        ScoreLabel::parse(label).ok_or_else(|| not_known(&no_label("scores", label), label, &ScoreLabel::names()))
    })?;
    Ok(chosen.values(ValuesOf::Scores(name, labels), agg(doc, "scores", OF_SCORES)?))
}

pub(super) fn evals(doc: &RuleDoc) -> Result<Values, Problem> {
    let Some(name) = doc.score.clone().filter(|name| !name.is_empty()) else {
        let why = "name the metric that evaluations log, as in score = \"correctness\" (correctness/mean is found too)";
        return Err(Problem::new("score", why));
    };
    let chosen = Chosen::read(doc, &[])?;
    let labels = chosen.labels(doc, |label| {
        EvalLabel::parse(label).ok_or_else(|| {
            format!("{}; they have project, run, params.NAME and tags.NAME", no_label("results of evaluations", label))
        })
    })?;
    Ok(chosen.values(ValuesOf::Evals(name, labels), agg(doc, "results of evaluations", OF_EVALS)?))
}

pub(super) fn events(doc: &RuleDoc) -> Result<Values, Problem> {
    let names: Vec<&str> = EventKind::ALL.iter().map(|(name, _)| *name).collect();
    if doc.condition.events.is_empty() {
        let why = format!("name what is to happen: events = [\"run_failed\"]; there are {}", names.join(", "));
        return Err(Problem::new("condition.events", why));
    }
    let mut kinds = Vec::new();
    for (n, name) in doc.condition.events.iter().enumerate() {
        let place = format!("condition.events[{n}]");
        let Some(kind) = EventKind::parse(name) else {
            return Err(Problem::new(place, not_known(&format!("there is no event \"{name}\""), name, &names)));
        };
        if kinds.contains(&kind) {
            return Err(Problem::new(place, format!("\"{name}\" stands twice")));
        }
        kinds.push(kind);
    }
    // One alert for each thing that something happens to.
    let chosen = Chosen::read(doc, &["event", "project", "name"])?;
    let known = EventLabel::ALL.map(|(name, _)| name);
    let labels = chosen.labels(doc, |label| {
        EventLabel::parse(label).ok_or_else(|| not_known(&no_label("events", label), label, &known))
    })?;
    Ok(chosen.values(ValuesOf::Events(kinds, labels), agg(doc, "events", OF_EVENTS)?))
}

fn no_label(what: &str, label: &str) -> String {
    format!("{what} have no label \"{label}\"")
}

fn agg(doc: &RuleDoc, what: &str, allowed: &[Agg]) -> Result<Agg, Problem> {
    let usual = allowed.first().copied().unwrap_or(Agg::Count);
    let agg = doc.metric.as_ref().and_then(|metric| metric.agg).unwrap_or(usual);
    if allowed.contains(&agg) {
        return Ok(agg);
    }
    let known: Vec<String> = allowed.iter().map(|agg| agg_name(*agg)).collect();
    Err(Problem::new("metric.agg", format!("{what} have {}", known.join(", "))))
}

/// The labels that a document names.
struct Chosen {
    group_by: Vec<String>,
    keep: Vec<(String, Vec<String>)>,
}

impl Chosen {
    fn read(doc: &RuleDoc, usual: &[&str]) -> Result<Self, Problem> {
        if doc.group_by.len() > MAX_GROUP_BY {
            return Err(Problem::new("group_by", format!("at most {MAX_GROUP_BY} dimensions")));
        }
        let group_by = match doc.group_by.as_slice() {
            [] => usual.iter().map(|name| (*name).to_owned()).collect(),
            names => names.to_vec(),
        };
        if let Some(n) =
            (1..group_by.len()).find(|n| group_by.iter().take(*n).any(|name| Some(name) == group_by.get(*n)))
        {
            let name = group_by.get(n).cloned().unwrap_or_default();
            return Err(Problem::new(format!("group_by[{n}]"), format!("\"{name}\" stands twice")));
        }
        let mut keep = Vec::new();
        for (name, value) in &doc.filters {
            keep.push((name.clone(), texts(&format!("filters.{name}"), value)?));
        }
        if let Some(project) = &doc.project {
            if doc.filters.contains_key("project") {
                let why = "the project is named beside the filters already: keep one of the two";
                return Err(Problem::new("filters.project", why));
            }
            keep.push(("project".to_owned(), vec![project.clone()]));
        }
        Ok(Self { group_by, keep })
    }

    /// Every label, as its source knows it.
    fn labels<T>(&self, doc: &RuleDoc, parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, Problem> {
        let grouped = self.group_by.iter().enumerate().map(|(n, name)| (format!("group_by[{n}]"), name));
        let kept = self.keep.iter().map(|(name, _)| match doc.filters.contains_key(name) {
            true => (format!("filters.{name}"), name),
            false => (name.clone(), name),
        });
        grouped.chain(kept).map(|(place, name)| parse(name).map_err(|why| Problem::new(place, why))).collect()
    }

    fn values(self, of: ValuesOf, agg: Agg) -> Values {
        let first = self.group_by.len();
        let keep = self.keep.into_iter().enumerate().map(|(n, (_, texts))| (first + n, texts)).collect();
        Values { of, agg, group_by: self.group_by, keep }
    }
}
