//! What customers and judges say of calls and traces. The second version of the support prompt is the better one.

use weir_core::id::ScoreId;
use weir_core::score::{Score, ScoreSource, ScoreTarget, ScoreValue};
use weir_core::span::{Span, SpanKind, Status};
use weir_core::time::{MINUTE, Micros};

use super::chance::Chance;
use super::traces::round;

/// Most calls of a month that get scores of each sort, about: enough for any page, and no more work where there are millions.
const SCORED: f64 = 40_000.0;

/// How many calls are scored.
pub(super) struct Scoring {
    feedback: f64,
    judged: f64,
}

impl Scoring {
    pub(super) fn new(calls: u64) -> Self {
        let most = (SCORED / calls.max(1) as f64).min(1.0);
        Self { feedback: most.min(0.09), judged: most.min(0.12) }
    }

    /// The scores of a request: of its trace by the customer, of the call of its prompt by a judge.
    pub(super) fn of(&self, spans: &[Span], chance: &mut Chance) -> Vec<Score> {
        let mut scores = Vec::new();
        let Some(root) = spans.first() else { return scores };
        let Some(call) = spans.iter().rev().find(|span| span.kind == Some(SpanKind::Llm)) else { return scores };
        if !matches!(call.status, Some(Status::Success | Status::Cached)) {
            return scores;
        }
        let (Some(request), Some(end)) = (&call.request_id, root.end_us) else { return scores };
        let good = quality(call);
        if chance.happens(self.feedback) {
            let helpful = chance.happens(good - 0.08);
            let target = if spans.len() > 1 { ScoreTarget::Trace(root.trace_id) } else { ScoreTarget::call(request) };
            let mut score = make(target, "helpful", &helpful.to_string(), end + MINUTE, ScoreSource::Human, chance);
            score.author.clone_from(&root.user);
            if !helpful && chance.happens(0.5) {
                let reasons = ["too long", "did not answer my question", "I had to ask twice", "the link is dead"];
                score.reason = Some(chance.one(&reasons).to_owned());
            }
            scores.push(score);
        }
        if chance.happens(self.judged) {
            for (name, above) in [("faithfulness", 0.03), ("relevance", 0.0)] {
                let value = round((good + above + 0.09 * chance.normal()).clamp(0.05, 1.0));
                let target = ScoreTarget::call(request);
                let mut score = make(target, name, &value.to_string(), end + 2 * MINUTE, ScoreSource::Judge, chance);
                score.author = Some("gpt-4.1".to_owned());
                if value < 0.6 {
                    score.reason = Some("A part of the answer is not in the articles.".to_owned());
                }
                scores.push(score);
            }
        }
        scores
    }
}

/// How good the answers of a prompt's version are.
fn quality(call: &Span) -> f64 {
    match (call.prompt_name.as_deref(), call.prompt_version.as_deref()) {
        (Some("support-answer"), Some("v2")) => 0.89,
        (Some("support-answer"), _) => 0.8,
        (Some("refund-decision"), Some("v2")) => 0.74,
        _ => 0.83,
    }
}

fn make(target: ScoreTarget, name: &str, json: &str, at: Micros, source: ScoreSource, chance: &mut Chance) -> Score {
    let value = ScoreValue::parse(json).unwrap_or_else(|_| ScoreValue::none());
    Score { id: ScoreId(chance.id(at)), source, ..Score::new(target, name, value, at) }
}
