//! Rules from files, and the whole of what the configuration says of alerts.
//!
//! Invariant: it is taken whole or refused whole; a refusal names the file, or the section, and the member.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::document::RuleDoc;
use super::parse::{Format, MAX_TEXT, Problem, rules};
use super::rule::{Rule, Targets, slug};
use super::rule_set::{Configured, Origin, of_budget, of_slo};
use crate::budgets::{BudgetDoc, MAX_BUDGETS};
use crate::slo::{MAX_SLOS, SloDoc};

/// Most files of a folder.
const MAX_FILES: usize = 1_000;
/// Most rules of files.
const MAX_RULES: usize = 2_000;

/// What is wrong, and where.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {why}")]
pub struct Refused {
    /// The file, or the section.
    pub place: String,
    /// What.
    pub why: String,
}

fn refused(place: impl Into<String>, why: impl Into<String>) -> Refused {
    Refused { place: place.into(), why: why.into() }
}

/// The rules of a file, as they are written.
///
/// # Errors
/// The file cannot be read, or is no such file.
pub fn read(path: &Path) -> Result<Vec<RuleDoc>, Refused> {
    let place = path.display().to_string();
    let format = path.extension().and_then(|e| e.to_str()).and_then(Format::of_extension);
    let Some(format) = format else { return Err(refused(place, "name it .toml, .yaml, .yml or .json")) };
    let size = std::fs::metadata(path).map_err(|e| refused(&place, format!("it cannot be read: {e}")))?.len();
    if size > MAX_TEXT as u64 {
        return Err(refused(place, format!("it is longer than {} KiB: split it", MAX_TEXT >> 10)));
    }
    let text = std::fs::read_to_string(path).map_err(|e| refused(&place, format!("it cannot be read: {e}")))?;
    rules(&text, format).map_err(|problem| refused(place, problem.to_string()))
}

/// The files of rules in a folder, by name; files with other endings are none.
///
/// # Errors
/// The folder cannot be read.
pub fn list(dir: &Path) -> Result<Vec<PathBuf>, Refused> {
    let place = || dir.display().to_string();
    let wrong = |e: std::io::Error| refused(place(), format!("the folder cannot be read: {e}"));
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        let hidden = path.file_name().and_then(|n| n.to_str()).is_none_or(|n| n.starts_with('.'));
        let known = path.extension().and_then(|e| e.to_str()).and_then(Format::of_extension).is_some();
        if !hidden && known && path.is_file() {
            paths.push(path);
        }
    }
    if paths.len() > MAX_FILES {
        return Err(refused(place(), format!("more than {MAX_FILES} files: put several rules into one")));
    }
    paths.sort();
    Ok(paths)
}

/// Reads and checks all of it: the rules of a folder, and those that budgets and objectives are.
///
/// # Errors
/// Names the file or section, and the member.
pub fn configured(dir: Option<&Path>, budgets: &[BudgetDoc], slos: &[SloDoc]) -> Result<Configured, Refused> {
    let mut found = Found { ids: BTreeMap::new(), rules: Vec::new() };
    let targets = targets(budgets, slos)?;
    for (n, budget) in budgets.iter().enumerate() {
        found.take(of_budget(budget), Origin::Config, &format!("budgets[{n}]"), &targets)?;
    }
    for (n, slo) in slos.iter().enumerate() {
        found.take(of_slo(slo), Origin::Config, &format!("slos[{n}]"), &targets)?;
    }
    for path in dir.map(list).transpose()?.unwrap_or_default() {
        found.take_file(&path, &targets)?;
    }
    Ok(Configured { budgets: budgets.to_vec(), slos: slos.to_vec(), targets, rules: found.rules })
}

/// Reads and checks files of rules, without taking them.
///
/// # Errors
/// Names the file and the member.
pub fn check(paths: &[PathBuf], targets: &Targets) -> Result<Vec<(Rule, Origin)>, Refused> {
    let mut found = Found { ids: BTreeMap::new(), rules: Vec::new() };
    for path in paths {
        found.take_file(path, targets)?;
    }
    Ok(found.rules)
}

/// Budgets and objectives, checked.
///
/// # Errors
/// Names the section and the member.
pub fn targets(budgets: &[BudgetDoc], slos: &[SloDoc]) -> Result<Targets, Refused> {
    if budgets.len() > MAX_BUDGETS {
        return Err(refused("budgets", format!("more than {MAX_BUDGETS}: use per, which makes one for each value")));
    }
    if slos.len() > MAX_SLOS {
        return Err(refused("slos", format!("more than {MAX_SLOS}")));
    }
    let of = |section: &str, n: usize| move_place(section, n);
    let mut all = Targets::default();
    for (n, budget) in budgets.iter().enumerate() {
        all.budgets.push(budget.check().map_err(|e| refused(of("budgets", n), e.to_string()))?);
    }
    for (n, slo) in slos.iter().enumerate() {
        all.slos.push(slo.check().map_err(|e| refused(of("slos", n), e.to_string()))?);
    }
    Ok(all)
}

