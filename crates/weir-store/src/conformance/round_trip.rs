//! What is written comes back, bit by bit.

use proptest::prelude::*;
use weir_core::merge::SpanWrite;
use weir_core::span::Span;
use weir_core::time::Clock;
use weir_core::token::TokenCounts;

use super::random::Seed;
use super::{Make, check};
use crate::telemetry::SpanRef;

pub(super) fn every_field_survives(make: Make<'_>) {
    let clock = Clock::system();
    check(24, (any::<u64>(), 1usize..80), |(seed, count)| {
        let fixture = make(clock.clone());
        let mut seed = Seed(seed);
        let spans: Vec<Span> = (0..count).map(|_| seed.span(clock.now(), 600)).collect();
        (fixture.write)(spans.iter().map(|s| SpanWrite::create(s.clone(), 5)).collect());
        (fixture.settle)();
        let found = fixture.all();
        prop_assert_eq!(found.len(), spans.len());
        for span in &spans {
            prop_assert_eq!(found.get(&span.span_key()), Some(span));
            let by_key = fixture.store.span(&SpanRef::Key(span.trace_id, span.span_id)).unwrap();
            prop_assert_eq!(by_key.as_ref(), Some(span));
            let by_id = fixture.store.span(&SpanRef::Span(span.span_id)).unwrap();
            prop_assert_eq!(by_id.as_ref(), Some(span));
        }
        Ok(())
    });
}

pub(super) fn odd_values_survive(make: Make<'_>) {
    let fixture = make(Clock::system());
    let mut seed = Seed(3);
    let odd = [
        "",
        " ",
        "\u{feff}x",
        "a\tb\r\nc",
        "'; DROP TABLE spans; --",
        "\u{10ffff}",
        "🦀",
        "\\u0000",
        "{\"a\":",
        "%",
        "\u{7f}",
    ];
    let mut spans = Vec::new();
    for (n, text) in odd.iter().enumerate() {
        let mut span = seed.span(Clock::system().now(), 10);
        span.name = Some((*text).into());
        span.error = Some((*text).into());
        span.request_id = Some(format!("{text}{n}"));
        span.tags = Some(vec![(*text).into(); 2]);
        span.input = Some((*text).into());
        span.details = Some((*text).into());
        span.attributes.insert((*text).into(), serde_json::to_string(text).unwrap());
        spans.push(span);
    }
    let mut big = seed.span(Clock::system().now(), 10);
    big.input = Some((0..200_000).map(|n| format!("{n} ")).collect::<String>());
    big.output = Some("é".repeat(1 << 19));
    big.details = Some(format!("{{\"events\":[{}0]}}", "1.50, ".repeat(1 << 16)));
    big.tokens = Some(TokenCounts::of(u64::MAX >> 1, 0));
    big.attributes.insert("big".into(), "123456789012345678901234567890.1234567890".into());
    big.attributes.insert("exp".into(), "1E+400".into());
    spans.push(big);
    for start in [0, 1, -1, 1_577_836_799_999_999, 4_102_444_800_000_000] {
        let mut span = seed.span(Clock::system().now(), 10);
        span.start_us = Some(start);
        span.end_us = Some(start + 1);
        spans.push(span);
    }
    (fixture.write)(spans.iter().map(|s| SpanWrite::create(s.clone(), 5)).collect());
    let found = fixture.all();
    for span in &spans {
        assert_eq!(found.get(&span.span_key()), Some(span));
    }
    let by_request = fixture.store.span(&SpanRef::Request("🦀6".into())).unwrap().unwrap();
    assert_eq!(by_request.name.as_deref(), Some("🦀"));
    assert_eq!(fixture.store.span(&SpanRef::Request("nobody".into())).unwrap(), None);
}
