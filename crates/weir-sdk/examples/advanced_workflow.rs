//! A workflow with everything: requests side by side, steps within steps, a tool that is tried again, a streamed draft,
//! a person who reviews what the model is not sure of, a metric of one's own, and a look at what is unlike before.
//!
//! `cargo run -p weir-sdk --example advanced_workflow [DATABASE]`: offline, against the demo provider; the database is
//! `observability.db` in the working folder unless named. It also writes a made-up day before, marked as such, so that
//! there is something to compare with.
#![expect(clippy::print_stdout, reason = "an example prints what it recorded")]

mod summary;

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use futures_util::StreamExt;
use serde_json::json;
use weir_sdk::{
    AnomalyDetector, BranchDecision, CallOptions, ChatRequest, InstrumentedLlm, LlmCall, LlmError, Message, Metric,
    MetricKind, ObservabilityLogger, PriceTable, Sample, Span, Step, WorkflowLogger,
};

/// Answers by how long they are: shown on the page of metrics beside Weir's own.
struct AnswerLength;

impl Metric for AnswerLength {
    fn name(&self) -> &str {
        "support_answer_words_total"
    }
    fn help(&self) -> &str {
        "Words of answers"
    }
    fn kind(&self) -> MetricKind {
        MetricKind::Counter
    }
    fn on_call(&self, span: &Span) -> Option<Sample> {
        let words = span.output.as_ref()?.split_whitespace().count();
        Some(Sample::new(words as f64).label("model", span.model.as_deref()?))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).map_or_else(|| PathBuf::from("observability.db"), PathBuf::from);
    // The demo provider costs nothing; with a price the column shows something.
    let prices = PriceTable::builtin()
        .with_override_file(r#"{"models": [{"id": "echo", "provider": "demo", "input": 0.15, "output": 0.6}]}"#)?;
    let logger = ObservabilityLogger::builder().db_path(&path).prices(prices).metric(AnswerLength).build()?;
    make_up_a_day(&logger);

    let support = Arc::new(Support {
        workflow: WorkflowLogger::new(&logger, "support"),
        llm: InstrumentedLlm::demo(&logger).model("demo/echo"),
        searches: AtomicU32::new(0),
    });
    let questions = [
        "How do I reset my password?",
        "Why was I charged twice?",
        "Please delete my account",
        "Do you ship to Iceland?",
    ];
    // Side by side: each request is a trace of its own, whatever thread it runs on.
    let requests = questions.map(|question| {
        let support = Arc::clone(&support);
        tokio::spawn(async move { (question, support.answer(question).await) })
    });
    for request in requests {
        let (question, answer) = request.await?;
        match answer {
            Ok(answer) => println!("Q: {question}\nA: {answer}"),
            Err(error) => println!("Q: {question}\nnot answered: {error}"),
        }
    }

    let detector = AnomalyDetector::new(&logger);
    let anomalies = tokio::task::spawn_blocking(move || {
        let anomalies = detector.check_anomalies();
        detector.alert(&anomalies);
        anomalies
    })
    .await?;
    println!("\nUnlike the day before:");
    for anomaly in &anomalies {
        println!("  {}", anomaly.message);
    }
    println!("\nMetrics:");
    for line in logger.metrics().lines().filter(|line| line.starts_with("support_")) {
        println!("  {line}");
    }
    logger.flush(Duration::from_secs(10));
    let stats = logger.stats();
    println!("\n{} records logged, {} stored, {} lost", stats.logged, stats.stored, stats.lost);
    summary::print(&path, 8)?;
    Ok(())
}

/// The workflow and what it works with.
struct Support {
    workflow: WorkflowLogger,
    llm: InstrumentedLlm,
    searches: AtomicU32,
}

impl Support {
    async fn answer(&self, question: &str) -> Result<String, LlmError> {
        let mut request = self.workflow.start("answer a question");
        request.input(question);
        match self.steps(&request, question).await {
            Ok(answer) => {
                request.finish(answer.clone());
                Ok(answer)
            }
            Err(error) => {
                request.fail(&error);
                Err(error)
            }
        }
    }

    async fn steps(&self, request: &Step, question: &str) -> Result<String, LlmError> {
        let (topic, confidence) = self.classify(request, question).await?;
        let articles = self.search(request, topic).await;
        let draft = self.draft(request, question, &articles).await?;
        let sure = confidence >= 0.5 && topic != "account deletion";
        request.log_branch(BranchDecision {
            condition: Some("confidence >= 0.5 and nothing is deleted".into()),
            condition_result: Some(sure.into()),
            context: Some(json!({"topic": topic, "confidence": confidence})),
            ..BranchDecision::new("draft", if sure { "send" } else { "human_review" })
        });
        if sure { Ok(draft) } else { self.review(request, draft).await }
    }

