//! A budget as people write it, in `[[budgets]]`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Budget, Unit};
use crate::alerts::parse::Problem;
use crate::alerts::rule::{check_runbook, dimensions, filters};
use crate::calendar::{Period, zone};

/// Most budgets.
pub const MAX_BUDGETS: usize = 500;
/// Most dimensions that a budget may be for each value of.
const MAX_PER: usize = 2;
/// Most thresholds.
const MAX_THRESHOLDS: usize = 10;

/// What may be spent, by whom, and who is told. It is watched, not enforced: for that there are the limits of keys and labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BudgetDoc {
    /// What it is called.
    pub name: String,
    /// How much, in `unit`.
    pub amount: f64,
    /// `usd` or `tokens`.
    pub unit: Unit,
    /// For how long: the calendar's `day`, `week` (from Monday) or `month`.
    pub period: Period,
    /// Time zone of the calendar, as in `Europe/Berlin`; usually UTC.
    pub timezone: Option<String>,
    /// Only this project's calls.
    pub project: Option<String>,
    /// Only calls with these values: a text or a list of texts per dimension (`model`, `provider`, `department`, `prompt_version`, `status`, `key`).
    pub filters: BTreeMap<String, Value>,
    /// So much for each value of these dimensions, at most two.
    pub per: Vec<String>,
    /// Shares of the amount at which somebody is told; from 1 on it is critical.
    pub thresholds: Vec<f64>,
    /// Whether somebody is also told when it will be spent before the end of the period.
    pub forecast: bool,
    /// Who is told: names of channels.
    pub channels: Vec<String>,
    /// What to do.
    pub runbook_url: Option<String>,
    /// More about it, told with every alert.
    pub description: Option<String>,
}

impl Default for BudgetDoc {
    fn default() -> Self {
        Self {
            name: String::new(),
            amount: 0.0,
            unit: Unit::Usd,
            period: Period::Month,
            timezone: None,
            project: None,
            filters: BTreeMap::new(),
            per: Vec::new(),
            thresholds: vec![0.5, 0.8, 1.0],
            forecast: false,
            channels: Vec::new(),
            runbook_url: None,
            description: None,
        }
    }
}

impl BudgetDoc {
    /// The budget that it means.
    ///
    /// # Errors
    /// Names the member and what to write instead.
    pub fn check(&self) -> Result<Budget, Problem> {
        if self.name.trim().is_empty() || self.name.len() > 100 {
            return Err(Problem::new("name", "write a name of 1 to 100 bytes"));
        }
        if !(self.amount.is_finite() && self.amount > 0.0) {
            return Err(Problem::new("amount", "write a number above 0"));
        }
        if !(1..=MAX_THRESHOLDS).contains(&self.thresholds.len())
            || self.thresholds.iter().any(|t| !(*t > 0.0 && *t <= 10.0))
        {
            return Err(Problem::new("thresholds", "write 1 to 10 shares above 0 and up to 10, as in [0.5, 0.8, 1.0]"));
        }
        if self.thresholds.windows(2).any(|pair| matches!(pair, [a, b] if a >= b)) {
            return Err(Problem::new("thresholds", "write them in ascending order"));
        }
        check_runbook(self.runbook_url.as_deref())?;
        Ok(Budget {
            name: self.name.clone(),
            limit: self.amount,
            unit: self.unit,
            period: self.period,
            zone: zone(self.timezone.as_deref())?,
            filters: filters("filters", &self.filters, self.project.as_deref())?,
            per: dimensions("per", &self.per, MAX_PER)?,
            thresholds: self.thresholds.clone(),
            forecast: self.forecast,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Budget, String> {
        let doc: BudgetDoc = toml::from_str(text).map_err(|e| e.to_string())?;
        doc.check().map_err(|e| e.to_string())
    }

    #[test]
    fn refusals_name_the_member() {
        let good = "name = \"all\"\namount = 5\n";
        assert!(check(good).is_ok());
        for (more, expected) in [
            ("per = [\"modle\"]", "per[0]: \"modle\" is kept in no rollup; did you mean \"model\"?"),
            ("filters = { team = \"a\" }", "filters.team: \"team\" is kept in no rollup; known are "),
            ("thresholds = [0.8, 0.5]", "thresholds: write them in ascending order"),
            ("thresholds = []", "thresholds: write 1 to 10 shares"),
            ("timezone = \"Mars\"", "timezone: \"Mars\" is no time zone"),
            ("runbook_url = \"x\"", "runbook_url: \"x\" is no http or https address"),
        ] {
            let found = check(&format!("{good}{more}")).unwrap_err();
            assert!(found.starts_with(expected), "{found}");
        }
        assert!(check("name = \"all\"").unwrap_err().starts_with("amount: "));
        assert!(check("amount = 1").unwrap_err().starts_with("name: "));
    }
}
