//! A support question on its way: classified by a model, routed by a decision, looked up by a tool, answered.
//!
//! `cargo run -p weir-sdk --example basic_workflow [DATABASE]`: offline, against the demo provider; the database is
//! `observability.db` in the working folder unless named. With `InstrumentedLlm::new` instead of `demo` it asks the
//! provider of `OPENAI_BASE_URL` and `OPENAI_API_KEY`.
#![expect(clippy::print_stdout, reason = "an example prints what it recorded")]

mod summary;

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use weir_sdk::{CallOptions, InstrumentedLlm, LlmError, ObservabilityLogger, WorkflowLogger};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).map_or_else(|| PathBuf::from("observability.db"), PathBuf::from);
    let logger = ObservabilityLogger::open(&path)?;
    let workflow = WorkflowLogger::new(&logger, "support");
    let llm = InstrumentedLlm::demo(&logger);

    for question in ["How do I reset my password?", "Why was I charged twice?", "Do you ship to Iceland?"] {
        println!("Q: {question}\nA: {}", answer(&workflow, &llm, question)?);
    }

    // What was logged is in the file when this returns.
    logger.flush(Duration::from_secs(10));
    let stats = logger.stats();
    println!("\n{} records logged, {} stored, {} lost", stats.logged, stats.stored, stats.lost);
    summary::print(&path, 6)?;
    Ok(())
}

/// One request through the workflow. The guards time their steps and nest what happens within them.
fn answer(workflow: &WorkflowLogger, llm: &InstrumentedLlm, question: &str) -> Result<String, LlmError> {
    let mut request = workflow.start("answer a question");
    request.input(question);

    let topic = {
        let step = request.start("classify");
        // What is asked of the model meanwhile is a part of the step.
        let _within = step.enter();
        let options = CallOptions {
            prompt_name: Some("classify".into()),
            prompt_version: Some("v1".into()),
            ..CallOptions::default()
        };
        let reply = llm.call_blocking(&format!("Name the topic of this question: {question}"), &options)?;
        let topic = topic_of(&reply.content);
        let node = if topic == "other" { "answer" } else { "search_articles" };
        step.branch("classify", node, "the topic has articles", topic != "other");
        topic
    };

    let mut articles = Vec::new();
    if topic != "other" {
        let tool = request.tool("search_articles", json!({"topic": topic}));
        articles = search(topic);
        tool.finish(json!(articles));
    }

    let step = request.start("answer");
    let _within = step.enter();
    let options =
        CallOptions { prompt_name: Some("answer".into()), prompt_version: Some("v2".into()), ..CallOptions::default() };
    let prompt = format!("Answer the question \"{question}\" from these articles: {articles:?}");
    let reply = llm.call_blocking(&prompt, &options)?;
    request.finish(reply.content.clone());
    Ok(reply.content)
}

fn topic_of(text: &str) -> &'static str {
    let text = text.to_lowercase();
    if text.contains("password") {
        "account"
    } else if text.contains("charged") {
        "billing"
    } else {
        "other"
    }
}

fn search(topic: &str) -> Vec<&'static str> {
    match topic {
        "account" => vec!["kb-17: Reset a password", "kb-4: Sign in"],
        _ => vec!["kb-31: Refunds"],
    }
}
