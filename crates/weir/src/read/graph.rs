//! The graph of a workflow: its decisions with their shares, its tools and its retrievers, each against the window before.

use weir_core::time;
use weir_web::api::{ChangeJson, EdgeJson, ToolJson, WorkflowAnswer, when};

use super::format;
use super::print::Terminal;
use super::table::{Cell, Column, Table, Tone};

/// Width of a share of 100 %.
const BAR: usize = 16;
/// Bars of a course at most.
const BARS: usize = 32;

/// The graph as text.
#[must_use]
pub(crate) fn render(workflow: &WorkflowAnswer, terminal: Terminal) -> String {
    let mut blocks = vec![heading(workflow)];
    if !workflow.edges.is_empty() {
        blocks.push(edges(workflow).render(terminal));
    }
    if !workflow.tools.is_empty() {
        blocks.push(tools("tool", &workflow.tools).render(terminal));
    }
    if !workflow.retrievers.is_empty() {
        blocks.push(tools("retriever", &workflow.retrievers).render(terminal));
    }
    blocks.push(notes(workflow).iter().map(|note| format!("{note}\n")).collect());
    blocks.join("\n")
}

fn heading(workflow: &WorkflowAnswer) -> String {
    let name = workflow.name.as_deref().map_or_else(|| "Steps that name no workflow".to_owned(), format::harmless);
    let calls = |tools: &[ToolJson]| tools.iter().fold(0u64, |sum, t| sum.saturating_add(t.figures.calls));
    let parts = [
        (workflow.decisions, "decision"),
        (calls(&workflow.tools), "tool call"),
        (calls(&workflow.retrievers), "retrieval"),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{} {what}{}", format::count(*n), if *n == 1 { "" } else { "s" }))
        .collect();
    let parts = if parts.is_empty() { "no steps".to_owned() } else { parts.join(", ") };
    let at = format::short_time;
    let (from, to, before) = (at(&workflow.from), at(&workflow.to), at(&workflow.before_from));
    format!("{name}: {parts}\nfrom {from} to {to}; before: from {before} on\n")
}

fn edges(workflow: &WorkflowAnswer) -> Table {
    let mut table = Table::new(vec![
        Column::text("from").least(14),
        Column::text("to").least(14),
        Column::number("count"),
        Column::number("share"),
        Column::text("").spare(4),
        Column::number("errors").spare(3),
        Column::number("before"),
        Column::number("change"),
        Column::number("p").spare(1),
        Column::text("verdict"),
        Column::text("over time").spare(5),
    ]);
    let mut last = None;
    for edge in &workflow.edges {
        let begins = last != Some(&edge.from);
        last = Some(&edge.from);
        // Where there is no other way there is nothing to judge.
        let only_way = edge.share == Some(1.0) && edge.before.share == Some(1.0);
        let before = edge.before.share.map(format::percent).unwrap_or_default();
        let errors = if edge.errors == 0 { Cell::default() } else { Cell(format::count(edge.errors), Tone::Bad) };
        table.row(vec![
            if begins { named(&edge.from) } else { Cell::default() },
            named(&edge.to),
            format::count(edge.count).into(),
            edge.share.map(format::percent).unwrap_or_default().into(),
            bar(edge.share.unwrap_or_default()).into(),
            errors,
            Cell(before, Tone::Dim),
            difference(&edge.change).into(),
            if only_way { Cell::default() } else { p_value(&edge.change).into() },
            if only_way { Cell::default() } else { verdict(&edge.change, Tone::Warn, Tone::Warn) },
            course(workflow, edge).into(),
        ]);
    }
    table
}

fn tools(title: &'static str, tools: &[ToolJson]) -> Table {
    let mut table = Table::new(vec![
        Column::text(title).least(10),
        Column::text("project").least(8).spare(5),
        Column::number("calls"),
        Column::number("errors"),
        Column::number("before"),
        Column::number("change"),
        Column::number("p").spare(4),
        Column::text("verdict"),
        Column::number("mean").spare(3),
        Column::number("p50").spare(2),
        Column::number("p95"),
        Column::number("p95 before").spare(1),
        Column::number("p99").spare(2),
    ]);
    for tool in tools {
        let figures = &tool.figures;
        let errors = match (figures.errors, figures.error_rate) {
            (_, None) => Cell::default(),
            (0, _) => Cell("0".to_owned(), Tone::Dim),
            (n, Some(rate)) => Cell(format!("{} ({})", format::count(n), format::percent(rate)), Tone::Bad),
        };
        let millis = |ms: Option<f64>| Cell::from(ms.map(format::millis).unwrap_or_default());
        table.row(vec![
            named(&tool.name),
            tool.project.clone().unwrap_or_default().into(),
            format::count(figures.calls).into(),
            errors,
            Cell(tool.before.error_rate.map(format::percent).unwrap_or_default(), Tone::Dim),
            difference(&tool.change).into(),
            p_value(&tool.change).into(),
            verdict(&tool.change, Tone::Bad, Tone::Good),
            millis(figures.duration_ms.mean),
            millis(figures.duration_ms.p50),
            millis(figures.duration_ms.p95),
            Cell(tool.before.duration_ms.p95.map(format::millis).unwrap_or_default(), Tone::Dim),
            millis(figures.duration_ms.p99),
        ]);
    }
    table
}

fn named(name: &str) -> Cell {
    if name.is_empty() { Cell("(none)".to_owned(), Tone::Dim) } else { name.into() }
}

/// A share as a bar, to an eighth of a character.
fn bar(share: f64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share.clamp(0.0, 1.0) * (BAR * 8) as f64).round() as usize;
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS.get(eighths % 8).copied().unwrap_or_default())
}

