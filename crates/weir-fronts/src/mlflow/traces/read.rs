//! One trace or some of them, with or without their spans.

use std::time::{Duration, Instant};

use serde::Serialize;
use weir_core::id::TraceId;
use weir_core::span::Span;

use super::assemble;
use super::info::TraceInfo;
use super::spans::{self, SpanForm};
use super::{id, names, start, tags};
use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;
use crate::mlflow::wire::{Args, Fields, Reply, reply};

/// Most traces of one request.
const MOST: usize = 1_000;
/// Most spans of a trace that are read.
pub(super) const MOST_SPANS: usize = 50_000;
/// How long a trace whose spans are still on their way is waited for, and how often it is looked at.
const PATIENCE: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(50);

#[derive(Serialize)]
struct One {
    trace: Trace,
}

#[derive(Serialize)]
struct Trace {
    trace_info: TraceInfo,
    spans: Vec<SpanForm>,
}

#[derive(Serialize)]
struct Many {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    traces: Vec<Trace>,
}

#[derive(Serialize)]
struct Infos {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    trace_infos: Vec<TraceInfo>,
}

/// `GET traces/{id}`.
pub(super) fn info(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let trace_id = args.path("trace_id");
    let info = assemble::info_of(front, id::read(trace_id).0)?.ok_or_else(|| tags::not_found(trace_id))?;
    reply(&start::Answer::of(info))
}

/// `GET traces/get`.
pub(super) fn get(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let trace_id = fields.required("trace_id")?;
    let partial = fields.bool("allow_partial")?.unwrap_or(false);
    let (id, _) = id::read(trace_id);
    let until = Instant::now() + PATIENCE;
    loop {
        let info = assemble::info_of(front, id)?
            .ok_or_else(|| Refused::missing(format!("Trace with ID {trace_id} is not found.")))?;
        let spans = front.parts.traces.trace_spans(&[id], true, MOST_SPANS)?.pop().unwrap_or_default();
        if partial || is_whole(&info, spans.len()) {
            return reply(&One { trace: trace(info, spans) });
        }
        if Instant::now() >= until {
            let message = format!("Trace with ID {trace_id} is not fully exported yet, please try again later.");
            return Err(Refused::missing(message));
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// `GET traces/batchGet`: those that are there whole.
pub(super) fn batch(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let (ids, infos) = asked(front, &args.fields())?;
    let spans = front.parts.traces.trace_spans(&ids, true, MOST_SPANS)?;
    let whole = infos.into_iter().zip(spans).filter(|(info, spans)| is_whole(info, spans.len()));
    reply(&Many { traces: whole.map(|(info, spans)| trace(info, spans)).collect() })
}

/// `POST traces/batchGetInfos`.
pub(super) fn batch_infos(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let (_, trace_infos) = asked(front, &args.fields())?;
    reply(&Infos { trace_infos })
}

/// The traces that a request names and that are there, each once, in its order.
fn asked(front: &Front, fields: &Fields<'_>) -> Result<(Vec<TraceId>, Vec<TraceInfo>), Refused> {
    let named = fields.texts("trace_ids")?;
    if named.is_empty() {
        return Err(fields.absent("trace_ids"));
    }
    if named.len() > MOST {
        return Err(Refused::invalid(format!("At most {MOST} trace_ids can be asked for at once; split the request.")));
    }
    let mut ids: Vec<TraceId> = Vec::with_capacity(named.len());
    for named in named {
        let (id, _) = id::read(named);
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let heads = front.parts.traces.trace_heads(&ids)?.into_iter().flatten().collect::<Vec<_>>();
    let mut ids: Vec<TraceId> = heads.iter().map(|head| head.id).collect();
    let mut infos = assemble::infos(front, heads)?;
    if fields.get("experiment_ids")?.is_some() {
        let of = fields.texts("experiment_ids")?;
        let kept: Vec<bool> = infos.iter().map(|info| of.contains(&info.experiment_id.as_str())).collect();
        let mut keep = kept.iter();
        ids.retain(|_| keep.next().copied().unwrap_or_default());
        let mut keep = kept.iter();
        infos.retain(|_| keep.next().copied().unwrap_or_default());
    }
    Ok((ids, infos))
}

fn trace(trace_info: TraceInfo, mut spans: Vec<Span>) -> Trace {
    spans::sort(&mut spans);
    let spans = spans.iter().map(|span| spans::form(span, &trace_info.trace_id)).collect();
    Trace { trace_info, spans }
}

/// Whether all spans are there that the client has counted; at least one.
fn is_whole(info: &TraceInfo, spans: usize) -> bool {
    let counted = || {
        let stats: serde_json::Value = serde_json::from_str(info.metadata.get(names::SIZE_STATS)?).ok()?;
        usize::try_from(stats.get("num_spans")?.as_u64()?).ok()
    };
    spans > 0 && spans >= counted().unwrap_or_default().min(MOST_SPANS)
}
