//! The layer over a real file.

use std::time::Duration;

use tracing::{error, info, info_span};
use tracing_subscriber::prelude::*;
use weir_core::filter::Filter;
use weir_core::id::TraceId;
use weir_core::span::{Span, SpanKind, Status};
use weir_core::token::TokenCounts;
use weir_store::telemetry::{OrderBy, SpanQuery, Telemetry, TimeRange};

use super::*;
use crate::LlmCall;
use crate::backend::Backend;

/// What is recorded of a program, by start.
fn recorded(all: bool, program: impl FnOnce(&ObservabilityLogger)) -> Vec<Span> {
    let folder = tempfile::tempdir().unwrap();
    let logger = ObservabilityLogger::open(folder.path().join("my.db")).unwrap();
    let subscriber = tracing_subscriber::registry().with(tracing_layer(&logger).all_spans(all));
    tracing::subscriber::with_default(subscriber, || program(&logger));
    assert!(logger.flush(Duration::from_secs(20)));
    let pipeline = logger.pipeline().unwrap();
    let Backend::File(file) = &**pipeline.backend() else { panic!() };
    let query = SpanQuery {
        range: TimeRange::default(),
        filter: Filter::all(),
        order: OrderBy::Start,
        ascending: true,
        limit: 100,
        cursor: None,
        with_payload: true,
    };
    file.open().unwrap().store().unwrap().spans(&query).unwrap().spans
}

#[test]
fn spans_by_the_conventions_are_recorded_with_those_that_hold_them_and_no_others() {
    let spans = recorded(false, |_| {
        info_span!("unrelated").in_scope(|| info_span!("unrelated too").in_scope(|| {}));
        let request = info_span!("handle_request", request_id = "req-1", user.id = "ann");
        let _inside = request.enter();
        info_span!("read the body").in_scope(|| {});
        let call = info_span!(
            "chat",
            otel.name = "chat gpt-4o",
            gen_ai.operation.name = "chat",
            gen_ai.provider.name = "openai",
            gen_ai.request.model = "gpt-4o",
            gen_ai.input.messages = r#"[{"role":"user","parts":[{"type":"text","content":"Good day"}]}]"#,
            gen_ai.usage.input_tokens = 1_000_u64,
            gen_ai.usage.output_tokens = tracing::field::Empty,
        );
        call.record("gen_ai.usage.output_tokens", 7);
        call.record("gen_ai.usage.output_tokens", 500);
    });
    let [request, call] = &spans[..] else { panic!("{spans:#?}") };
    assert_eq!((request.name.as_deref(), request.kind), (Some("handle_request"), Some(SpanKind::Chain)));
    assert_eq!((call.name.as_deref(), call.kind), (Some("chat gpt-4o"), Some(SpanKind::Llm)));
    assert_eq!((call.trace_id, call.parent_id), (request.trace_id, Some(request.span_id)));
    assert_eq!(call.trace_id, TraceId::of_request("req-1"));
    assert_eq!(call.request_id.as_deref(), Some("req-1"));
    assert_eq!(call.tokens, Some(TokenCounts::of(1_000, 500)));
    assert_eq!(call.cost.map(|cost| cost.as_usd()), Some(0.0075), "the list price");
    assert!(call.input.as_deref().is_some_and(|input| input.contains("Good day")));
    assert!(call.start_us >= request.start_us && call.end_us <= request.end_us);
}

#[test]
fn an_event_of_level_error_makes_its_span_a_failed_one() {
    let spans = recorded(false, |_| {
        let tool = info_span!("search", gen_ai.operation.name = "execute_tool", gen_ai.tool.name = "search");
        tool.in_scope(|| {
            info!(tries = 2, "trying again");
            error!(code = 7, "no connection");
        });
    });
    assert_eq!((spans[0].kind, spans[0].status), (Some(SpanKind::Tool), Some(Status::Error)));
    assert_eq!(spans[0].error.as_deref(), Some("no connection"));
    let details = spans[0].details.as_deref().unwrap();
    assert!(details.contains("trying again") && details.contains(r#""tries":2"#), "{details}");
}

#[test]
fn what_the_library_logs_within_a_recorded_span_is_a_part_of_it() {
    let spans = recorded(false, |logger| {
        info_span!("plain").in_scope(|| logger.log_llm_call(LlmCall::new("outside")));
        let agent = info_span!("agent", weir.span.kind = "agent", weir.workflow = "support");
        agent.in_scope(|| logger.log_llm_call(LlmCall::new("inside")));
    });
    let find = |what: &dyn Fn(&Span) -> bool| spans.iter().find(|span| what(span)).unwrap();
    let agent = find(&|span| span.kind == Some(SpanKind::Agent));
    let inside = find(&|span| span.model.as_deref() == Some("inside"));
    let outside = find(&|span| span.model.as_deref() == Some("outside"));
    assert_eq!((inside.trace_id, inside.parent_id), (agent.trace_id, Some(agent.span_id)));
    assert_eq!((inside.workflow(), inside.request_id.clone()), (Some("support".to_owned()), agent.request_id.clone()));
    assert_eq!(outside.parent_id, None);
    assert_eq!(spans.len(), 3);
}

#[test]
fn all_spans_are_recorded_when_asked_for() {
    let spans = recorded(true, |_| info_span!("outer").in_scope(|| info_span!("inner", n = 1).in_scope(|| {})));
    let names: Vec<_> = spans.iter().filter_map(|span| span.name.as_deref()).collect();
    assert_eq!(names, ["outer", "inner"]);
    assert_eq!(spans[1].attributes.get("n").map(String::as_str), Some("1"));
}
