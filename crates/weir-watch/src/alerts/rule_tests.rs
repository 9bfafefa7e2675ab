//! What a rule comes to, and what is refused.

use super::document::Op;
use super::parse::{Format, rules};
use super::rule::*;
use super::series::NoData;
use crate::budgets::BudgetDoc;
use crate::slo::SloDoc;
use weir_core::time::{DAY, MINUTE, SECOND};

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
        (with("tags = [\"ok\", \"a\\u0007\"]"), "tags[1]: write 1 to 200 bytes that can be seen"),
        (with(&format!("channels = {:?}", vec!["ops"; 21])), "channels: 21 are named, at most 20 may be"),
        (with(&format!("description = \"{}\"", "x".repeat(10_001))), "description: it is longer than 10000 bytes"),
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
            "metric = { measure = \"ttft\", agg = \"sum\" }\ncondition = { crit = 2 }",
            "metric.agg: ttft has no \"sum\"; it has p95, p50, p90, p99, min, max",
        ),
        ("source = \"score\"\ncondition = { crit = 1 }", "score: name the scores"),
        (
            "source = \"score\"\nscore = \"tone\"\ngroup_by = [\"modle\"]",
            "group_by[0]: scores have no label \"modle\"; did you",
        ),
        ("source = \"score\"\nscore = \"tone\"\nfilters = { author = 5 }", "filters.author: write a text"),
        (
            "source = \"score\"\nscore = \"tone\"\nmetric = { measure = \"latency\" }",
            "metric.measure: it belongs to source = \"metric\"",
        ),
        ("source = \"score\"\nscore = \"tone\"\nmetric = { agg = \"sum\" }", "metric.agg: scores have avg, p50"),
        ("metric = { agg = \"sum\" }\ncondition = { crit = 1 }", "metric: name what is measured"),
        ("source = \"eval\"", "score: name the metric that evaluations log"),
        (
            "source = \"eval\"\nscore = \"x\"\ngroup_by = [\"model\"]",
            "group_by[0]: results of evaluations have no label",
        ),
        (
            "source = \"eval\"\nscore = \"x\"\nmetric = { agg = \"sum\" }",
            "metric.agg: results of evaluations have last",
        ),
        ("source = \"event\"", "condition.events: name what is to happen"),
        (
            "source = \"event\"\ncondition = { events = [\"run_faild\"] }",
            "condition.events[0]: there is no event \"run_faild\"; did you mean \"run_failed\"?",
        ),
        (
            "source = \"event\"\ncondition = { events = [\"guardrail\", \"guardrail\"] }",
            "condition.events[1]: \"guardrail\" stands",
        ),
        (
            "source = \"event\"\ncondition = { type = \"static\", events = [\"guardrail\"] }",
            "condition.type: a rule of source",
        ),
        (
            "source = \"event\"\ncondition = { events = [\"guardrail\"], factor = 2 }",
            "condition.factor: a condition of type event",
        ),
        (
            "source = \"event\"\nproject = \"a\"\nfilters = { project = \"b\" }\ncondition = { events = [\"guardrail\"] }",
            "filters.project: the project",
        ),
        ("metric = { measure = \"errors\" }\ncondition = { type = \"event\" }", "condition.type: it has static"),
        ("source = \"budget\"", "budget: name one of [[budgets]]"),
        ("source = \"budget\"\nbudget = \"al\"", "budget: [[budgets]] has no \"al\"; did you mean \"all\"?"),
        ("source = \"slo\"\nslo = \"answers\"\nfilters = { model = \"a\" }", "filters: the objective says"),
        (
            "source = \"slo\"\nslo = \"answers\"\nwindow = \"1h\"",
            "window: rules of source anomaly, budget and slo have none",
        ),
        ("source = \"anomaly\"\ncondition = { crit = 1 }", "condition: an anomaly is a reason by itself"),
        ("source = \"anomaly\"\nmetric = { measure = \"errors\" }", "metric: it belongs to source = \"metric\""),
    ] {
        let found = of(text);
        assert!(found.starts_with(expected), "{found}");
    }
    let good = |text: &str| rule(&format!("name = \"r\"\n{text}")).unwrap();
    let tone = "condition = { op = \"<\", crit = 0.5 }\ngroup_by = [\"model\", \"source\"]\nproject = \"shop\"\n";
    let tones = ["metric = { measure = \"score:tone\" }", "source = \"score\"\nscore = \"tone\""];
    let [one, other] = tones.map(|text| good(&format!("{tone}{text}")).read);
    assert_eq!(one, other);
    assert!(matches!(one, Read::Values(Values { of: ValuesOf::Scores(..), .. })));
    let eval = good("source = \"eval\"\nscore = \"right\"\ncondition = { op = \"<\", crit = 0.5 }");
    assert_eq!((eval.range(DAY), eval.every, eval.policy.min_samples), (Some((0, DAY)), 5 * MINUTE, 1));
    let event = good("source = \"event\"\ncondition = { type = \"event\", events = [\"run_failed\"] }");
    let Read::Values(values) = &event.read else { panic!("{event:?}") };
    assert_eq!(values.group_by, ["event", "project", "name"]);
    let Condition::Static(lines) = &event.condition else { panic!("{event:?}") };
    assert_eq!((lines.op, lines.crit, event.every), (Op::Ge, Some(1.0), MINUTE));
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
