use super::*;
use weir_core::time::MINUTE;

fn limits(label: &str, value: &str) -> Limits {
    let config = LimitConfig { label: label.into(), value: value.into(), ..LimitConfig::default() };
    let terms = make_terms((Some(1), None), (None, Some(5.0)), None, None).unwrap();
    let mut limits = Limits::default();
    limits.add_label(&config, terms, None, 0).unwrap();
    limits
}

fn span(json: &str) -> Span {
    let mut span = Span { department: Some("it".into()), ..Span::default() };
    span.attributes.insert("metadata".into(), json.into());
    span
}

#[test]
fn a_limit_is_for_a_value_or_for_each() {
    let of = |limits: &Limits, span: &Span| limits.of_call(&Identity::anonymous(), span, &str::to_owned, 0);
    assert_eq!(of(&limits("department", "it"), &span("{}")).len(), 1);
    assert_eq!(of(&limits("department", "sales"), &span("{}")).len(), 0);
    let teams = limits("team", "*");
    let a = of(&teams, &span(r#"{"team":"a"}"#));
    let b = of(&teams, &span(r#"{"team":"b"}"#));
    assert!(a[0].reserve(0, NanoUsd::ZERO, true, 0).is_ok());
    assert!(a[0].reserve(0, NanoUsd::ZERO, true, 0).is_err());
    assert!(b[0].reserve(0, NanoUsd::ZERO, true, 0).is_ok(), "each value has its own");
    assert_eq!(of(&teams, &span("{}")).len(), 0);
}

#[test]
fn a_reload_keeps_what_was_used() {
    let before = limits("department", "*");
    let it = before.of_call(&Identity::anonymous(), &span("{}"), &str::to_owned, 0);
    it[0].reserve(0, NanoUsd(10), true, 0).unwrap().settle(0, NanoUsd(4_000_000_000));
    let config = LimitConfig { label: "department".into(), value: "*".into(), ..LimitConfig::default() };
    let mut after = Limits::default();
    let terms = make_terms((Some(3), None), (None, Some(6.0)), None, None).unwrap();
    after.add_label(&config, terms, Some(&before), 0).unwrap();
    let it = after.of_call(&Identity::anonymous(), &span("{}"), &str::to_owned, 0);
    assert_eq!(it[0].budgets(0)[0].left, NanoUsd(2_000_000_000));
    assert_eq!(it[0].remaining(0).requests, Some((2, 3)), "requests too");
    let added = LimitConfig { value: "it".into(), ..config };
    let terms = make_terms((None, None), (Some(1.0), None), None, None).unwrap();
    after.add_label(&added, terms, Some(&before), 0).unwrap();
    let all: Vec<_> = after.all().iter().map(|a| a.terms().limits.budget_per_day).collect();
    assert_eq!(all, [Some(NanoUsd(1_000_000_000))], "the limit by name is the only one");
}

#[test]
fn a_limit_by_name_stands_instead_of_the_one_for_every_value() {
    let mut limits = limits("department", "*");
    let config = LimitConfig { label: "department".into(), value: "it".into(), ..LimitConfig::default() };
    let terms = make_terms((Some(7), None), (None, None), None, None).unwrap();
    limits.add_label(&config, terms.clone(), None, 0).unwrap();
    let it = limits.of_call(&Identity::anonymous(), &span("{}"), &str::to_owned, 0);
    assert_eq!(it.iter().map(|a| a.terms().limits.rpm).collect::<Vec<_>>(), [Some(7)]);
    assert!(limits.add_label(&config, terms.clone(), None, 0).unwrap_err().contains("already"));
    let provider = LimitConfig { label: "provider".into(), ..config };
    assert!(limits.add_label(&provider, terms, None, 0).unwrap_err().contains("provider"));
}

#[test]
fn long_values_are_cut() {
    let teams = limits("team", "*");
    let long = format!(r#"{{"team":"{}"}}"#, "ü".repeat(100_000));
    let of = teams.of_call(&Identity::anonymous(), &span(&long), &str::to_owned, 0);
    assert_eq!(of[0].owner().value.len(), MAX_VALUE);
}

#[test]
fn values_are_told_apart_as_they_are_and_shown_as_records_show_them() {
    let teams = limits("team", "*");
    let of = |team: &str| {
        let span = span(&format!(r#"{{"team":"{team}"}}"#));
        teams.of_call(&Identity::anonymous(), &span, &|_| "[SECRET]".to_owned(), 0).remove(0)
    };
    let (a, b) = (of("a"), of("b"));
    assert!(!Arc::ptr_eq(&a, &b) && Arc::ptr_eq(&a, &of("a")));
    assert_eq!(a.owner().to_string(), "team \"[SECRET]\"");
}

#[test]
fn values_that_hold_nothing_make_room_for_new_ones() {
    let teams = limits("team", "*");
    let of = |team: &str, now| {
        let span = span(&format!(r#"{{"team":"{team}"}}"#));
        teams.of_call(&Identity::anonymous(), &span, &str::to_owned, now).remove(0)
    };
    for n in 0..MAX_VALUES {
        drop(of(&format!("t{n}"), 0).reserve(0, NanoUsd(10), true, 0).unwrap());
    }
    let held = of("t1", 0);
    of("t2", MINUTE).reserve(0, NanoUsd(10), true, MINUTE).unwrap().settle(0, NanoUsd(7));
    // All have used their request of this minute.
    let late = of("late", SECOND);
    assert_eq!(late.owner().value, "other");
    late.reserve(0, NanoUsd(10), true, SECOND).unwrap().settle(0, NanoUsd(5));
    assert!(of("later", SECOND).reserve(0, NanoUsd(10), true, SECOND).is_err(), "they share one");
    let now = 3 * MINUTE;
    assert_eq!(of("late", now).owner().value, "late", "the others' minute is over");
    assert!(Arc::ptr_eq(&held, &of("t1", now)), "a call holds it");
    let left = |team, now| of(team, now).budgets(now)[0].left.0;
    assert_eq!((left("t2", now), left("other", now), left("t0", now)), (4_999_999_993, 4_999_999_995, 5_000_000_000));
}