fn move_place(section: &str, n: usize) -> String {
    format!("{section}[{n}]")
}

struct Found {
    /// Where each id was found.
    ids: BTreeMap<String, String>,
    rules: Vec<(Rule, Origin)>,
}

impl Found {
    fn take_file(&mut self, path: &Path, targets: &Targets) -> Result<(), Refused> {
        let docs = read(path)?;
        let many = docs.len() > 1;
        for (n, doc) in docs.into_iter().enumerate() {
            let place = path.display().to_string();
            let place = if many { format!("{place}: rules[{n}]") } else { place };
            self.take(doc, Origin::File(path.to_owned()), &place, targets)?;
        }
        Ok(())
    }

    fn take(&mut self, doc: RuleDoc, origin: Origin, place: &str, targets: &Targets) -> Result<(), Refused> {
        let usual = slug(&doc.name);
        let rule = Rule::new(doc, &usual, targets).map_err(|problem: Problem| refused(place, problem.to_string()))?;
        if let Some(other) = self.ids.insert(rule.id.clone(), place.to_owned()) {
            let why = format!("the id \"{}\" is that of {other} too: give one of the two another", rule.id);
            return Err(refused(place, Problem::new("id", why).to_string()));
        }
        if self.rules.len() >= MAX_RULES {
            return Err(refused(place, format!("more than {MAX_RULES} rules")));
        }
        self.rules.push((rule, origin));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "metric = { measure = \"errors\" }\ncondition = { crit = 1 }\n";

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        files.iter().for_each(|(name, text)| std::fs::write(dir.path().join(name), text).unwrap());
        dir
    }

    fn why(files: &[(&str, &str)]) -> String {
        let dir = folder(files);
        let error = configured(Some(dir.path()), &[], &[]).unwrap_err().to_string();
        error.replace(&format!("{}/", dir.path().display()), "")
    }

    #[test]
    fn a_folder_is_taken_whole() {
        let yaml =
            "rules:\n- {name: b, metric: {measure: errors}, condition: {crit: 1}}\n- {name: c, source: anomaly}\n";
        let dir = folder(&[
            ("a.toml", &format!("name = \"a\"\n{RULE}")),
            ("b.yaml", yaml),
            ("notes.md", "x"),
            (".c.toml", "x"),
        ]);
        let budget = BudgetDoc { name: "All of it".into(), amount: 5.0, ..BudgetDoc::default() };
        let slo = SloDoc { name: "Answers".into(), objective: 0.99, ..SloDoc::default() };
        let all = configured(Some(dir.path()), &[budget], &[slo]).unwrap();
        let ids: Vec<_> = all.rules.iter().map(|(rule, _)| rule.id.as_str()).collect();
        assert_eq!(ids, ["budget:all-of-it", "slo:answers", "a", "b", "c"]);
    }

    #[test]
    fn refusals_name_the_file_and_the_member() {
        assert_eq!(
            why(&[("a.toml", "name = \"a\"\nmetric = { measure = \"errors\" }\ncondition = { warn = 5, crit = 1 }\n")]),
            "a.toml: condition.crit: 1 must lie above warn (5)"
        );
        let two = format!("[[rules]]\nname = \"a\"\n{RULE}[[rules]]\nname = \"b\"\nsource = \"eval\"");
        assert!(why(&[("a.toml", &two)]).starts_with("a.toml: rules[1]: score: name the metric that evaluations log"));
        let rule = format!("name = \"a\"\n{RULE}");
        assert_eq!(
            why(&[("a.toml", &rule), ("b.toml", &rule)]).replace("/", ""),
            why(&[("a.toml", &rule), ("b.toml", &rule)]).replace("/", "")
        );
        assert!(why(&[("a.toml", &rule), ("b.toml", &rule)]).starts_with("b.toml: id: the id \"a\" is that of "));
        let error = configured(Some(Path::new("/nowhere")), &[], &[]).unwrap_err().to_string();
        assert!(error.starts_with("/nowhere: the folder cannot be read"), "{error}");
        let budget = BudgetDoc { name: "b".into(), ..BudgetDoc::default() };
        let error = configured(None, &[budget], &[]).unwrap_err().to_string();
        assert_eq!(error, "budgets[0]: amount: write a number above 0");
    }
}
