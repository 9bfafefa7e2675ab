//! What protocols bring, on its way to the store: filed, bounded, priced, made harmless, handed over.
//!
//! Invariants: nothing is handed over before secrets have been taken out of it; what a span says of its project and its
//! cost stands; an unknown price is no price; a call that is told by several spans counts once (see [`nesting`]).

pub(crate) mod nesting;

use std::sync::Arc;
use std::time::Duration;

use weir_core::access::Identity;
use weir_core::error::{Code, Error};
use weir_core::merge::{Rank, SpanWrite};
use weir_core::money::NanoUsd;
use weir_core::price::{self, PriceTable};
use weir_core::record::RecordPolicy;
use weir_core::span::Span;
use weir_store::ingest::{Ingest, Receipt, SubmitError};

use nesting::Nesting;

/// The name under which updates are counted that a call of the gateway brings.
const GATEWAY: &str = "gateway";
/// Longest label that is kept, in bytes; longer ones are cut.
const MAX_LABEL: usize = 256;
/// Longest message of a failure.
const MAX_ERROR: usize = 16 << 10;
/// Most tags of a span.
const MAX_TAGS: usize = 32;

/// Why spans were refused.
pub type Refused = SubmitError;

/// What the configuration says of spans that protocols bring.
pub trait Terms: Send + Sync {
    /// What of them is kept.
    fn policy(&self) -> &RecordPolicy;
    /// What models cost.
    fn prices(&self) -> &PriceTable;
    /// The project of spans that name none.
    fn project(&self) -> &str;
}

/// Gives the terms in force: asked anew for every batch.
pub type CurrentTerms = Arc<dyn Fn() -> Arc<dyn Terms> + Send + Sync>;

/// The way into the store.
pub struct Intake {
    ingest: Arc<Ingest>,
    terms: CurrentTerms,
    nesting: Nesting,
}

impl Intake {
    /// A way into the store of an ingest.
    #[must_use]
    pub fn new(ingest: Arc<Ingest>, terms: CurrentTerms) -> Self {
        Self { ingest, terms, nesting: Nesting::new() }
    }

    /// Hands spans over. The receipt resolves when they are durable. It takes about as long as looking through their
    /// texts; long batches are for a blocking thread.
    ///
    /// # Errors
    /// At once when too much waits already, or the process stops.
    pub fn accept(&self, protocol: &'static str, mut writes: Vec<SpanWrite>) -> Result<Receipt, Refused> {
        let terms = (self.terms)();
        for write in &mut writes {
            prepare(write, terms.as_ref());
        }
        // After the prices: what wraps a call keeps its cost, whenever it turns out to.
        let told = self.nesting.take(&mut writes);
        let accepted = self.ingest.submit(protocol, writes);
        if accepted.is_err() {
            self.nesting.untold(told);
        }
        accepted
    }

    /// Tells of a call that the gateway itself records: the spans of its caller that it lies in only wrap it. Quick.
    pub fn own_call(&self, call: &Span) {
        if call.parent_id.is_none() || !call.is_call() {
            return;
        }
        let (updates, told) = self.nesting.take_own(call);
        // Mostly those spans are told later.
        if !updates.is_empty() && self.ingest.submit(GATEWAY, updates).is_err() {
            self.nesting.untold(told);
        }
    }
}

/// Waits until spans are durable. They are stored also where this gives up; sending them again changes nothing.
///
/// # Errors
/// 503 with a time to try again: too much waits, the store cannot be written now, or the process stops.
pub async fn durable(accepted: Result<Receipt, Refused>, patience: Duration) -> Result<(), Error> {
    let receipt = accepted.map_err(|refused| refusal(&refused))?;
    match tokio::time::timeout(patience, receipt).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(refusal(&SubmitError::Stopped)),
        Err(_) => Err(Error::new(
            Code::StoreUnavailable,
            "the store has not taken the spans in time: it will go on trying; send them again, which stores none twice",
        )
        .retry_after_ms(2_000)),
    }
}

/// Files a write under the key that sent it. A key's project and department are for spans that name none; an addition to
/// a span does not say that it names none.
pub fn sent_by(write: &mut SpanWrite, identity: &Identity) {
    let opens = opens(write);
    let span = &mut write.span;
    if opens {
        span.project = span.project.take().or_else(|| identity.project.clone());
        span.department = span.department.take().or_else(|| identity.department.clone());
    }
    if !identity.name.is_empty() {
        span.key = Some(identity.name.clone());
    }
}

/// Whether a write opens a span, so that what it does not say is not said.
fn opens(write: &SpanWrite) -> bool {
    write.stamp.rank == Rank::Create && write.span.start_us.is_some()
}

fn refusal(refused: &SubmitError) -> Error {
    Error::new(Code::Overloaded, refused.to_string()).retry_after_ms(1_000)
}

/// Makes a write ready for the store.
fn prepare(write: &mut SpanWrite, terms: &dyn Terms) {
    let opens = opens(write);
    let span = &mut write.span;
    bound(span);
    if opens && span.project.is_none() {
        span.project = Some(terms.project().to_owned());
    }
    if span.is_call() && span.cost.is_none() {
        span.cost = cost(span, terms.prices());
    }
    terms.policy().apply(span);
}

