use weir_core::time::parse;

use super::*;

fn budget(period: Period, limit: f64) -> Budget {
    Budget {
        name: "all".into(),
        limit,
        unit: Unit::Usd,
        period,
        zone: TimeZone::UTC,
        filters: Vec::new(),
        per: Vec::new(),
        forecast: false,
        thresholds: vec![0.5, 0.8, 1.0],
    }
}

/// A dollar an hour from `days` before `now`.
fn dollars(now: Micros, days: i64) -> Vec<(Micros, f64)> {
    (1..=days * 24).rev().map(|hours| (now - hours * HOUR, 1.0)).collect()
}

#[test]
fn an_even_spend_is_carried_to_the_end_of_the_month() {
    let now = parse("2026-11-16T00:00:00Z").unwrap();
    let status = budget(Period::Month, 600.0).status(&dollars(now, 40), now).unwrap();
    assert_eq!((status.spent, status.crossed, status.forecast), (360.0, Some(0.5), Method::HoltWinters));
    assert!((status.projected - 720.0).abs() < 1.0, "{}", status.projected);
    // 240 dollars are left: ten days.
    let at = status.exhausted_at.unwrap();
    assert!((at - parse("2026-11-26T00:00:00Z").unwrap()).abs() < HOUR, "{at}");
    assert_eq!(budget(Period::Month, 1_000.0).status(&dollars(now, 40), now).unwrap().exhausted_at, None);
}

#[test]
fn a_spent_budget_is_exhausted_now() {
    let now = parse("2026-11-16T12:00:00Z").unwrap();
    let status = budget(Period::Day, 10.0).status(&dollars(now, 40), now).unwrap();
    assert_eq!((status.spent, status.remaining, status.crossed), (12.0, 0.0, Some(1.0)));
    assert_eq!(status.exhausted_at, Some(now));
    assert!((status.projected - 24.0).abs() < 0.5);
}

#[test]
fn what_is_known_only_for_hours_goes_on() {
    let now = parse("2026-11-16T12:00:00Z").unwrap();
    let spent = [(now - 2 * HOUR, 1.0), (now - HOUR, 3.0)];
    let status = budget(Period::Day, 100.0).status(&spent, now).unwrap();
    assert_eq!((status.spent, status.forecast), (4.0, Method::RunRate));
    assert!((status.projected - 28.0).abs() < 0.1, "{}", status.projected);
    let month = budget(Period::Month, 100.0).status(&spent, now).unwrap();
    assert!((month.projected - (4.0 + 48.0 * 14.5)).abs() < 1.0, "{}", month.projected);
}

#[test]
fn nothing_known_is_nothing_spent() {
    let now = parse("2026-11-16T12:00:00Z").unwrap();
    let status = budget(Period::Week, 10.0).status(&[], now).unwrap();
    assert_eq!((status.spent, status.projected, status.crossed), (0.0, 0.0, None));
    assert_eq!((status.forecast, status.exhausted_at), (Method::Unknown, None));
    assert_eq!(serde_json::to_value(&status).unwrap()["from"], "2026-11-16T00:00:00.000000Z");
}
