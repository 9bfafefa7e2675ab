//! `weir stats`: figures over calls, in total and per group.

use anyhow::Context;
use weir_core::time;
use weir_web::api::{FiguresJson, GroupJson, StatsAnswer, when};

use crate::read::filters::{Filters, Range};
use crate::read::format;
use crate::read::print::{self, Terminal};
use crate::read::source::{Pairs, Source, SourceArgs};
use crate::read::table::{Cell, Column, Table, Tone};

/// Bars of a sparkline at most, where there is room and where there is not.
const BARS: (usize, usize) = (32, 16);
/// A terminal from this width on has room.
const WIDE: usize = 120;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[arg(
        long,
        value_name = "A,B",
        value_delimiter = ',',
        default_value = "model",
        help = "Group by any of project, model, provider, department, prompt_version, status, key"
    )]
    by: Vec<String>,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    range: Range,
    /// Also show the course over time in steps of whole minutes, such as 1h
    #[arg(long, value_name = "WIDTH")]
    bucket: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
}

/// Shows the figures; of the last 24 hours unless said otherwise.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let source = Source::open(&args.source)?;
    let mut pairs: Pairs = args.filters.pairs();
    pairs.extend(args.range.pairs());
    pairs.push(("group_by".to_owned(), args.by.join(",")));
    if let Some(bucket) = &args.bucket {
        pairs.push(("bucket".to_owned(), bucket.clone()));
    }
    let answer = source.stats(&pairs)?;
    if args.json {
        return print::line(&answer);
    }
    let stats: StatsAnswer = serde_json::from_str(&answer).context("the answer holds no figures")?;
    if stats.total.count == 0 {
        return print::line("No calls in this range. Widen it: --since 7d");
    }
    print::out(&render(&stats, Terminal::stdout()))
}

fn render(stats: &StatsAnswer, terminal: Terminal) -> String {
    let mut columns: Vec<Column> = stats.group_by.iter().map(|name| Column::text(heading(name)).least(10)).collect();
    columns.extend([
        Column::number("calls"),
        Column::number("errors"),
        Column::number("cached").spare(4),
        Column::number("tokens in"),
        Column::number("out"),
        Column::number("cost"),
        Column::number("unpriced").spare(3),
        Column::number("avg").spare(2),
        Column::number("p50").spare(1),
        Column::number("p95"),
        Column::number("p99").spare(2),
        Column::text("over time").spare(1),
    ]);
    let bars = if terminal.width.is_none_or(|w| w >= WIDE) { BARS.0 } else { BARS.1 };
    let mut table = Table::new(columns);
    for group in &stats.groups {
        let mut row: Vec<Cell> = stats.group_by.iter().map(|name| value(group, name)).collect();
        row.extend(figures(&group.total));
        row.push(spark(stats, group, bars).into());
        table.row(row);
    }
    if stats.groups.len() > 1 && !stats.group_by.is_empty() {
        let mut row: Vec<Cell> = stats.group_by.iter().map(|_| Cell::default()).collect();
        if let Some(first) = row.first_mut() {
            *first = "total".into();
        }
        row.extend(figures(&stats.total));
        row.push(Cell::default());
        table.row(row);
    }
    table.render(terminal)
}

fn heading(name: &str) -> &'static str {
    weir_store::telemetry::Dimension::parse(name).map_or("group", weir_store::telemetry::Dimension::as_str)
}

fn value(group: &GroupJson, name: &str) -> Cell {
    match group.by.get(name).and_then(|v| v.as_str()) {
        Some(text) => text.into(),
        None => Cell("(none)".to_owned(), Tone::Dim),
    }
}

fn figures(f: &FiguresJson) -> Vec<Cell> {
    let some = |n: u64, tone| if n == 0 { Cell::default() } else { Cell(format::count(n), tone) };
    let latency = |ms: Option<f64>| Cell::from(ms.map(format::millis).unwrap_or_default());
    let errors = match f.errors {
        0 => Cell("0".to_owned(), Tone::Dim),
        n => Cell(format!("{} ({})", format::count(n), format::percent(f.error_rate)), Tone::Bad),
    };
    vec![
        format::count(f.count).into(),
        errors,
        some(f.cache_hits, Tone::Plain),
        format::count(f.tokens.prompt).into(),
        format::count(f.tokens.completion).into(),
        cost(f),
        some(f.unpriced, Tone::Warn),
        latency(f.latency_ms.avg),
        latency(f.latency_ms.p50),
        latency(f.latency_ms.p95),
        latency(f.latency_ms.p99),
    ]
}

/// A sum to which no call contributed is not known; it is not 0.
fn cost(f: &FiguresJson) -> Cell {
    if f.unpriced > 0 && f.unpriced == f.count {
        return Cell("unknown".to_owned(), Tone::Warn);
    }
    format::dollars(f.cost_usd.0.as_usd()).into()
}

/// The calls per bucket over the whole range, several buckets to a bar when there are many.
fn spark(stats: &StatsAnswer, group: &GroupJson, most: usize) -> String {
    let at = |text: &Option<String>| text.as_deref().and_then(time::parse);
    let width = stats.bucket.as_deref().and_then(when::duration);
    let (Some(from), Some(to), Some(width), Some(series)) = (at(&stats.from), at(&stats.to), width, &group.series)
    else {
        return String::new();
    };
    let values = series.iter().map(|bucket| (time::parse(&bucket.start).unwrap_or(from), bucket.figures.count));
    format::course((from, to), width, values, most)
}
