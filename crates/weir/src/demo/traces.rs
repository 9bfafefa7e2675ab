//! A request that goes through a workflow: an agent with its checks, decisions, retrievals, tools and calls as steps.

use serde_json::{Value, json};
use weir_core::id::{SpanId, SpanKey, TraceId};
use weir_core::span::{Span, SpanKind, Status};
use weir_core::time::Micros;

use super::PROJECT;
use super::call::micros;
use super::chance::Chance;
use super::people::{Department, Session};

/// A trace that is being made. Its steps follow each other; the root spans them all.
pub(super) struct Trace<'a> {
    id: TraceId,
    root: SpanId,
    workflow: &'static str,
    department: &'a Department,
    session: &'a Session,
    start: Micros,
    /// Where the next step begins.
    now: Micros,
    spans: Vec<Span>,
}

impl<'a> Trace<'a> {
    pub(super) fn begin(
        workflow: &'static str,
        at: Micros,
        department: &'a Department,
        session: &'a Session,
        chance: &mut Chance,
    ) -> Self {
        let (id, root) = (chance.trace_id(at), chance.span_id(at));
        // The root's own work before the first step.
        let now = at + micros(chance.between(0.3, 2.0));
        Self { id, root, workflow, department, session, start: at, now, spans: Vec::with_capacity(10) }
    }

    /// When the next step begins.
    pub(super) fn now(&self) -> Micros {
        self.now
    }

    /// Where calls belong.
    pub(super) fn within(&self) -> (TraceId, SpanId) {
        (self.id, self.root)
    }

    fn span(&self, id: SpanId, parent: Option<SpanId>, kind: SpanKind, name: &str, start: Micros) -> Span {
        let mut span = Span::new(SpanKey { trace: self.id, span: id });
        span.parent_id = parent;
        span.kind = Some(kind);
        span.name = Some(name.to_owned());
        span.project = Some(PROJECT.to_owned());
        span.department = Some(self.department.name.to_owned());
        span.session = Some(self.session.id.clone());
        span.user = Some(self.session.user.clone());
        span.start_us = Some(start);
        span.status = Some(Status::Success);
        span.attributes.insert("workflow".to_owned(), text(self.workflow));
        span
    }

    /// A step that takes so long and gives that.
    pub(super) fn step(
        &mut self,
        kind: SpanKind,
        name: &str,
        ms: f64,
        input: &Value,
        output: &Value,
        chance: &mut Chance,
    ) -> &mut Span {
        let start = self.now;
        let mut span = self.span(chance.span_id(start), Some(self.root), kind, name, start);
        self.now = start + micros(ms);
        span.end_us = Some(self.now);
        span.input = Some(input.to_string());
        span.output = Some(output.to_string());
        if kind == SpanKind::Tool {
            span.attributes.insert("tool_name".to_owned(), text(name));
        }
        self.now += micros(chance.between(0.1, 0.8));
        let place = self.spans.len();
        self.spans.push(span);
        &mut self.spans[place]
    }

    /// A decision.
    pub(super) fn branch(&mut self, from: &str, to: &str, condition: &str, result: &Value, chance: &mut Chance) {
        let ms = chance.between(0.02, 0.2);
        let name = format!("{from} -> {to}");
        let span = self.step(SpanKind::Branch, &name, ms, &Value::Null, &Value::Null, chance);
        (span.input, span.output) = (None, None);
        span.attributes.insert("from_node".to_owned(), text(from));
        span.attributes.insert("to_node".to_owned(), text(to));
        span.attributes.insert("condition".to_owned(), text(condition));
        span.attributes.insert("condition_result".to_owned(), result.to_string());
    }

    /// A search in the help centre, which embeds the question and ranks what it finds.
    pub(super) fn retrieve(&mut self, name: &str, query: &str, articles: &[(&str, &str)], chance: &mut Chance) {
        let score = chance.between(0.72, 0.93);
        let document = |(place, (title, body)): (usize, &(&str, &str))| json!({"page_content": body, "metadata": {"title": title, "score": round(score - 0.07 * place as f64)}});
        let documents: Vec<Value> = articles.iter().enumerate().map(document).collect();
        let (input, output) = (json!({"query": query, "k": 4}), json!(documents));
        self.step(SpanKind::Retriever, name, 38.0 * chance.spread(0.4), &input, &output, chance);
    }

    /// A tool; a few times it fails and is asked again.
    pub(super) fn tool(&mut self, name: &str, ms: f64, input: &Value, output: &Value, chance: &mut Chance) {
        if chance.happens(0.02) {
            let span = self.step(SpanKind::Tool, name, 2_000.0, input, &Value::Null, chance);
            span.output = None;
            span.status = Some(Status::Error);
            span.error_type = Some("timeout".to_owned());
            span.error = Some(format!("{name} did not answer within 2s"));
        }
        self.step(SpanKind::Tool, name, ms * chance.spread(0.35), input, output, chance);
    }

    /// Takes a call; whether it brought an answer.
    pub(super) fn call(&mut self, call: Span, chance: &mut Chance) -> bool {
        let good = matches!(call.status, Some(Status::Success | Status::Cached));
        self.now = call.end_us.unwrap_or(self.now) + micros(chance.between(0.1, 0.6));
        let mut call = call;
        call.attributes.insert("workflow".to_owned(), text(self.workflow));
        self.spans.push(call);
        good
    }

    /// Ends it: the root first, then the steps in order.
    pub(super) fn end(
        mut self,
        name: &str,
        question: &str,
        answer: Result<&str, &str>,
        chance: &mut Chance,
    ) -> Vec<Span> {
        let mut root = self.span(self.root, None, SpanKind::Agent, name, self.start);
        root.end_us = Some(self.now + micros(chance.between(0.2, 1.0)));
        root.input = Some(json!({"messages": [{"role": "user", "content": question}]}).to_string());
        let metadata =
            json!({"channel": self.session.channel, "plan": self.session.plan, "turn": self.session.turn + 1});
        root.attributes.insert("metadata".to_owned(), metadata.to_string());
        match answer {
            Ok(answer) => root.output = Some(json!({"role": "assistant", "content": answer}).to_string()),
            Err(error) => {
                root.status = Some(Status::Error);
                root.error_type = Some("other".to_owned());
                root.error = Some(error.to_owned());
            }
        }
        let mut all = Vec::with_capacity(self.spans.len() + 1);
        all.push(root);
        all.append(&mut self.spans);
        all
    }
}

fn text(of: &str) -> String {
    Value::from(of).to_string()
}

/// Two digits are enough for a score.
pub(super) fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
