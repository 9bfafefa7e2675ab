//! The run of a number: six params, five metrics, two tags. Equal numbers have equal runs.

use anyhow::Context as _;
use serde_json::{Value, json};

/// Start of the first run, Unix milliseconds; each starts a second after the one before.
const START_MS: u64 = 1_760_000_000_000;
const MODELS: [&str; 4] = ["gpt-4o", "gpt-4o-mini", "claude-sonnet-4", "llama-3.3-70b"];
const DEPARTMENTS: [&str; 10] =
    ["IT", "HR", "Sales", "Legal", "Finance", "Support", "Research", "Design", "Logistics", "Board"];

fn start(number: u64) -> u64 {
    START_MS + number * 1_000
}

pub(super) fn create(experiment: &str, number: u64) -> Value {
    json!({"experiment_id": experiment, "user_id": "bench", "run_name": format!("run-{number}"), "start_time": start(number)})
}

/// The id in the answer to `create`.
pub(super) fn id(answer: &[u8]) -> anyhow::Result<String> {
    let answer: Value = serde_json::from_slice(answer)?;
    answer["run"]["info"]["run_id"].as_str().map(str::to_owned).context("the answer has no run_id")
}

pub(super) fn batch(id: &str, number: u64) -> Value {
    // Numbers that jump about, so that order and filters have something to do.
    let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 11;
    let share = |n: u64| (mixed.wrapping_mul(n * 2 + 1) % 100_000) as f64 / 1e5;
    let of = |list: &[&str], n: u64| list[(mixed / n) as usize % list.len()].to_owned();
    let param = |key: &str, value: String| json!({"key": key, "value": value});
    let metric = |key: &str, value: f64| json!({"key": key, "value": value, "timestamp": start(number), "step": 0});
    json!({
        "run_id": id,
        "params": [
            param("provider", of(&["openai", "anthropic", "local"], 3)), param("model", of(&MODELS, 5)),
            param("temperature", format!("0.{}", mixed % 10)), param("max_tokens", format!("{}", 256 << (mixed % 4))),
            param("department", of(&DEPARTMENTS, 7)), param("cache_hit", of(&["True", "False"], 11)),
        ],
        "metrics": [
            metric("latency_ms", 200.0 + share(1) * 3_000.0), metric("prompt_tokens", (share(2) * 4_000.0).floor()),
            metric("completion_tokens", (share(3) * 1_000.0).floor()), metric("cost_usd", share(4) / 100.0),
            metric("score", share(5)),
        ],
        "tags": [
            json!({"key": "environment", "value": of(&["production", "staging"], 13)}),
            json!({"key": "request", "value": format!("req-{number}")}),
        ],
    })
}

pub(super) fn points(id: &str, count: usize) -> Value {
    let point =
        |n: usize| json!({"key": "loss", "value": 1.0 / (n + 1) as f64, "timestamp": START_MS + n as u64, "step": n});
    json!({"run_id": id, "metrics": (0..count).map(point).collect::<Vec<_>>()})
}

pub(super) fn end(id: &str, number: u64) -> Value {
    json!({"run_id": id, "status": "FINISHED", "end_time": start(number) + 900})
}