/// What a call cost: nothing where a cache answered, else by the model that answered or the one that was asked.
fn cost(span: &Span, prices: &PriceTable) -> Option<NanoUsd> {
    let tokens = span.tokens.as_ref()?;
    if matches!(span.cache.as_deref(), Some("hit" | "semantic")) {
        return Some(NanoUsd::ZERO);
    }
    let names = [span.response_model.as_deref(), span.model.as_deref()];
    let model = names.into_iter().flatten().find_map(|model| match span.provider.as_deref() {
        Some(provider) => prices.lookup(provider, model),
        None => prices.lookup_any(model),
    })?;
    Some(price::cost(&model.rates, tokens))
}

/// Cuts labels, which stand in indices and statistics, and leaves out empty ones.
fn bound(span: &mut Span) {
    let labels = [
        &mut span.name,
        &mut span.project,
        &mut span.session,
        &mut span.provider,
        &mut span.model,
        &mut span.response_model,
        &mut span.deployment,
        &mut span.operation,
        &mut span.prompt_name,
        &mut span.prompt_version,
        &mut span.department,
        &mut span.user,
        &mut span.key,
        &mut span.request_id,
        &mut span.upstream_request_id,
        &mut span.finish_reason,
        &mut span.cache,
        &mut span.error_type,
    ];
    for label in labels {
        cut(label, MAX_LABEL);
    }
    cut(&mut span.error, MAX_ERROR);
    if let Some(tags) = &mut span.tags {
        tags.truncate(MAX_TAGS);
        tags.iter_mut().for_each(|tag| tag.truncate(tag.floor_char_boundary(MAX_LABEL)));
    }
}

fn cut(field: &mut Option<String>, most: usize) {
    let Some(text) = field else { return };
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
    }
    if text.is_empty() {
        *field = None;
    }
}

#[cfg(test)]
mod tests {
    use weir_core::record::RecordConfig;
    use weir_core::span::SpanKind;
    use weir_core::token::TokenCounts;

    use super::*;

    struct Fixed(RecordPolicy, Arc<PriceTable>);

    impl Terms for Fixed {
        fn policy(&self) -> &RecordPolicy {
            &self.0
        }
        fn prices(&self) -> &PriceTable {
            &self.1
        }
        fn project(&self) -> &'static str {
            "default"
        }
    }

    fn prepared(span: Span, rank: Rank) -> Span {
        let terms = Fixed(RecordPolicy::new(&RecordConfig::default()).unwrap(), PriceTable::builtin());
        let mut write = SpanWrite::create(span, 0);
        write.stamp.rank = rank;
        prepare(&mut write, &terms);
        write.span
    }

    fn call(provider: Option<&str>, model: &str) -> Span {
        Span {
            kind: Some(SpanKind::Llm),
            start_us: Some(1),
            provider: provider.map(str::to_owned),
            model: Some(model.to_owned()),
            tokens: Some(TokenCounts::of(1_000, 500)),
            ..Span::default()
        }
    }

    #[test]
    fn calls_are_priced_unless_they_say_what_they_cost() {
        let cost = |span| prepared(span, Rank::Create).cost;
        assert_eq!(cost(call(Some("openai"), "gpt-4o")), Some(NanoUsd(7_500_000)));
        assert_eq!(cost(call(None, "gpt-4o")), Some(NanoUsd(7_500_000)));
        assert_eq!(cost(call(Some("my-host"), "gpt-4o")), None);
        assert_eq!(cost(Span { cost: Some(NanoUsd(3)), ..call(None, "gpt-4o") }), Some(NanoUsd(3)));
        assert_eq!(cost(Span { cache: Some("hit".into()), ..call(None, "gpt-4o") }), Some(NanoUsd::ZERO));
        assert_eq!(cost(Span { kind: Some(SpanKind::Agent), ..call(None, "gpt-4o") }), None);
        let dated = Span { response_model: Some("gpt-4o-mini-2024-07-18".into()), ..call(Some("openai"), "my-alias") };
        assert_eq!(cost(dated), Some(NanoUsd(450_000)));
    }

    #[test]
    fn a_project_is_filled_in_where_a_span_is_opened() {
        assert_eq!(prepared(call(None, "m"), Rank::Create).project.as_deref(), Some("default"));
        assert_eq!(prepared(call(None, "m"), Rank::Update).project, None);
        let named = Span { project: Some("mine".into()), ..call(None, "m") };
        assert_eq!(prepared(named, Rank::Create).project.as_deref(), Some("mine"));
    }

    #[test]
    fn labels_are_bounded_and_secrets_taken_out() {
        let span = Span {
            name: Some("é".repeat(200)),
            user: Some(String::new()),
            tags: Some(vec!["t".repeat(300); 40]),
            output: Some("key sk-proj-abcdefghijklmnopqrstuvwxyz0123456789".into()),
            ..call(None, "m")
        };
        let span = prepared(span, Rank::Create);
        assert_eq!((span.name.unwrap().len(), span.user), (256, None));
        let tags = span.tags.unwrap();
        assert_eq!((tags.len(), tags[0].len()), (32, 256));
        assert!(!span.output.unwrap().contains("sk-proj"));
    }
}