/// Percentage points: a difference of shares is no share of a share.
fn difference(change: &ChangeJson) -> String {
    match change.difference {
        None => String::new(),
        Some(0.0) => "0".to_owned(),
        Some(d) => format!("{}{}", if d < 0.0 { "-" } else { "+" }, format::percent(d.abs()).replace('%', "pp")),
    }
}

fn p_value(change: &ChangeJson) -> String {
    change.p_value.map(|p| if p < 0.0001 { "<0.0001".to_owned() } else { format!("{p:.4}") }).unwrap_or_default()
}

fn verdict(change: &ChangeJson, higher: Tone, lower: Tone) -> Cell {
    let tone = match change.verdict.as_str() {
        "higher" => higher,
        "lower" => lower,
        _ => Tone::Dim,
    };
    Cell(change.verdict.clone(), tone)
}

/// The share over time; the highest bar is the highest share.
fn course(workflow: &WorkflowAnswer, edge: &EdgeJson) -> String {
    let width = workflow.bucket.as_deref().and_then(when::duration);
    let (Some(from), Some(to), Some(width)) = (time::parse(&workflow.from), time::parse(&workflow.to), width) else {
        return String::new();
    };
    let values = edge.series.iter().flatten().map(|bucket| {
        (time::parse(&bucket.start).unwrap_or(from), (bucket.share.unwrap_or_default() * 1_000.0).round() as u64)
    });
    format::course((from, to), width, values, BARS)
}

/// What is to be known beside the figures, a line each.
fn notes(workflow: &WorkflowAnswer) -> Vec<String> {
    let test = &workflow.test;
    let comparisons = match test.comparisons {
        0 | 1 => String::new(),
        n => format!(" over all {n} comparisons together"),
    };
    let mut notes = vec![match test.comparisons {
        0 => format!("A verdict needs {} decisions (or calls of a tool) in both windows.", test.least),
        _ => format!(
            "higher, lower: more than chance at {:.0} %{comparisons}, for one look ({}). It needs {} decisions (or calls of \
             a tool) in both windows.",
            test.level * 100.0,
            test.name,
            test.least,
        ),
    }];
    if workflow.truncated {
        notes.push("There are more steps than are shown: name a --project or ask for a shorter range.".to_owned());
    }
    notes
}

#[cfg(test)]
#[path = "graph_tests.rs"]
mod tests;
