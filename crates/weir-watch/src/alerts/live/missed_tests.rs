//! What was not judged in its time.

use weir_core::time::{DAY, HOUR, MINUTE};
use weir_store::catalog::{AlertHistoryQuery, Alerts};

use super::super::document::RuleDoc;
use super::round::MISSED;
use super::tests::{ERRORS, START, World, doc};

/// A rule that was judged at `START + 1 h`, and calls of the hours after it, of which six in ten failed for ten minutes.
fn missed(enabled: bool) -> (World, std::sync::Arc<super::Alerter>) {
    let world = World::new(START + HOUR);
    let alerter = world.alerter(&[], &[]);
    alerter.create(doc(ERRORS)).unwrap();
    alerter.round().unwrap();
    if !enabled {
        alerter.change("errors", RuleDoc { enabled: false, ..doc(ERRORS) }, None).unwrap();
        alerter.round().unwrap();
    }
    for (from, to, failing) in [(0, 70, 0), (70, 80, 6), (80, 240, 0)] {
        world.calls("a", START + from * MINUTE, START + to * MINUTE, failing);
    }
    (world, alerter)
}

#[test]
fn an_incident_during_downtime_is_told_with_its_own_times() {
    let (world, _) = missed(true);
    world.clock.advance(3 * HOUR);
    let after_the_restart = world.alerter(&[], &[]);
    after_the_restart.round().unwrap();
    assert_eq!(world.events(), ["fired", "escalated", "resolved"]);
    let told = world.told();
    assert!(told[0].alert.starts_at > START + 70 * MINUTE && told[0].alert.starts_at < START + 75 * MINUTE);
    assert!(told[2].alert.ends_at.unwrap() <= START + 86 * MINUTE);
    let lines = world.catalog.alert_history(&AlertHistoryQuery { limit: 9, ..AlertHistoryQuery::default() }).unwrap();
    assert_eq!(lines.iter().map(|line| line.phase.as_str()).collect::<Vec<_>>(), ["resolved", "firing", "firing"]);
    after_the_restart.round().unwrap();
    assert_eq!(world.told(), told, "once");
    assert_eq!(world.phases(), ["errors a resolved"]);
}

#[test]
fn what_is_too_long_ago_is_left() {
    let (world, alerter) = missed(true);
    world.clock.advance(30 * MINUTE + MISSED);
    alerter.round().unwrap();
    assert!(world.events().is_empty());
    world.clock.advance(3 * DAY);
    alerter.round().unwrap();
    assert!(world.events().is_empty());
}

#[test]
fn a_rule_that_is_switched_on_again_has_missed_nothing() {
    let (world, alerter) = missed(false);
    world.clock.advance(3 * HOUR);
    alerter.change("errors", doc(ERRORS), None).unwrap();
    alerter.round().unwrap();
    assert!(world.events().is_empty());
}
