//! An objective as people write it, in `[[slos]]`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use weir_core::time::{DAY, Micros};
use weir_core::units::Time;

use super::Indicator;
use crate::alerts::parse::Problem;
use crate::alerts::rule::{check_runbook, filters, micros};
use weir_store::telemetry::Dimension;

/// Most objectives.
pub const MAX_SLOS: usize = 200;

/// How many calls, or scores, must be good. Told by burn rates over several windows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SloDoc {
    /// What it is called.
    pub name: String,
    /// Share that must be good, as in 0.995.
    pub objective: f64,
    /// A call is good when it takes no longer than this; without it, when it does not fail.
    #[schemars(with = "Option<String>")]
    pub latency: Option<Time>,
    /// Scores of this name are looked at instead of calls.
    pub score: Option<String>,
    /// A score is good from there on.
    pub least: Option<f64>,
    /// How much time the objective is for, 1d to 90d; burn rates always count as if it were 30d.
    #[schemars(with = "String")]
    pub window: Time,
    /// Only this project's calls.
    pub project: Option<String>,
    /// Only calls with these values: a text or a list of texts per dimension (`model`, `provider`, `department`, `prompt_version`, `status`, `key`).
    pub filters: BTreeMap<String, Value>,
    /// Who is told: names of channels.
    pub channels: Vec<String>,
    /// What to do.
    pub runbook_url: Option<String>,
    /// More about it, told with every alert.
    pub description: Option<String>,
}

impl Default for SloDoc {
    fn default() -> Self {
        Self {
            name: String::new(),
            objective: 0.0,
            latency: None,
            score: None,
            least: None,
            window: Time::secs(30 * 86_400),
            project: None,
            filters: BTreeMap::new(),
            channels: Vec::new(),
            runbook_url: None,
            description: None,
        }
    }
}

/// An objective.
#[derive(Clone, Debug, PartialEq)]
pub struct Slo {
    /// What it is called.
    pub name: String,
    /// Share that must be good.
    pub objective: f64,
    /// What is bad.
    pub indicator: Indicator,
    /// For how much time.
    pub window: Micros,
    /// Which calls.
    pub filters: Vec<(Dimension, Vec<String>)>,
}

impl SloDoc {
    /// The objective that it means.
    ///
    /// # Errors
    /// Names the member and what to write instead.
    pub fn check(&self) -> Result<Slo, Problem> {
        if self.name.trim().is_empty() || self.name.len() > 100 {
            return Err(Problem::new("name", "write a name of 1 to 100 bytes"));
        }
        if !(self.objective > 0.0 && self.objective < 1.0) {
            return Err(Problem::new("objective", "write a share above 0 and below 1, as in 0.995"));
        }
        let window = micros(self.window);
        if !(DAY..=90 * DAY).contains(&window) {
            return Err(Problem::new("window", "it must be from 1d to 90d"));
        }
        check_runbook(self.runbook_url.as_deref())?;
        let indicator = match (&self.score, self.latency) {
            (Some(_), Some(_)) => {
                return Err(Problem::new("latency", "scores have none: keep one of score and latency"));
            }
            (Some(name), None) => {
                if !self.filters.is_empty() || self.project.is_some() {
                    let member = if self.project.is_some() { "project" } else { "filters" };
                    return Err(Problem::new(member, "scores are kept by name alone, of all projects"));
                }
                let Some(least) = self.least.filter(|least| least.is_finite()) else {
                    return Err(Problem::new("least", "write from where on a score is good, as in 0.7"));
                };
                Indicator::ScoreBelow { name: name.clone(), least }
            }
            (None, Some(latency)) if latency.0.is_zero() => {
                return Err(Problem::new("latency", "it must be above 0"));
            }
            (None, Some(latency)) => Indicator::LatencyMs(latency.0.as_secs_f64() * 1e3),
            (None, None) => Indicator::Errors,
        };
        if self.least.is_some() && self.score.is_none() {
            return Err(Problem::new("least", "it belongs to score"));
        }
        Ok(Slo {
            name: self.name.clone(),
            objective: self.objective,
            indicator,
            window,
            filters: filters("filters", &self.filters, self.project.as_deref())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_name_the_member() {
        let check = |text: &str| {
            let doc: SloDoc = toml::from_str(text).map_err(|e| e.to_string())?;
            doc.check().map_err(|e| e.to_string())
        };
        let with = |more: &str| check(&format!("name = \"s\"\nobjective = 0.99\n{more}"));
        assert_eq!(with("").unwrap().indicator, Indicator::Errors);
        assert_eq!(with("latency = \"2s\"").unwrap().indicator, Indicator::LatencyMs(2_000.0));
        for (more, expected) in [
            ("score = \"tone\"", "least: write from where on"),
            ("least = 0.5", "least: it belongs to score"),
            ("score = \"tone\"\nleast = 0.5\nproject = \"p\"", "project: scores are kept by name alone"),
            ("score = \"tone\"\nlatency = \"1s\"", "latency: scores have none"),
            ("window = \"1h\"", "window: it must be from 1d to 90d"),
            ("filters = { modle = \"a\" }", "filters.modle: "),
        ] {
            let found = with(more).unwrap_err();
            assert!(found.starts_with(expected), "{found}");
        }
        assert!(check("name = \"s\"\nobjective = 99.5").unwrap_err().starts_with("objective: "));
    }
}
