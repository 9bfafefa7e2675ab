//! What a series does, transition by transition, and what holds of every history.

use proptest::prelude::*;
use weir_core::time::{MINUTE, Micros};

use super::document::NotifyOn;
use super::judge::Level;
use super::series::{NoData, Phase, Policy, Quiet, Seen, Series};
use crate::notify::Event;

fn policy() -> Policy {
    Policy {
        pending: 0,
        keep_firing: 0,
        no_data: NoData::Keep,
        min_samples: 0,
        renotify: None,
        notify_on: vec![NotifyOn::Fire, NotifyOn::Escalate, NotifyOn::Resolve, NotifyOn::NoData],
    }
}

const OK: Seen = Seen::Level(Level::Ok);
const WARN: Seen = Seen::Level(Level::Warn);
const CRIT: Seen = Seen::Level(Level::Crit);

/// What each minute's evaluation leads to: phase and what is told.
fn run(policy: &Policy, seen: &[Seen]) -> Vec<(Phase, Option<Event>)> {
    run_quiet(policy, &seen.iter().map(|s| (*s, Quiet::default())).collect::<Vec<_>>())
}

fn run_quiet(policy: &Policy, seen: &[(Seen, Quiet)]) -> Vec<(Phase, Option<Event>)> {
    let mut series = Series::default();
    let mut out = Vec::new();
    for (minute, (seen, quiet)) in seen.iter().enumerate() {
        let now = minute as Micros * MINUTE;
        let (next, event) = series.step(policy, *seen, now).announce(policy, *quiet, now);
        out.push((next.phase, event));
        series = next;
    }
    out
}

use Event::{Escalated, Fired, Renotified, Resolved};
use Phase::{Firing, Inactive, Pending};

#[test]
fn transitions_without_waiting() {
    for (seen, expected) in [
        (vec![OK, OK], vec![(Inactive, None), (Inactive, None)]),
        (vec![WARN, CRIT], vec![(Firing, Some(Fired)), (Firing, Some(Escalated))]),
        (vec![CRIT, WARN, CRIT], vec![(Firing, Some(Fired)), (Firing, None), (Firing, None)]),
        (vec![CRIT, CRIT, OK], vec![(Firing, Some(Fired)), (Firing, None), (Phase::Resolved, Some(Resolved))]),
        (vec![CRIT, OK, CRIT], vec![(Firing, Some(Fired)), (Phase::Resolved, Some(Resolved)), (Firing, Some(Fired))]),
        (vec![CRIT, Seen::Unknown], vec![(Firing, Some(Fired)), (Firing, None)]),
        (vec![CRIT, Seen::TooFew], vec![(Firing, Some(Fired)), (Firing, None)]),
        (vec![CRIT, Seen::Nothing], vec![(Firing, Some(Fired)), (Firing, None)]),
    ] {
        let found = run(&policy(), &seen);
        assert_eq!(found, expected, "{seen:?}");
    }
}

#[test]
fn it_fires_when_the_condition_has_held_long_enough() {
    let policy = Policy { pending: 2 * MINUTE, ..policy() };
    let found = run(&policy, &[CRIT, CRIT, OK, CRIT, CRIT, CRIT]);
    let phases: Vec<_> = found.iter().map(|f| f.0).collect();
    assert_eq!(phases, [Pending, Pending, Inactive, Pending, Pending, Firing]);
    assert_eq!(found.iter().filter_map(|f| f.1).collect::<Vec<_>>(), [Fired]);
}

#[test]
fn it_ends_when_the_condition_was_over_long_enough() {
    let policy = Policy { keep_firing: 2 * MINUTE, ..policy() };
    let phases: Vec<_> = run(&policy, &[CRIT, OK, OK, CRIT, OK, OK, OK]).iter().map(|f| f.0).collect();
    assert_eq!(phases, [Firing, Firing, Firing, Firing, Firing, Firing, Phase::Resolved]);
}

#[test]
fn no_data_by_mode() {
    let of = |no_data| run(&Policy { no_data, ..policy() }, &[CRIT, Seen::Nothing, Seen::Nothing, OK]);
    assert_eq!(of(NoData::Keep)[2], (Firing, None));
    assert_eq!(of(NoData::Ok)[1], (Phase::Resolved, Some(Resolved)));
    let alert = of(NoData::Alert(MINUTE));
    assert_eq!(alert[1], (Firing, None));
    assert_eq!(alert[2], (Phase::NoData, Some(Event::NoData)));
    assert_eq!(alert[3], (Phase::Resolved, Some(Resolved)));
}

