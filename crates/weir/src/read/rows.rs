//! A call as a row of a table.

use weir_web::api::Call;

use super::format;
use super::table::{Cell, Column, Table, Tone};

/// The columns, in the order of [`row`].
#[must_use]
pub(crate) fn table() -> Table {
    Table::new(vec![
        Column::text("time"),
        Column::text("status"),
        Column::model("model").least(12),
        Column::text("department").least(8).spare(2),
        Column::number("tokens").spare(1),
        Column::number("cost"),
        Column::number("latency"),
        Column::number("ttft").spare(3),
        Column::text("request id").least(14),
    ])
}

/// The cells of a call.
#[must_use]
pub(crate) fn row(call: &Call) -> Vec<Cell> {
    vec![
        Cell(call.timestamp.as_deref().map(format::short_time).unwrap_or_default(), Tone::Dim),
        status(call),
        model(call).into(),
        call.department.clone().unwrap_or_default().into(),
        tokens(call).into(),
        cost(call),
        call.latency_ms.map(format::millis).unwrap_or_default().into(),
        call.ttft_ms.map(format::millis).unwrap_or_default().into(),
        Cell(call.request_id.clone().unwrap_or_else(|| call.id.clone()), Tone::Dim),
    ]
}

/// How the call ended, with the class of its failure.
#[must_use]
pub(crate) fn status(call: &Call) -> Cell {
    let status = call.status.as_deref().unwrap_or("pending");
    let tone = match status {
        "success" | "cached" => Tone::Good,
        "error" => Tone::Bad,
        "rate_limited" | "blocked" | "cancelled" => Tone::Warn,
        _ => Tone::Dim,
    };
    let text = match (status, call.error_type.as_deref()) {
        ("success", _) => "ok".to_owned(),
        ("error", Some(class)) => class.to_owned(),
        (other, _) => other.to_owned(),
    };
    Cell(text, tone)
}

/// `provider/model`, or for other steps than calls their kind and what they did.
#[must_use]
pub(crate) fn model(call: &Call) -> String {
    match (&call.provider, &call.model) {
        (Some(provider), Some(model)) if !model.starts_with(&format!("{provider}/")) => format!("{provider}/{model}"),
        (_, Some(model)) => model.clone(),
        _ => step(call),
    }
}

fn step(call: &Call) -> String {
    let attribute = |name: &str| serde_json::from_str::<String>(call.attributes.get(name)?.get()).ok();
    let name = || call.name.clone();
    let kind = call.kind.as_deref().unwrap_or_default();
    let what = match kind {
        "llm" | "embedding" => return name().unwrap_or_else(|| kind.to_owned()),
        "branch" => match (attribute("from_node"), attribute("to_node")) {
            (Some(from), Some(to)) => Some(format!("{from} → {to}")),
            _ => name(),
        },
        "tool" => attribute("tool_name").or_else(name),
        _ => name(),
    };
    what.map_or_else(|| kind.to_owned(), |what| format!("{kind} {what}"))
}

fn tokens(call: &Call) -> String {
    call.tokens.map(|t| format!("{}→{}", format::count(t.prompt), format::count(t.completion))).unwrap_or_default()
}

fn cost(call: &Call) -> Cell {
    match (call.cost_usd, call.tokens) {
        (Some(usd), _) => format::dollars(usd.0.as_usd()).into(),
        (None, Some(t)) if t.total > 0 => Cell("unknown".to_owned(), Tone::Warn),
        (None, _) => Cell::default(),
    }
}
