//! `weir status`: how a server and its parts are doing; of files alone, what waits to be exported.

use anyhow::Context;
use weir_web::api::{BudgetJson, CacheJson, ExporterJson, StatusAnswer};

use crate::read::format;
use crate::read::print::{self, Terminal};
use crate::read::source::{Source, SourceArgs};
use crate::read::table::{Cell, Column, Table, Tone};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
}

/// Shows it.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let answer = Source::open(&args.source)?.status()?;
    if args.json {
        return print::line(&answer);
    }
    let status: StatusAnswer = serde_json::from_str(&answer).context("the answer holds no status")?;
    print::out(&render(&status, Terminal::stdout()))
}

fn render(status: &StatusAnswer, terminal: Terminal) -> String {
    let mut text = String::new();
    match (&status.started, status.uptime_seconds) {
        (Some(started), Some(seconds)) => text.push_str(&format!(
            "weir {}, running since {} ({})\n",
            format::harmless(&status.version),
            format::full_time(started),
            format::millis(seconds * 1e3)
        )),
        _ => text.push_str("The files alone; ask a running server with --url for more.\n"),
    }
    if status.ready == Some(false) {
        text.push_str("It is stopping.\n");
    }
    for problem in &status.problems {
        text.push_str(&format!("problem: {}\n", format::harmless(problem)));
    }
    if let Some(journal) = &status.journal {
        let lost = if journal.calls_lost == 0 { String::new() } else { format!(", {} calls lost", journal.calls_lost) };
        text.push_str(&format!("{} bytes wait for the store{lost}\n", format::count(journal.backlog_bytes)));
    }
    if let Some(cache) = &status.cache {
        text.push_str(&cache_line(cache));
    }
    if let Some(batches) = status.batches.as_ref().filter(|b| b.running > 0) {
        let (running, queued) = (format::count(batches.running), format::count(batches.queued_requests));
        text.push_str(&format!("{running} batches are under way, {queued} of their requests wait\n"));
    }
    text.push_str(&budgets(&status.budgets, terminal));
    if status.exporters.is_empty() {
        text.push_str("Nothing is exported.\n");
        return text;
    }
    text.push('\n');
    let mut table = Table::new(vec![
        Column::text("export to"),
        Column::text("state"),
        Column::number("waiting"),
        Column::number("oldest"),
        Column::number("exported").spare(1),
        Column::number("failed"),
        Column::text("at").least(20).spare(3),
        Column::text("experiment").least(10).spare(2),
    ]);
    for exporter in &status.exporters {
        table.row(row(exporter));
    }
    text.push_str(&table.render(terminal));
    for exporter in &status.exporters {
        if let Some(error) = &exporter.last_error {
            let at = exporter.last_error_at.as_deref().map(format::full_time).unwrap_or_default();
            text.push_str(&format!("last error of {}, {at}: {}\n", exporter.target, format::harmless(error)));
        }
    }
    text
}

fn cache_line(cache: &CacheJson) -> String {
    let asked = cache.hits + cache.semantic_hits + cache.misses;
    let share = (cache.hits + cache.semantic_hits) as f64 / asked.max(1) as f64;
    format!(
        "the cache holds {} answers ({} bytes); {} of {} calls were hits ({}), which saved {} and {}\n",
        format::count(cache.entries),
        format::count(cache.bytes),
        format::count(cache.hits + cache.semantic_hits),
        format::count(asked),
        format::percent(share),
        format::dollars(cache.saved_usd),
        format::millis(cache.saved_seconds * 1e3)
    )
}

fn budgets(budgets: &[BudgetJson], terminal: Terminal) -> String {
    if budgets.is_empty() {
        return String::new();
    }
    let mut table = Table::new(vec![
        Column::text("budget of").least(20),
        Column::text("per"),
        Column::number("left"),
        Column::number("of"),
        Column::text("state"),
    ]);
    for budget in budgets {
        let tone = match budget.state.as_str() {
            "ok" => Tone::Good,
            "soft" => Tone::Warn,
            _ => Tone::Bad,
        };
        table.row(vec![
            format::harmless(&format!("{} {}", budget.label, budget.value)).into(),
            budget.period.clone().into(),
            format::dollars(budget.left_usd).into(),
            format::dollars(budget.limit_usd).into(),
            Cell(budget.state.clone(), tone),
        ]);
    }
    format!("\n{}\n", table.render(terminal).trim_end())
}

fn row(exporter: &ExporterJson) -> Vec<Cell> {
    let state = exporter.state.clone().unwrap_or_default();
    let tone = match state.as_str() {
        "ok" => Tone::Good,
        "retrying" => Tone::Bad,
        _ => Tone::Dim,
    };
    let oldest = if exporter.lag_records == 0 { String::new() } else { format::millis(exporter.lag_seconds * 1e3) };
    let failed = exporter.failed.map(format::count).unwrap_or_default();
    let failed = if exporter.failed.unwrap_or_default() > 0 { Cell(failed, Tone::Bad) } else { failed.into() };
    vec![
        format::harmless(&exporter.target).into(),
        Cell(state, tone),
        format::count(exporter.lag_records).into(),
        oldest.into(),
        exporter.exported.map(format::count).unwrap_or_default().into(),
        failed,
        exporter.uri.clone().unwrap_or_default().into(),
        exporter.experiment.clone().unwrap_or_default().into(),
    ]
}
