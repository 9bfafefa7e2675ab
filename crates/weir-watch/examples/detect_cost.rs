//! What a row costs the detector: `cargo run --release -p weir-watch --example detect_cost`.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::time::Instant;

use weir_core::time::MINUTE;
use weir_watch::detect::Detector;

const ROWS: i64 = 1_000_000;

fn main() {
    println!("{:<12} {:>12}", "interval", "ns per row");
    for minutes in [1, 5, 60] {
        let mut detector = Detector::new();
        let begun = Instant::now();
        let mut highest = 0.0f64;
        let mut noise = 1u64;
        for row in 0..ROWS {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let day = (row as f64 * minutes as f64 / 1440.0 * std::f64::consts::TAU).sin();
            let point = detector.push(row * minutes * MINUTE, 50.0 + 20.0 * day + (noise >> 40) as f64 / 1e6);
            highest = highest.max(point.anomaly_score);
        }
        let cost = begun.elapsed().as_nanos() / u128::from(ROWS.unsigned_abs());
        println!("{:<12} {cost:>12}   (highest score {highest:.2})", format!("{minutes} min"));
    }
}
