//! What a rule comes to, and what is refused.

use super::parse::{Format, rules};
use super::rule::*;
use super::series::NoData;
use crate::budgets::BudgetDoc;
use crate::slo::SloDoc;
use weir_core::time::{MINUTE, SECOND};

fn rule(text: &str) -> Result<Rule, String> {
    let doc = rules(text, Format::Toml).map_err(|e| e.to_string())?.remove(0);
    let id = slug(&doc.name);
    Rule::new(doc, &id, &targets()).map_err(|e| e.to_string())
}

fn targets() -> Targets {
    let budget = BudgetDoc { name: "all".into(), amount: 5.0, ..BudgetDoc::default() };
    let slo = SloDoc { name: "answers".into(), objective: 0.99, ..SloDoc::default() };
    Targets { budgets: vec![budget.check().unwrap()], slos: vec![slo.check().unwrap()] }
}

const SHORT: &str = "name = \"r\"\nmetric = { measure = \"error_ratio\" }\ncondition = { crit = 0.05 }\n";

#[test]
fn defaults_are_filled_in() {
    let found = rule(SHORT).unwrap();
    assert_eq!((found.id.as_str(), found.every, found.offset), ("r", MINUTE, 30 * SECOND));
    assert_eq!(found.window, Window::Rolling(5 * MINUTE));
    assert_eq!((found.policy.min_samples, found.policy.no_data), (20, NoData::Keep));
    let cost =
        rule("name = \"c\"\nmetric = { measure = \"cost\" }\ncondition = { crit = 5 }\nwindow = \"1h\"").unwrap();
    assert_eq!((cost.policy.min_samples, cost.policy.no_data, cost.every), (0, NoData::Zero, 6 * MINUTE));
    assert_eq!(found.due(100 * SECOND), MINUTE);
    assert_eq!(found.due(89 * SECOND), 0);
}

#[test]
fn refusals_name_the_member() {
    let with = |more: &str| rule(&format!("{SHORT}{more}")).unwrap_err();
    let bare = |more: &str| rule(&format!("name = \"r\"\nmetric = {{ measure = \"requests\" }}\n{more}")).unwrap_err();
    for (found, expected) in [
        (with("group_by = [\"modle\"]"), "group_by[0]: \"modle\" is kept in no rollup; did you mean \"model\"?"),
        (with("group_by = [\"model\", \"model\"]"), "group_by[1]: \"model\" stands twice"),
        (with("every = \"90s\""), "every: it must be whole minutes from 1m to 1d"),
        (with("window = \"90s\""), "window: it must be whole minutes from 1m to 30d, or day, week or month"),
        (with("timezone = \"Europe/Berlin\""), "timezone: only the calendar's windows day, week and month have one"),
        (with("filters = { model = 5 }"), "filters.model: write a text, or a list of 1 to 100 texts"),
        (with("no_data_after = \"5m\""), "no_data_after: it belongs to no_data = \"alert\""),
        (with("renotify = \"5s\""), "renotify: it must be at least 1m, or off"),
        (with("runbook_url = \"javascript:x\""), "runbook_url: \"javascript:x\" is no http or https address"),
        (with("id = \"a/b\""), "id: write 1 to 200 letters, digits, and -_.: only"),
        (bare("condition = {}"), "condition.crit: name a threshold: crit, warn or both"),
        (bare("condition = { warn = 5, crit = 4 }"), "condition.crit: 4 must lie above warn (5)"),
        (
            bare("condition = { op = \"<\", crit = 4, recover = 3 }"),
            "condition.recover: 3 must not lie below 4, where it fires",
        ),
        (
            bare("condition = { crit = 4, factor = 3 }"),
            "condition.factor: a condition of type static has no such member; it has op, warn, crit, recover",
        ),
        (
            bare("condition = { type = \"ratio_to_baseline\" }"),
            "condition.factor: write a number above 0 that is not 1, as in 1.5",
        ),
    ] {
        assert_eq!(found, expected);
    }
}

#[test]
fn what_nothing_answers_is_refused_with_the_reason() {
    let of = |text: &str| rule(&format!("name = \"r\"\n{text}")).unwrap_err();
    for (text, expected) in [
        (
            "metric = { measure = \"ttft\" }\ncondition = { crit = 2 }",
            "metric.measure: time to the first token is kept",
        ),
        ("source = \"eval\"", "source: results of evaluations are kept as scores"),
        ("source = \"event\"", "source: events are not recorded"),
        ("source = \"score\"\ncondition = { crit = 1 }", "score: name the scores"),
        ("source = \"score\"\nscore = \"tone\"\ngroup_by = [\"model\"]", "group_by: scores are kept by name alone"),
        ("metric = { measure = \"score:tone\" }\nproject = \"p\"", "project: scores are kept by name alone"),
        ("source = \"budget\"", "budget: name one of [[budgets]]"),
        ("source = \"budget\"\nbudget = \"al\"", "budget: [[budgets]] has no \"al\"; did you mean \"all\"?"),
        ("source = \"slo\"\nslo = \"answers\"\nfilters = { model = \"a\" }", "filters: the objective says"),
        ("source = \"slo\"\nslo = \"answers\"\nwindow = \"1h\"", "window: only rules of source metric or score"),
        ("source = \"anomaly\"\ncondition = { crit = 1 }", "condition: an anomaly is a reason by itself"),
        ("source = \"anomaly\"\nmetric = { measure = \"errors\" }", "metric: it belongs to source = \"metric\""),
    ] {
        let found = of(text);
        assert!(found.starts_with(expected), "{found}");
    }
    let good = |text: &str| rule(&format!("name = \"r\"\n{text}")).unwrap();
    assert!(matches!(
        good("metric = { measure = \"score:tone\" }\ncondition = { op = \"<\", crit = 0.5 }").read,
        Read::Score { .. }
    ));
    assert!(matches!(good("source = \"budget\"\nbudget = \"all\"").read, Read::Budget(_)));
    assert!(matches!(
        good("source = \"slo\"\nslo = \"answers\"\ncondition = { type = \"burn_rate\" }").read,
        Read::Slo(_)
    ));
}

#[test]
fn a_calendar_window_begins_with_its_day() {
    let rule = rule(
        "name = \"r\"\nmetric = { measure = \"cost\" }\ncondition = { crit = 5 }\nwindow = \"day\"\n\
         timezone = \"Europe/Berlin\"",
    )
    .unwrap();
    let at = |text| weir_core::time::parse(text).unwrap();
    let noon = at("2026-11-28T12:00:00Z");
    assert_eq!(rule.range(noon), Some((at("2026-11-27T23:00:00Z"), noon)));
    let midnight = at("2026-11-27T23:00:00Z");
    assert_eq!(rule.range(midnight), Some((at("2026-11-26T23:00:00Z"), midnight)), "the day that ends");
}

#[test]
fn ids_are_made_of_names() {
    assert_eq!(slug("High error ratio (p95)!"), "high-error-ratio-p95");
}
