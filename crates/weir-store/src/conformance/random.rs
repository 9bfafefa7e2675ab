//! Spans, filters and queries from a seed.

use weir_core::filter::{Field, Filter, Op, Value};
use weir_core::id::{SpanId, SpanKey, TraceId};
use weir_core::merge::{SpanWrite, Stamp};
use weir_core::money::NanoUsd;
use weir_core::span::{Span, SpanKind, Status, TokenSource};
use weir_core::time::{MINUTE, Micros};
use weir_core::token::TokenCounts;

const KINDS: [SpanKind; 7] = [
    SpanKind::Llm,
    SpanKind::Llm,
    SpanKind::Embedding,
    SpanKind::Tool,
    SpanKind::Branch,
    SpanKind::Retriever,
    SpanKind::Chain,
];

/// A small deterministic generator (splitmix64).
pub(super) struct Seed(pub(super) u64);

impl Seed {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub(super) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }

    pub(super) fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(3) > 0).then(|| make(self))
    }

    fn text(&mut self) -> String {
        self.pick(&["a", "b", "B", "ab", "", "ü", "Ünïcode ✓", "it's", "%_", "\"q\""]).to_owned()
    }

    pub(super) fn key(&mut self) -> SpanKey {
        let mut trace = [0; 16];
        trace[8..].copy_from_slice(&self.below(6).to_be_bytes());
        trace[0] = self.below(2) as u8;
        let mut span = [0; 16];
        span[8..].copy_from_slice(&self.next().to_be_bytes());
        span[..8].copy_from_slice(&if self.below(2) == 0 { [0; 8] } else { self.next().to_be_bytes() });
        SpanKey { trace: TraceId(trace), span: SpanId(span) }
    }

    /// Any span that starts within `minutes` before `now`.
    pub(super) fn span(&mut self, now: Micros, minutes: u64) -> Span {
        let mut span = Span::new(self.key());
        let start = now - self.below(minutes) as i64 * MINUTE - self.below(3) as i64 * 1_000 - self.below(3) as i64;
        span.start_us = (self.below(20) > 0).then_some(start);
        span.end_us = self.maybe(|s| start + s.pick(&[-5, 0, 1, 1_500, 250_000, 9_000_000]));
        span.parent_id = self.maybe(|s| s.key().span);
        span.name = self.maybe(Self::text);
        span.kind = self.maybe(|s| s.pick(&KINDS));
        span.project = self.maybe(Self::text);
        span.session = self.maybe(Self::text);
        span.ttft_us = self.maybe(|s| s.below(1_000) as i64);
        span.status = self.maybe(|s| s.pick(Status::ALL));
        span.error_type = self.maybe(Self::text);
        span.error = self.maybe(Self::text);
        span.provider = self.maybe(Self::text);
        span.model = self.maybe(Self::text);
        span.response_model = self.maybe(Self::text);
        span.deployment = self.maybe(Self::text);
        span.operation = self.maybe(Self::text);
        span.stream = self.maybe(|s| s.below(2) == 0);
        span.prompt_name = self.maybe(Self::text);
        span.prompt_version = self.maybe(Self::text);
        span.department = self.maybe(Self::text);
        span.user = self.maybe(Self::text);
        span.key = self.maybe(Self::text);
        span.request_id = self.maybe(Self::text);
        span.upstream_request_id = self.maybe(Self::text);
        span.http_status = self.maybe(|s| s.pick(&[200, 429, 504]));
        span.finish_reason = self.maybe(Self::text);
        span.attempts = self.maybe(|s| s.below(4) as u32);
        span.cache = self.maybe(|s| s.pick(&["hit", "miss", "semantic"]).to_owned());
        span.tokens = self.maybe(|s| TokenCounts {
            cached: s.below(3),
            cache_write: s.below(2),
            cache_write_1h: s.below(2),
            reasoning: s.below(5),
            audio_in: s.below(2),
            audio_out: s.below(2),
            ..TokenCounts::of(s.below(50), s.below(50))
        });
        span.token_source = self.maybe(|s| s.pick(TokenSource::ALL));
        span.cost = self.maybe(|s| NanoUsd(s.below(5) as i64));
        span.tags = self.maybe(|s| (0..s.below(3)).map(|_| s.text()).collect());
        span.input = self.maybe(Self::text);
        span.output = self.maybe(Self::text);
        span.details = self.maybe(|s| s.pick(&["{}", "{\"events\":[]}", "{\"ü\": 1.0}"]).to_owned());
        for name in ["team", "n", "odd \"name\""] {
            if let Some(value) = self.maybe(|s| s.pick(&["\"a\"", "1.00", "null", "{\"x\": [1]}", "\"\\u00fc\""])) {
                span.attributes.insert(name.to_owned(), value.to_owned());
            }
        }
        for name in ["workflow", "from_node", "to_node", "tool_name"] {
            if let Some(value) = self.maybe(|s| s.pick(&["a", "b", "ü,\"]", &"long é ".repeat(50)]).to_owned()) {
                span.attributes.insert(name.to_owned(), serde_json::Value::from(value).to_string());
            }
        }
        span
    }

    /// A write of a span, as create or update at a small time.
    pub(super) fn write(&mut self, span: Span) -> SpanWrite {
        let rank = self.pick(&[weir_core::merge::Rank::Create, weir_core::merge::Rank::Update]);
        SpanWrite { span, stamp: Stamp { rank, at: self.below(3) as i64 } }
    }

    /// A filter that looks at values which the spans have, and at others.
    pub(super) fn filter(&mut self, spans: &[Span], depth: u32) -> Filter {
        if depth > 0 && self.below(2) == 0 {
            let parts = |s: &mut Self| (0..s.below(4)).map(|_| s.filter(spans, depth - 1)).collect();
            return match self.below(3) {
                0 => Filter::And(parts(self)),
                1 => Filter::Or(parts(self)),
                _ => Filter::Not(Box::new(self.filter(spans, depth - 1))),
            };
        }
        let field = self.pick(&[
            Field::TraceId,
            Field::SpanId,
            Field::ParentId,
            Field::Name,
            Field::Kind,
            Field::Project,
            Field::Session,
            Field::Start,
            Field::Latency,
            Field::Ttft,
            Field::Status,
            Field::ErrorType,
            Field::Error,
            Field::Provider,
            Field::Model,
            Field::ResponseModel,
            Field::Operation,
            Field::Stream,
            Field::PromptName,
            Field::PromptVersion,
            Field::Department,
            Field::User,
            Field::Key,
            Field::RequestId,
            Field::HttpStatus,
            Field::FinishReason,
            Field::Cache,
            Field::TotalTokens,
            Field::Cost,
            Field::Tag,
            Field::Tag,
            Field::Attribute("team".into()),
            Field::Attribute("odd \"name\"".into()),
        ]);
        if self.below(8) == 0 {
            return Filter::Exists(field);
        }
        let op = self.pick(&[Op::Eq, Op::Eq, Op::Ne, Op::Lt, Op::Le, Op::Gt, Op::Ge, Op::Contains]);
        let held = if spans.is_empty() { None } else { field.of(&self.pick(spans)) };
        let value = match (held, self.below(5)) {
            (Some(value), 1..) => value,
            _ => match self.below(4) {
                0 => Value::Int(self.below(10_000) as i64),
                1 => Value::Float(self.below(100) as f64 + 0.5),
                2 => Value::Bool(self.below(2) == 0),
                _ => Value::Text(self.text()),
            },
        };
        let value = match (value, self.below(4)) {
            (Value::Int(n), 0) => Value::Float(n as f64 - 0.5),
            (value, _) => value,
        };
        Filter::Compare(field, op, value)
    }
}
