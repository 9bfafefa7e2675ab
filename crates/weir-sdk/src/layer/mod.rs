//! Spans of `tracing` that follow the conventions for generative AI, recorded without other code.

mod state;
mod visit;

use std::sync::Arc;

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::logger::ObservabilityLogger;
use crate::workflow::{StepContext, current};
use state::State;
use visit::Fields;

/// A layer that records spans whose fields follow the conventions: `gen_ai.*` of OpenTelemetry, `llm.*` and others of
/// `OpenInference`, `weir.*` of Weir's own, and those of other dialects that Weir reads over OTLP. Spans without such
/// fields are recorded only where one of them lies within. Fields that are recorded later count, an event of level
/// `ERROR` makes its span a failed one, and what the library logs within a recorded span is a part of it.
///
/// ```
/// use tracing_subscriber::prelude::*;
/// use weir_sdk::{ObservabilityLogger, tracing_layer};
/// # let folder = tempfile::tempdir()?;
/// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
/// let subscriber = tracing_subscriber::registry().with(tracing_layer(&logger));
/// # tracing::subscriber::with_default(subscriber, || {
/// let call = tracing::info_span!(
///     "chat gpt-4o",
///     gen_ai.operation.name = "chat",
///     gen_ai.request.model = "gpt-4o",
///     gen_ai.usage.input_tokens = 9,
///     gen_ai.usage.output_tokens = tracing::field::Empty,
/// );
/// call.record("gen_ai.usage.output_tokens", 11);
/// drop(call); // recorded with 20 tokens
/// # });
/// # assert!(logger.flush(std::time::Duration::from_secs(10)));
/// assert_eq!(logger.stats().stored, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn tracing_layer(logger: &ObservabilityLogger) -> TracingLayer {
    TracingLayer { logger: logger.clone(), all_spans: false }
}

/// Made by [`tracing_layer`].
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let logger = weir_sdk::ObservabilityLogger::open(folder.path().join("my.db"))?;
/// let layer: weir_sdk::TracingLayer = weir_sdk::tracing_layer(&logger);
/// # drop(layer);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TracingLayer {
    logger: ObservabilityLogger,
    all_spans: bool,
}

impl TracingLayer {
    /// Whether every span is recorded that the layer's filter lets through, whatever its fields; off unless set.
    ///
    /// ```
    /// # use tracing_subscriber::prelude::*;
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = weir_sdk::ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let layer = weir_sdk::tracing_layer(&logger).all_spans(true);
    /// tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
    ///     tracing::info_span!("load the articles").in_scope(|| {});
    /// });
    /// assert_eq!(logger.stats().logged, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn all_spans(mut self, all: bool) -> Self {
        self.all_spans = all;
        self
    }
}

impl<S> Layer<S> for TracingLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let Some(span) = ctx.span(id) else { return };
        let metadata = attributes.metadata();
        let recorded = self.all_spans || metadata.fields().iter().any(|field| visit::is_known(field.name()));
        let parent = span.parent();
        let above = parent.as_ref().and_then(|parent| parent.extensions().get::<State>().map(State::context));
        let mut state = State::new(metadata, recorded, above.or_else(current::get).as_deref());
        attributes.record(&mut Fields(&mut state.wire));
        state.settle_context();
        span.extensions_mut().insert(state);
        if recorded {
            // Whoever holds it is recorded too, so that its parent is there.
            let mut above = parent;
            while let Some(ancestor) = above {
                if let Some(state) = ancestor.extensions_mut().get_mut::<State>() {
                    if state.recorded {
                        break;
                    }
                    state.recorded = true;
                }
                above = ancestor.parent();
            }
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        if let Some(span) = ctx.span(id)
            && let Some(state) = span.extensions_mut().get_mut::<State>()
        {
            values.record(&mut Fields(&mut state.wire));
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let Some(span) = ctx.event_span(event) else { return };
        if let Some(state) = span.extensions_mut().get_mut::<State>() {
            state.add_event(event, *event.metadata().level() == Level::ERROR);
        }
    }

    fn on_enter(&self, id: &Id, ctx: Context<'_, S>) {
        if let Some(context) = entered(id, &ctx) {
            current::push(context);
        }
    }

    fn on_exit(&self, id: &Id, ctx: Context<'_, S>) {
        if let Some(context) = entered(id, &ctx) {
            current::remove(&context);
        }
    }

    fn on_close(&self, id: Id, ctx: Context<'_, S>) {
        let Some(span) = ctx.span(&id) else { return };
        let state = span.extensions_mut().remove::<State>();
        if let Some(state) = state.filter(|state| state.recorded) {
            self.logger.log_wire(state.end());
        }
    }
}

/// What logging within a recorded span is told.
fn entered<S>(id: &Id, ctx: &Context<'_, S>) -> Option<Arc<StepContext>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let span = ctx.span(id)?;
    let extensions = span.extensions();
    extensions.get::<State>().filter(|state| state.is_own).map(State::context)
}

#[cfg(test)]
mod tests;
