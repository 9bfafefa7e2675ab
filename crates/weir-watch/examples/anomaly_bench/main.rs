//! How well anomalies are found in synthetic traffic: `cargo run --release -p weir-watch --example anomaly_bench`.
//! `--verbose` says what was missed and what was wrong; `--seed N` begins elsewhere; `--projects N`.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod replay;

use replay::{Score, replay};
use weir_testkit::traffic::{Conditions, project};
use weir_watch::anomalies::{Rules, Settings};

fn sets() -> Vec<(&'static str, Conditions)> {
    let plain = Conditions::default();
    vec![
        ("as described", plain),
        ("fewer calls", Conditions { calls: 25_000.0, ..plain }),
        ("many calls", Conditions { calls: 300_000.0, ..plain }),
        ("heavier tails", Conditions { tokens: 1.1, latency: 0.8, heavy: 0.05, ..plain }),
        ("restless", Conditions { unrest: 0.4, ..plain }),
        ("no tokens of failures", Conditions { failed_have_tokens: false, ..plain }),
        ("from the second week", Conditions { first_day: 8, incidents: 6, ..plain }),
        ("milder", Conditions { size: 0.7, ..plain }),
        ("nothing wrong", Conditions { incidents: 0, ..plain }),
    ]
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |name: &str, default: u64| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(default)
    };
    let (seed, projects) = (number("--seed", 1), number("--projects", 12));
    let only = number("--set", u64::MAX);
    let verbose = arguments.iter().any(|argument| argument == "--verbose");
    let settings = Settings { rules: Rules { enabled: true, ..Rules::default() }, ..Settings::default() };
    println!(
        "{:<24} {:>6} {:>9} {:>12} {:>6} {:>7} {:>8} {:>5} {:>8} {:>9} {:>8}",
        "traffic",
        "recall",
        "precision",
        "false/s-week",
        "delay",
        "cause",
        "harmless",
        "info",
        "us/point",
        "us/bucket",
        "B/series"
    );
    for (place, (name, conditions)) in sets().into_iter().enumerate() {
        if only != u64::MAX && only != place as u64 {
            continue;
        }
        let (mut score, mut rules) = (Score::default(), Score::default());
        for seed in seed..seed + projects {
            // Neighbouring seeds have the kinds of incidents in turn, so that every set has all of them.
            let traffic = project(place as u64 * 1_000_000 + seed, &conditions);
            let found = replay(&traffic, &settings);
            score.add(&traffic, &found, false);
            rules.add(&traffic, &found, true);
        }
        for (name, score) in [(name, &score), ("  the four rules", &rules)] {
            println!(
                "{name:<24} {:>6.2} {:>9.2} {:>12.3} {:>6} {:>6.0}% {:>8} {:>5} {:>8.2} {:>9.1} {:>8}",
                score.recall(),
                score.precision(),
                score.false_rate(),
                score.delay(),
                100.0 * score.causes(),
                score.harmless,
                score.information,
                score.time.as_secs_f64() * 1e6 / score.points.max(1.0),
                score.time.as_secs_f64() * 1e6 / score.buckets.max(1.0),
                score.bytes
            );
        }
        if verbose {
            println!("    delays {:?}", score.by_kind);
            let missed = score.missed.iter().map(|line| format!("MISSED {line}"));
            for line in score.told.into_iter().chain(missed).chain(score.wrong) {
                println!("    {line}");
            }
        }
    }
}
