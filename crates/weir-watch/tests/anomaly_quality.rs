//! How well anomalies are found in a few projects of synthetic traffic: the goals that the whole benchmark has
//! (docs/benchmarks.md). Deterministic: a change that finds less, or says more that is wrong, fails here.

#[path = "../examples/anomaly_bench/replay.rs"]
mod replay;

use replay::{Score, replay};
use weir_testkit::traffic::{Conditions, project};
use weir_watch::anomalies::Settings;

/// Two have incidents of all ten kinds.
const SEEDS: std::ops::RangeInclusive<u64> = 5..=6;

#[test]
fn a_few_projects_meet_the_goals() {
    let settings = Settings::default();
    let mut score = Score::default();
    let replayed = std::thread::scope(|scope| {
        let threads: Vec<_> = SEEDS
            .map(|seed| {
                let settings = &settings;
                scope.spawn(move || {
                    let traffic = project(seed, &Conditions::default());
                    let found = replay(&traffic, settings);
                    (traffic, found)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    for (traffic, found) in &replayed {
        score.add(traffic, found, false);
    }
    let wrong = format!("missed {:#?}\nwrong {:#?}\ntold {:#?}", score.missed, score.wrong, score.told);
    assert!(score.incidents >= 8, "{}", score.incidents);
    assert!(score.recall() >= 0.9, "recall {}\n{wrong}", score.recall());
    assert!(score.precision() >= 0.7, "precision {}\n{wrong}", score.precision());
    assert!(score.false_rate() <= 0.2, "false alarms a series-week {}\n{wrong}", score.false_rate());
    assert!(score.causes() >= 0.9, "causes {}\n{wrong}", score.causes());
    assert_eq!(score.harmless, 0, "{wrong}");
    assert!(score.delay() <= 5, "delay {}\n{wrong}", score.delay());
}