#[test]
fn what_goes_on_is_told_again_unless_somebody_takes_care() {
    let policy = Policy { renotify: Some(2 * MINUTE), ..policy() };
    let events: Vec<_> = run(&policy, &[CRIT; 5]).iter().map(|f| f.1).collect();
    assert_eq!(events, [Some(Fired), None, Some(Renotified), None, Some(Renotified)]);
    let cared = Quiet { acknowledged: true, muted: false };
    let events: Vec<_> = run_quiet(&policy, &[(WARN, cared), (WARN, cared), (WARN, cared), (CRIT, cared), (OK, cared)])
        .iter()
        .map(|f| f.1)
        .collect();
    assert_eq!(events, [Some(Fired), None, None, Some(Escalated), Some(Resolved)]);
}

#[test]
fn a_mute_holds_back_what_still_holds_when_it_ends() {
    let (muted, open) = (Quiet { muted: true, acknowledged: false }, Quiet::default());
    let told = |seen: &[(Seen, Quiet)]| run_quiet(&policy(), seen).iter().map(|f| f.1).collect::<Vec<_>>();
    assert_eq!(told(&[(CRIT, muted), (CRIT, open)]), [None, Some(Fired)]);
    assert_eq!(told(&[(CRIT, muted), (OK, muted), (OK, open)]), [None, None, None], "over before anybody was told");
    assert_eq!(told(&[(CRIT, open), (OK, muted), (OK, open)]), [Some(Fired), None, Some(Resolved)]);
}

#[test]
fn what_is_not_wanted_is_not_told_but_its_end_is() {
    let policy = Policy { notify_on: vec![NotifyOn::Resolve], ..policy() };
    let events: Vec<_> = run(&policy, &[CRIT, OK]).iter().map(|f| f.1).collect();
    assert_eq!(events, [None, Some(Resolved)]);
}

fn seen() -> impl Strategy<Value = Seen> {
    prop_oneof![Just(OK), Just(WARN), Just(CRIT), Just(Seen::TooFew), Just(Seen::Nothing), Just(Seen::Unknown)]
}

proptest! {
    /// Told of a beginning and an end in turn, never an end without a beginning; ids never repeat.
    #[test]
    fn beginnings_and_ends_take_turns(
        history in prop::collection::vec((seen(), any::<bool>(), any::<bool>()), 0..80),
        pending in 0i64..4, keep in 0i64..4, mode in 0usize..3, renotify in 0i64..5,
    ) {
        let policy = Policy {
            pending: pending * MINUTE,
            keep_firing: keep * MINUTE,
            no_data: [NoData::Keep, NoData::Ok, NoData::Alert(2 * MINUTE)][mode],
            renotify: (renotify > 0).then_some(renotify * MINUTE),
            ..policy()
        };
        let mut series = Series::default();
        let (mut open, mut count) = (false, 0);
        for (n, (seen, muted, acknowledged)) in history.iter().enumerate() {
            let now = n as Micros * MINUTE;
            let stepped = series.step(&policy, *seen, now);
            let (next, event) = stepped.announce(&policy, Quiet { muted: *muted, acknowledged: *acknowledged }, now);
            prop_assert!(!(*muted && event.is_some()));
            match event {
                Some(Resolved) => { prop_assert!(open); open = false; }
                Some(_) => open = true,
                None => {}
            }
            if event.is_some() {
                prop_assert!(next.count > count);
                count = next.count;
            }
            prop_assert_eq!(next.told.is_some(), open);
            // Deciding again without anything new tells nothing more.
            let (again, more) = next.announce(&policy, Quiet { muted: *muted, acknowledged: true }, now);
            prop_assert_eq!((again, more), (next.clone(), None));
            series = next;
        }
    }

    /// The state's JSON is the state.
    #[test]
    fn a_state_is_read_back(history in prop::collection::vec(seen(), 0..30)) {
        let mut series = Series::default();
        for (n, seen) in history.into_iter().enumerate() {
            series = series.step(&policy(), seen, n as Micros * MINUTE).announce(&policy(), Quiet::default(), 0).0;
        }
        let json = serde_json::to_string(&series).unwrap();
        prop_assert_eq!(serde_json::from_str::<Series>(&json).unwrap(), series);
    }
}
