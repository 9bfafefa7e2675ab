use proptest::prelude::*;
use proptest::sample::Index;
use weir_core::id::SpanId;
use weir_core::merge::{Merged, merge};

use super::*;

const TRACE: TraceId = TraceId([7; 16]);

fn id(n: usize) -> SpanId {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&(n as u64 + 1).to_be_bytes());
    SpanId(id)
}

/// A span of a tree: the place of its parent, its kind, and its name, which of tools is the tool's.
type Step = (Option<usize>, SpanKind, &'static str);

fn span(n: usize, (parent, kind, name): Step) -> Span {
    Span {
        kind: Some(kind),
        parent_id: parent.map(id),
        name: Some(name.to_owned()),
        ..Span::new(SpanKey { trace: TRACE, span: id(n) })
    }
}

fn write(n: usize, step: Step) -> SpanWrite {
    SpanWrite::create(span(n, step), 100 + n as i64)
}

/// The definition: the spans of a tree that wrap.
fn wrapping(steps: &[Step]) -> Vec<bool> {
    let is_call = |n: usize| matches!(steps[n].1, SpanKind::Llm | SpanKind::Embedding);
    let above = |n: usize| std::iter::successors(steps[n].0, |at| steps[*at].0);
    let mut wraps = vec![false; steps.len()];
    for n in 0..steps.len() {
        if is_call(n) {
            above(n).filter(|at| is_call(*at)).for_each(|at| wraps[at] = true);
        }
        if steps[n].1 == SpanKind::Tool
            && let Some(at) = above(n).find(|at| steps[*at].1 != SpanKind::Chain)
            && steps[at].1 == SpanKind::Tool
            && steps[at].2 == steps[n].2
        {
            wraps[at] = true;
        }
    }
    wraps
}

/// What a store has after writes, by span; each pair says whether the span was made a chain, and as what it came.
fn stored(writes: &[SpanWrite], spans: usize) -> Vec<(Option<SpanKind>, Option<String>)> {
    let of = |n: usize| merge(writes.iter().filter(|write| write.span.span_id == id(n)).cloned());
    let fact = |merged: Option<Merged>| {
        let span = merged.map(|merged| merged.span).unwrap_or_default();
        (span.kind, span.attribute_text(WRAPS))
    };
    (0..spans).map(|n| fact(of(n))).collect()
}

fn tree() -> impl Strategy<Value = Vec<Step>> {
    let kinds = [SpanKind::Llm, SpanKind::Embedding, SpanKind::Tool, SpanKind::Chain, SpanKind::Chain, SpanKind::Agent];
    let step = (any::<Index>(), 0..8usize, proptest::sample::select(kinds.to_vec()), 0..2usize);
    proptest::collection::vec(step, 1..14).prop_map(|steps| {
        let one = |(n, (parent, root, kind, name)): (usize, (Index, usize, SpanKind, usize))| {
            (if n == 0 || root == 0 { None } else { Some(parent.index(n)) }, kind, ["search", "read"][name])
        };
        steps.into_iter().enumerate().map(one).collect()
    })
}

/// A request: which spans, and whether it is refused and sent again later.
type Request = (Vec<Index>, bool);

fn requests() -> impl Strategy<Value = Vec<Request>> {
    proptest::collection::vec((proptest::collection::vec(any::<Index>(), 0..5), any::<bool>()), 0..8)
}

proptest! {
    #[test]
    fn any_order_split_and_repetition_makes_chains_of_what_wraps_and_of_nothing_else(
        steps in tree(),
        requests in requests(),
        order in any::<prop::sample::Index>(),
        in_pieces in any::<bool>(),
    ) {
        // A span comes whole, or its place before its kind.
        let pieces: Vec<SpanWrite> = steps.iter().enumerate().flat_map(|(n, step)| {
            let whole = write(n, *step);
            if !in_pieces {
                return vec![whole];
            }
            let place = Span { kind: None, name: None, ..whole.span.clone() };
            let kind = Span { parent_id: None, ..whole.span };
            vec![SpanWrite::create(place, 1), SpanWrite::update(kind, 2)]
        }).collect();
        let nesting = Nesting::new();
        let mut all = Vec::new();
        let mut rest: Vec<usize> = (0..pieces.len()).collect();
        rest.rotate_left(order.index(pieces.len()));
        let mut requests: Vec<(Vec<usize>, bool)> =
            requests.iter().map(|(at, refused)| (at.iter().map(|at| at.index(pieces.len())).collect(), *refused)).collect();
        let again: Vec<_> = requests.iter().filter(|(_, refused)| *refused).map(|(at, _)| (at.clone(), false)).collect();
        requests.extend(rest.chunks(3).map(|at| (at.to_vec(), false)));
        requests.extend(again);
        for (at, is_refused) in requests {
            let mut writes: Vec<_> = at.iter().map(|at| pieces[*at].clone()).collect();
            let told = nesting.take(&mut writes);
            if is_refused { nesting.untold(told) } else { all.extend(writes) }
        }

        let expected: Vec<_> = wrapping(&steps).into_iter().zip(&steps).map(|(wraps, (_, kind, _))| {
            if wraps { (Some(SpanKind::Chain), Some(kind.to_string())) } else { (Some(*kind), None) }
        }).collect();
        prop_assert_eq!(&stored(&all, steps.len()), &expected);
        all.reverse();
        prop_assert_eq!(stored(&all, steps.len()), expected);
    }
}

fn kinds(writes: &[SpanWrite]) -> Vec<SpanKind> {
    writes.iter().filter_map(|write| write.span.kind).collect()
}

#[test]
fn one_request_needs_no_update_and_a_later_one_makes_one_once() {
    let (outer, inner) = ((None, SpanKind::Llm, "OpenAI.predict"), (Some(0), SpanKind::Llm, "OpenAI.chat"));
    let nesting = Nesting::new();
    let mut writes = vec![write(1, inner), write(0, outer)];
    nesting.take(&mut writes);
    assert_eq!(kinds(&writes), [SpanKind::Llm, SpanKind::Chain]);
    assert_eq!(writes[1].span.attributes.get(WRAPS).map(String::as_str), Some(r#""llm""#));

    let nesting = Nesting::new();
    nesting.take(&mut vec![write(0, outer)]);
    for updates in [1, 0] {
        let mut writes = vec![write(1, inner)];
        nesting.take(&mut writes);
        assert_eq!(writes.len(), 1 + updates);
    }
    let mut again = vec![write(0, outer)];
    nesting.take(&mut again);
    assert_eq!(kinds(&again), [SpanKind::Chain]);
}

#[test]
fn calls_of_the_gateway_stay_calls_and_make_chains_of_what_lies_above() {
    let client = (None, SpanKind::Llm, "ChatCompletion");
    let http = (Some(0), SpanKind::Chain, "POST");
    let call = span(2, (Some(1), SpanKind::Llm, "chat"));

    let nesting = Nesting::new();
    assert!(nesting.take_own(&call).0.is_empty());
    let mut writes = vec![write(1, http), write(0, client)];
    nesting.take(&mut writes);
    assert_eq!(kinds(&writes), [SpanKind::Chain, SpanKind::Chain]);

    let nesting = Nesting::new();
    nesting.take(&mut vec![write(1, http), write(0, client)]);
    let (updates, told) = nesting.take_own(&call);
    assert_eq!((updates[0].span.span_id, kinds(&updates)), (id(0), vec![SpanKind::Chain]));
    nesting.untold(told);
    assert_eq!(nesting.take_own(&call).0.len(), 1, "an update that was not taken is made again");

    let below = (Some(2), SpanKind::Embedding, "embeddings");
    let mut writes = vec![write(3, below)];
    nesting.take(&mut writes);
    assert_eq!(writes.len(), 1);
}

#[test]
fn circles_end_and_the_memory_is_bounded() {
    let nesting = Nesting::within(Bounds { spans: 6, of_trace: 4 });
    let circle = [(Some(1), SpanKind::Chain, "a"), (Some(0), SpanKind::Chain, "b"), (Some(2), SpanKind::Llm, "c")];
    let mut writes: Vec<_> = circle.iter().enumerate().map(|(n, step)| write(n, *step)).collect();
    nesting.take(&mut writes);
    assert_eq!(kinds(&writes), [SpanKind::Chain, SpanKind::Chain, SpanKind::Llm], "nothing lies within itself");

    // The trace is full: the fifth span is not known, nor what lies above it.
    let mut writes = vec![write(3, (None, SpanKind::Llm, "d")), write(4, (Some(3), SpanKind::Llm, "e"))];
    nesting.take(&mut writes);
    assert_eq!(kinds(&writes), [SpanKind::Llm, SpanKind::Llm]);

    let other = |n, step| {
        let mut write = write(n, step);
        write.span.trace_id = TraceId([8; 16]);
        write
    };
    let mut writes: Vec<_> = (0..3).map(|n| other(n, (None, SpanKind::Llm, "f"))).collect();
    nesting.take(&mut writes);
    let held = nesting.held.lock();
    assert_eq!(
        (held.spans, held.order.len(), held.traces.contains_key(&TRACE)),
        (3, 1, false),
        "the oldest is forgotten"
    );
}