    /// A step of its own, within which the model is asked.
    async fn classify(&self, request: &Step, question: &str) -> Result<(&'static str, f64), LlmError> {
        let step = request.start("classify");
        let options = CallOptions {
            prompt_name: Some("classify".into()),
            prompt_version: Some("v3".into()),
            department: Some("support".into()),
            ..CallOptions::default()
        };
        let prompt = format!("Name the topic of this question: {question}");
        let reply = step.scope(self.llm.call(&prompt, &options)).await?;
        let text = reply.content.to_lowercase();
        let (topic, confidence) = [("password", "account"), ("charged", "billing"), ("delete", "account deletion")]
            .into_iter()
            .find(|(word, _)| text.contains(word))
            .map_or(("other", 0.3), |(_, topic)| (topic, 0.9));
        step.branch("classify", "search_articles", "always", true);
        step.finish(topic);
        Ok((topic, confidence))
    }

    /// A tool that fails now and then, and is tried again: every attempt is a call of its own.
    async fn search(&self, request: &Step, topic: &str) -> Vec<&'static str> {
        for attempt in 1..=3 {
            let tool = request.tool("search_articles", json!({"topic": topic, "attempt": attempt}));
            tokio::time::sleep(Duration::from_millis(5)).await;
            if self.searches.fetch_add(1, Ordering::Relaxed) % 3 == 1 {
                tool.fail("no connection to the index");
                request.branch("search_articles", "search_articles", "attempts are left", attempt < 3);
                continue;
            }
            let found = match topic {
                "account" => vec!["kb-17: Reset a password", "kb-4: Sign in"],
                "billing" => vec!["kb-31: Refunds"],
                _ => Vec::new(),
            };
            tool.finish(json!(found));
            return found;
        }
        Vec::new()
    }

    /// A streamed answer: it is recorded whole, with the time to its first piece.
    async fn draft(&self, request: &Step, question: &str, articles: &[&str]) -> Result<String, LlmError> {
        let step = request.start("draft");
        let messages = vec![
            Message::system("Answer from the articles, in one sentence."),
            Message::user(format!("{question} (articles: {})", articles.join("; "))),
        ];
        let options = CallOptions {
            prompt_name: Some("answer".into()),
            prompt_version: Some("v7".into()),
            department: Some("support".into()),
            ..CallOptions::default()
        };
        let request = ChatRequest::new("demo/echo", messages);
        let mut stream = step.scope(self.llm.chat_stream_with(&request, &options)).await?;
        let mut draft = String::new();
        while let Some(chunk) = stream.next().await {
            draft.push_str(chunk?.content());
        }
        step.finish(draft.clone());
        Ok(draft)
    }

    /// A person looks at it; here one who is quick and takes everything that is not about deleting.
    async fn review(&self, request: &Step, draft: String) -> Result<String, LlmError> {
        let mut step = request.start("human_review");
        step.input(draft.clone());
        step.attribute("reviewer", "ann");
        tokio::time::sleep(Duration::from_millis(30)).await;
        let approved = !draft.contains("delete");
        let to = if approved { "send" } else { "escalate" };
        step.branch("human_review", to, "the reviewer approves", approved);
        let answer = if approved { draft } else { "A colleague will call you.".to_owned() };
        step.finish(answer.clone());
        Ok(answer)
    }
}

/// A day of the same workflow, with timestamps of its own: past times are taken as they are. In the last hour the
/// prompts grew, and more was given to a person.
fn make_up_a_day(logger: &ObservabilityLogger) {
    let now = SystemTime::now();
    for hour in 0..25_u32 {
        for n in 0..30_u32 {
            let recent = hour == 0;
            let ago = Duration::from_secs(u64::from(hour * 3_600 + 60 + n * 110));
            let request_id = format!("made-up-{hour}-{n}");
            let reviewed = n % 10 < if recent { 6 } else { 2 };
            logger.log_llm_call(LlmCall {
                timestamp: Some(now - ago),
                request_id: Some(request_id.clone()),
                prompt_name: Some("answer".into()),
                prompt_version: Some(if recent { "v7" } else { "v6" }.into()),
                prompt_tokens: Some(if recent { 2_400 } else { 800 } + i64::from(n)),
                completion_tokens: Some(120),
                latency_ms: Some(700.0 + f64::from(n) * 4.0),
                workflow: Some("support".into()),
                department: Some("support".into()),
                metadata: Some(json!({"made_up": true})),
                ..LlmCall::new("gpt-4o-mini")
            });
            logger.log_branch_decision(BranchDecision {
                timestamp: Some(now - ago + Duration::from_secs(1)),
                request_id: Some(request_id),
                condition: Some("confidence >= 0.5 and nothing is deleted".into()),
                condition_result: Some((!reviewed).into()),
                context: Some(json!({"made_up": true})),
                workflow: Some("support".into()),
                ..BranchDecision::new("draft", if reviewed { "human_review" } else { "send" })
            });
        }
    }
}
