//! Traces of runs, and versions of prompts that a trace was made with.

use weir_core::id::TraceId;
use weir_store::traces::Link;

use super::{id, tags};
use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;
use crate::mlflow::wire::{Args, Reply};

/// Most traces that are linked at once.
const MOST: usize = 100;

/// `POST traces/link-to-run`. Traces that are not there are passed over.
pub(super) fn to_run(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let named = fields.texts("trace_ids")?;
    if named.is_empty() {
        return Err(fields.absent("trace_ids"));
    }
    let run = fields.required("run_id")?;
    if named.len() > MOST {
        return Err(Refused::invalid(format!(
            "Cannot link more than {MOST} traces to a run in a single request. Provided {} traces.",
            named.len()
        )));
    }
    let ids: Vec<TraceId> = named.iter().map(|named| id::read(named).0).collect();
    let heads = front.parts.traces.trace_heads(&ids)?;
    let there: Vec<TraceId> = heads.into_iter().flatten().map(|head| head.id).collect();
    front.parts.traces.link_traces(&there, &[Link::Run(run.to_owned())])?;
    Ok(Reply::empty())
}

/// `POST traces/link-prompts`.
pub(super) fn prompts(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let trace_id = fields.required("trace_id")?;
    let versions = fields.objects("prompt_versions")?;
    if versions.is_empty() {
        return Err(fields.absent("prompt_versions"));
    }
    if versions.len() > MOST {
        return Err(Refused::invalid(format!("Cannot link more than {MOST} prompt versions in a single request.")));
    }
    let link = |version: &crate::mlflow::wire::Fields<'_>| {
        let (name, version) = (version.required("name")?, version.required("version")?);
        Ok(Link::Prompt(format!("{name}/{version}")))
    };
    let links = versions.iter().map(link).collect::<Result<Vec<_>, Refused>>()?;
    let (id, _) = tags::existing(front, trace_id)?;
    front.parts.traces.link_traces(&[id], &links)?;
    Ok(Reply::empty())
}
