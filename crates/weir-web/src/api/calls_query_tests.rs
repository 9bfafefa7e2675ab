//! Parameters of the list: what they select, and the exact words of each refusal.

use weir_core::filter::Value;
use weir_core::span::{Span, SpanKind};
use weir_core::time::DAY;

use super::*;

const NOW: Micros = 1_763_683_200_000_000;

fn pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|p| !p.is_empty())
        .map(|p| p.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned())).unwrap_or_default())
        .collect()
}

fn refusal(text: &str) -> String {
    list(&pairs(text), NOW).unwrap_err().message
}

#[test]
fn nothing_said_is_the_newest_fifty_calls() {
    let query = list(&[], NOW).unwrap();
    assert_eq!((query.limit, query.order, query.ascending), (50, OrderBy::Start, false));
    assert_eq!(query.range, TimeRange::default());
    let of = |kind| Span { kind: Some(kind), ..Span::default() };
    assert!(query.filter.matches(&of(SpanKind::Llm)) && query.filter.matches(&of(SpanKind::Embedding)));
    assert!(!query.filter.matches(&of(SpanKind::Tool)));
}

#[test]
fn repeated_parameters_are_alternatives_and_different_ones_all_hold() {
    let query = list(
        &pairs("kind=any&model=a&model=b&department=x&attr.team=blue&min_latency_ms=1.5&from=-24h&order=cost"),
        NOW,
    )
    .unwrap();
    assert_eq!(query.range.from, Some(NOW - DAY));
    assert!(query.ascending);
    let span = |model: &str, ms: i64| Span {
        kind: Some(SpanKind::Tool),
        model: Some(model.into()),
        department: Some("x".into()),
        start_us: Some(0),
        end_us: Some(ms * 1000),
        attributes: [("team".to_owned(), "\"blue\"".to_owned())].into(),
        ..Span::default()
    };
    assert!(query.filter.matches(&span("a", 2)) && query.filter.matches(&span("b", 2)));
    assert!(!query.filter.matches(&span("c", 2)) && !query.filter.matches(&span("a", 1)));
}

#[test]
fn what_is_turned_around_is_left_out() {
    let query =
        list(&pairs("kind=any&not.model=a&not.model=b&not.attr.team=blue&attr.team=red&attr.team=blue"), NOW).unwrap();
    let span = |model: Option<&str>, team: &str| Span {
        model: model.map(Into::into),
        attributes: [("team".to_owned(), format!("\"{team}\""))].into(),
        ..Span::default()
    };
    assert!(query.filter.matches(&span(Some("c"), "red")) && query.filter.matches(&span(None, "red")));
    for left_out in [span(Some("a"), "red"), span(Some("b"), "red"), span(Some("c"), "blue"), span(Some("c"), "green")]
    {
        assert!(!query.filter.matches(&left_out), "{left_out:?}");
    }
    assert!(refusal("not.limit=5").starts_with("parameter \"not.limit\": only what selects by a value"));
    assert!(refusal("not.min_cost_usd=5").starts_with("parameter \"not.min_cost_usd\""));
    assert_eq!(refusal("not.modle=x"), "there is no parameter \"modle\": did you mean \"model\"?");
    assert!(refusal("not.status=ok").starts_with("parameter \"not.status\": \"ok\" is not one of"));
}

#[test]
fn scores_are_bounds_of_which_all_hold() {
    let held = |text: &str| match list(&pairs(&format!("kind=any&{text}")), NOW).unwrap().filter {
        Filter::And(mut parts) => parts.split_off(1),
        other => vec![other],
    };
    let compare = |op, number| Filter::Compare(Field::Score("tone".into()), op, Value::Float(number));
    assert_eq!(held("score.tone=>=0.2&score.tone=<1"), [compare(Op::Ge, 0.2), compare(Op::Lt, 1.0)]);
    assert_eq!(
        held("score.tone=1&score.tone=any"),
        [compare(Op::Eq, 1.0), Filter::Exists(Field::Score("tone".into()))]
    );
    assert_eq!(held("not.score.tone=>0"), [Filter::Not(Box::new(compare(Op::Gt, 0.0)))]);
    assert_eq!(refusal("score.tone=high"), "parameter \"score.tone\": \"high\" is no bound; write <0.5, >=3, 1 or any");
    assert!(
        live(&pairs("score.tone=1")).unwrap_err().message.starts_with("parameter \"score.tone\": scores come after")
    );
}

#[test]
fn refusals_name_the_parameter_and_what_to_change() {
    assert_eq!(refusal("modle=x"), "there is no parameter \"modle\": did you mean \"model\"?");
    assert!(refusal("qqq=x").starts_with("there is no parameter \"qqq\": use project, model, "));
    assert_eq!(refusal("user="), "parameter \"user\" is empty: leave it out or give it a value");
    assert_eq!(refusal("limit=1&limit=2"), "parameter \"limit\" is given twice: keep one");
    assert_eq!(refusal("limit=0"), "parameter \"limit\": \"0\" is no whole number from 1 to 1000");
    assert_eq!(refusal("limit=101&payload=true"), "parameter \"limit\": \"101\" is no whole number from 1 to 100");
    assert_eq!(
        refusal("status=ok"),
        "parameter \"status\": \"ok\" is not one of pending, success, error, cached, rate_limited, blocked, cancelled"
    );
    assert_eq!(refusal("stream=1"), "parameter \"stream\": \"1\" is neither \"true\" nor \"false\"");
    assert_eq!(refusal("min_cost_usd=-1"), "parameter \"min_cost_usd\": \"-1\" is no number from 0 up");
    assert_eq!(refusal("trace_id=xyz"), "parameter \"trace_id\": \"xyz\" is neither 16 or 32 hex digits nor a UUID");
    assert_eq!(
        refusal("from=yesterday"),
        "parameter \"from\": \"yesterday\" is no time; write RFC 3339 (2025-11-21T08:00:00Z), a date, a Unix time, \
         or a time ago (24h, 7d)"
    );
    assert_eq!(refusal("from=1h&to=2h"), "parameter \"to\" lies before \"from\": exchange them");
    assert!(refusal("order=price").starts_with("parameter \"order\": \"price\" is not one of time, latency"));
    assert_eq!(live(&pairs("limit=5")).unwrap_err().message.split(':').next(), Some("there is no parameter \"limit\""));
}

#[test]
fn a_prompt_version_may_carry_its_name() {
    let filter = live(&pairs("kind=any&prompt_version=greet@3")).unwrap();
    let span =
        |name: &str| Span { prompt_name: Some(name.into()), prompt_version: Some("3".into()), ..Span::default() };
    assert!(filter.matches(&span("greet")) && !filter.matches(&span("other")));
}
