//! The path of a request as a timeline.

use weir_web::api::{PathAnswer, PathStepJson};

use super::format;
use super::print::Terminal;
use super::table::{Cell, Column, Table, Tone};

/// Width of the whole time.
const BAR: usize = 20;
/// Levels that are shown by indentation; deeper ones stand below the last.
const LEVELS: usize = 8;

/// The path as text.
#[must_use]
pub(crate) fn render(path: &PathAnswer, terminal: Terminal) -> String {
    let mut table = Table::new(vec![
        Column::number("at"),
        Column::number("gap"),
        Column::number("took"),
        Column::text("").spare(1),
        Column::text("kind"),
        Column::text("step").least(22),
        Column::text("what").least(10),
        Column::text("status"),
    ]);
    for step in &path.steps {
        table.row(row(step, path.total_ms.unwrap_or_default()));
    }
    format!("{}\n{}", heading(path), table.render(terminal))
}

fn heading(path: &PathAnswer) -> String {
    let many = |n: u64, what: &str| format!("{} {what}{}", format::count(n), if n == 1 { "" } else { "s" });
    let mut parts = vec![match path.total_ms {
        Some(ms) => format!("{} in {}", many(path.steps.len() as u64, "step"), format::millis(ms)),
        None => many(path.steps.len() as u64, "step"),
    }];
    if path.calls > 0 {
        parts.push(many(path.calls, "call"));
        parts.push(format!("{} tokens", format::count(path.tokens.total)));
        parts.push(match (path.unpriced, path.calls) {
            (0, _) => format::dollars(path.cost_usd.0.as_usd()),
            (unknown, all) if unknown == all => "cost unknown".to_owned(),
            (unknown, _) => format!("{} and {unknown} of unknown cost", format::dollars(path.cost_usd.0.as_usd())),
        });
    }
    if path.errors > 0 {
        parts.push(many(path.errors, "error"));
    }
    if path.pending > 0 {
        parts.push(format!("{} pending", format::count(path.pending)));
    }
    let traces = match path.trace_ids.as_slice() {
        [] => String::new(),
        [one] => format!("trace {one}"),
        [first, rest @ ..] => format!("traces {first} and {} more", rest.len()),
    };
    let started = path.timestamp.as_deref().map(|at| format!("started {}, ", format::full_time(at)));
    let name =
        path.request_id.as_deref().map_or_else(|| "trace".to_owned(), |id| format!("request {}", format::harmless(id)));
    let more = if path.truncated { "There are more steps than are shown.\n" } else { "" };
    format!("{name}: {}\n{}{traces}\n{more}", parts.join(", "), started.unwrap_or_default())
}

fn row(step: &PathStepJson, total: f64) -> Vec<Cell> {
    let gap = match step.gap_ms {
        Some(gap) if gap > 0.0 => format!("+{}", format::millis(gap)),
        _ => String::new(),
    };
    let indent = "  ".repeat(step.depth.min(LEVELS));
    vec![
        step.offset_ms.map(format::millis).unwrap_or_default().into(),
        Cell(gap, Tone::Dim),
        step.duration_ms.map(format::millis).unwrap_or_default().into(),
        bar(step, total).into(),
        Cell(step.kind.clone().unwrap_or_default(), Tone::Dim),
        format!("{indent}{}", name(step)).into(),
        what(step),
        status(step),
    ]
}

fn name(step: &PathStepJson) -> String {
    let own = || step.name.clone().or_else(|| step.kind.clone()).unwrap_or_else(|| step.span_id.clone());
    if let Some(branch) = &step.branch
        && let (Some(from), Some(to)) = (&branch.from, &branch.to)
    {
        return format!("{from} → {to}");
    }
    if let Some(call) = &step.call {
        return match (&call.provider, &call.model) {
            (Some(provider), Some(model)) if !model.starts_with(&format!("{provider}/")) => {
                format!("{provider}/{model}")
            }
            (_, Some(model)) => model.clone(),
            _ => own(),
        };
    }
    step.tool.clone().unwrap_or_else(own)
}

/// The condition of a decision, tokens and cost of a call, or what went wrong.
fn what(step: &PathStepJson) -> Cell {
    if let Some(error) = step.error.as_ref().or(step.error_type.as_ref()) {
        return Cell(error.clone(), Tone::Bad);
    }
    if let Some(branch) = &step.branch {
        let result = branch.result.as_ref().map(|r| r.get().trim_matches('"').to_owned());
        let parts: Vec<String> = branch.condition.clone().into_iter().chain(result).collect();
        return parts.join(" = ").into();
    }
    let Some(call) = &step.call else { return Cell::default() };
    let tokens = call.tokens.map(|t| format!("{}→{} tokens", format::count(t.prompt), format::count(t.completion)));
    let cost = match call.cost_usd {
        Some(usd) => Some(format::dollars(usd.0.as_usd())),
        None => call.tokens.map(|_| "cost unknown".to_owned()),
    };
    let cached = call.cache_hit.then(|| "cached".to_owned());
    [cached, tokens, cost].into_iter().flatten().collect::<Vec<_>>().join(", ").into()
}

fn status(step: &PathStepJson) -> Cell {
    let status = step.status.as_deref().unwrap_or_default();
    let tone = match status {
        "success" | "cached" => Tone::Good,
        "error" => Tone::Bad,
        "rate_limited" | "blocked" | "cancelled" => Tone::Warn,
        _ => Tone::Dim,
    };
    Cell(if status == "success" { "ok" } else { status }.to_owned(), tone)
}

/// When the step ran within the whole; an open one runs to the end.
fn bar(step: &PathStepJson, total: f64) -> String {
    let Some(offset) = step.offset_ms.filter(|_| total > 0.0) else { return String::new() };
    let at = |ms: f64| ((ms / total).clamp(0.0, 1.0) * BAR as f64).round() as usize;
    let first = at(offset).min(BAR - 1);
    let last = at(step.duration_ms.map_or(total, |took| offset + took)).max(first + 1);
    let sign = if step.duration_ms == Some(0.0) { "◆" } else { "█" };
    format!("{}{}", " ".repeat(first), sign.repeat(last - first))
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
