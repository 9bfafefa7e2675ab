//! What logging a call costs its caller, and how many calls a second reach the file:
//! `cargo run --release -p weir-sdk --example log_cost`.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::error::Error;
use std::time::{Duration, Instant};

use serde_json::json;
use weir_sdk::{BranchDecision, LlmCall, ObservabilityLogger, ToolCall};

/// Records of each kind.
const RECORDS: usize = 50_000;

fn main() -> Result<(), Box<dyn Error>> {
    let prompt = "How do I reset my password? I have tried the link on the sign-in page. ".repeat(28);
    let response = "Follow the link, then wait for the mail and choose a new one. ".repeat(16);
    println!("{:<40} {:>10} {:>10} {:>10} {:>12}", "record", "mean ns", "p50 ns", "p99 ns", "stored/s");
    run("llm call, 2 KB + 1 KB", |logger, n| {
        logger.log_llm_call(LlmCall {
            request_id: Some(format!("req-{n}")),
            prompt: Some(prompt.clone()),
            response: Some(response.clone()),
            prompt_version: Some("v2".into()),
            prompt_tokens: Some(500),
            completion_tokens: Some(250),
            latency_ms: Some(420.0),
            ..LlmCall::new("gpt-4o-mini")
        });
    })?;
    run("llm call, without texts", |logger, _| {
        logger.log_llm_call(LlmCall { latency_ms: Some(420.0), ..LlmCall::new("gpt-4o-mini") });
    })?;
    run("branch decision", |logger, n| {
        logger.log_branch_decision(BranchDecision {
            request_id: Some(format!("req-{n}")),
            condition: Some("confidence > 0.8".into()),
            condition_result: Some(true.into()),
            context: Some(json!({"confidence": 0.93})),
            workflow: Some("support".into()),
            ..BranchDecision::new("classify", "answer")
        });
    })?;
    run("tool call", |logger, n| {
        logger.log_tool_call(ToolCall {
            request_id: Some(format!("req-{n}")),
            inputs: Some(json!({"query": "reset password"})),
            output: Some(json!(["kb-17", "kb-4"])),
            latency_ms: Some(18.0),
            ..ToolCall::new("search_articles")
        });
    })
}

fn run(name: &str, mut log: impl FnMut(&ObservabilityLogger, usize)) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let logger = ObservabilityLogger::builder().db_path(folder.path().join("my.db")).queue_bytes(1 << 30).build()?;
    log(&logger, 0);
    logger.flush(Duration::from_secs(10));
    let mut times = Vec::with_capacity(RECORDS);
    let begun = Instant::now();
    for n in 0..RECORDS {
        let before = Instant::now();
        log(&logger, n);
        times.push(before.elapsed().as_nanos());
    }
    let stored = logger.flush(Duration::from_secs(300));
    let all = begun.elapsed();
    let stats = logger.stats();
    if !stored || stats.lost > 0 {
        return Err(format!("not all was stored: {stats:?}").into());
    }
    times.sort_unstable();
    let at = |share: f64| times.get((RECORDS as f64 * share) as usize).copied().unwrap_or_default();
    let mean = times.iter().sum::<u128>() / RECORDS as u128;
    let rate = RECORDS as f64 / all.as_secs_f64();
    println!("{name:<40} {mean:>10} {:>10} {:>10} {rate:>12.0}", at(0.5), at(0.99));
    Ok(())
}
