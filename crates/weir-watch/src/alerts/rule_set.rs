//! The rules that are in force: of files, of budgets and objectives, and made over the API.
//!
//! Invariants: an id stands for one rule; a rule that cannot be evaluated any longer, because what it names is gone, is
//! shown with its reason and not evaluated.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use weir_core::time::Micros;
use weir_store::catalog::AlertRuleRecord;

use super::document::{RuleDoc, Severity, Source};
use super::parse::{Format, Problem, rules};
use super::rule::{Rule, Targets, slug};
use crate::budgets::BudgetDoc;
use crate::slo::SloDoc;

/// Where a rule comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file.
    File(PathBuf),
    /// `[[budgets]]` or `[[slos]]`.
    Config,
    /// The API.
    Api {
        /// Counts its changes.
        version: u32,
        /// When it was made.
        created_us: Micros,
        /// When it was changed last.
        updated_us: Micros,
    },
}

/// A rule of the set.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// As it was written.
    pub doc: RuleDoc,
    /// Where it comes from.
    pub origin: Origin,
    /// What it means, or why it cannot be evaluated.
    pub rule: Result<Rule, Problem>,
}

impl Listed {
    /// The rule, where it is to be evaluated.
    #[must_use]
    pub fn active(&self) -> Option<&Rule> {
        self.rule.as_ref().ok().filter(|rule| rule.doc.enabled)
    }
}

/// What the configuration says of alerts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Configured {
    /// Budgets, as they were written.
    pub budgets: Vec<BudgetDoc>,
    /// Objectives, as they were written.
    pub slos: Vec<SloDoc>,
    /// The same, checked.
    pub targets: Targets,
    /// Rules of files and of these.
    pub rules: Vec<(Rule, Origin)>,
}

/// The rules by id.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleSet {
    rules: BTreeMap<String, Arc<Listed>>,
}

impl RuleSet {
    /// The rules of the configuration, and those that were made over the API. Of two with the same id the
    /// configuration's wins; the ids of the others are given back.
    #[must_use]
    pub fn new(configured: &Configured, made: &[AlertRuleRecord]) -> (Self, Vec<String>) {
        let mut rules = BTreeMap::new();
        for (rule, origin) in &configured.rules {
            let listed =
                Listed { id: rule.id.clone(), doc: rule.doc.clone(), origin: origin.clone(), rule: Ok(rule.clone()) };
            rules.insert(rule.id.clone(), Arc::new(listed));
        }
        let mut hidden = Vec::new();
        for record in made {
            if rules.contains_key(&record.id) {
                hidden.push(record.id.clone());
                continue;
            }
            rules.insert(record.id.clone(), Arc::new(of_record(record, &configured.targets)));
        }
        (Self { rules }, hidden)
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Listed>> {
        self.rules.values()
    }

    /// The one of an id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Arc<Listed>> {
        self.rules.get(id)
    }
}

fn of_record(record: &AlertRuleRecord, targets: &Targets) -> Listed {
    let origin = Origin::Api { version: record.version, created_us: record.created_us, updated_us: record.updated_us };
    let read = rules(&record.document, Format::Json)
        .and_then(|mut docs| docs.pop().ok_or_else(|| Problem::new("", "it is empty")));
    let (doc, rule) = match read {
        Ok(doc) => (doc.clone(), Rule::new(doc, &record.id, targets)),
        Err(problem) => {
            let unread = RuleDoc { name: record.id.clone(), enabled: false, ..RuleDoc::default() };
            (unread, Err(problem))
        }
    };
    Listed { id: record.id.clone(), doc, origin, rule }
}

/// The rule that a budget is.
#[must_use]
pub fn of_budget(budget: &BudgetDoc) -> RuleDoc {
    RuleDoc {
        id: Some(format!("budget:{}", slug(&budget.name))),
        name: format!("Budget {}", budget.name),
        description: budget.description.clone(),
        enabled: true,
        severity: Some(Severity::Critical),
        runbook_url: budget.runbook_url.clone(),
        source: Source::Budget,
        budget: Some(budget.name.clone()),
        channels: budget.channels.clone(),
        ..RuleDoc::default()
    }
}

/// The rule that an objective is.
#[must_use]
pub fn of_slo(slo: &SloDoc) -> RuleDoc {
    RuleDoc {
        id: Some(format!("slo:{}", slug(&slo.name))),
        name: format!("Objective {}", slo.name),
        description: slo.description.clone(),
        enabled: true,
        severity: Some(Severity::Critical),
        runbook_url: slo.runbook_url.clone(),
        source: Source::Slo,
        slo: Some(slo.name.clone()),
        channels: slo.channels.clone(),
        ..RuleDoc::default()
    }
}
