//! `weir ab`: the versions of a prompt side by side, and what can be said of their differences.

use anyhow::Context;
use weir_web::api::{CompareAnswer, DifferenceJson, MeanJson, VersionJson};

use crate::read::filters::Range;
use crate::read::format;
use crate::read::print::{self, Terminal};
use crate::read::source::{Pairs, Source, SourceArgs};
use crate::read::table::{Cell, Column, Table, Tone};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name of the prompt
    prompt: String,
    /// The version that the others are compared with [default: the one with the most calls]
    #[arg(long, value_name = "VERSION")]
    baseline: Option<String>,
    /// Only these versions
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    versions: Vec<String>,
    #[command(flatten)]
    range: Range,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
}

/// Shows the comparison; of the last 30 days unless said otherwise.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let source = Source::open(&args.source)?;
    let mut pairs: Pairs = args.range.pairs();
    pairs.extend(args.baseline.iter().map(|version| ("baseline".to_owned(), version.clone())));
    if !args.versions.is_empty() {
        pairs.push(("versions".to_owned(), args.versions.join(",")));
    }
    let answer = source.compare(&args.prompt, &pairs)?;
    if args.json {
        return print::line(&answer);
    }
    let answer: CompareAnswer = serde_json::from_str(&answer).context("the answer is no comparison")?;
    if answer.calls == 0 {
        return print::line(&format!(
            "No calls of the prompt {:?} in this range. Widen it (--since 90d), or label calls: metadata.prompt_name and \
             metadata.prompt_version, or the headers x-weir-prompt and x-weir-prompt-version",
            args.prompt
        ));
    }
    print::out(&render(&answer, Terminal::stdout()))
}

fn render(answer: &CompareAnswer, terminal: Terminal) -> String {
    let mut blocks = vec![versions(answer).render(terminal)];
    if answer.versions.iter().any(|v| !v.scores.is_empty()) {
        blocks.push(scores(answer).render(terminal));
    }
    if !answer.differences.is_empty() {
        blocks.push(differences(answer).render(terminal));
    }
    blocks.push(notes(answer).iter().map(|note| format!("{note}\n")).collect());
    blocks.join("\n")
}

fn versions(answer: &CompareAnswer) -> Table {
    let mut table = Table::new(vec![
        Column::text("version").least(14),
        Column::number("calls"),
        Column::number("errors"),
        Column::number("cached").spare(3),
        Column::number("refused").spare(5),
        Column::number("cancelled").spare(5),
        Column::number("avg"),
        Column::number("p50").spare(4),
        Column::number("p95"),
        Column::number("first token").spare(2),
        Column::number("in/call").spare(1),
        Column::number("out/call").spare(1),
        Column::number("cost/call"),
        Column::number("cost").spare(3),
    ]);
    for version in &answer.versions {
        table.row(version_row(version, answer.baseline.as_deref() == Some(&version.version)));
    }
    table
}

fn version_row(v: &VersionJson, is_baseline: bool) -> Vec<Cell> {
    let some = |n: u64| if n == 0 { Cell::default() } else { Cell::from(format::count(n)) };
    let with = |show: Show, value: Option<f64>| Cell::from(value.map(show).unwrap_or_default());
    let errors = match v.errors {
        0 => Cell("0".to_owned(), Tone::Dim),
        n => Cell(format!("{} ({})", format::count(n), format::percent(v.error_rate.unwrap_or_default())), Tone::Bad),
    };
    let unknown = |value: Cell| match (value.0.is_empty(), v.cost_usd.unpriced) {
        (true, 1..) => Cell("unknown".to_owned(), Tone::Warn),
        _ => value,
    };
    vec![
        if is_baseline { format!("{} (baseline)", v.version).into() } else { v.version.as_str().into() },
        format::count(v.calls).into(),
        errors,
        some(v.cache_hits),
        some(v.refused),
        some(v.cancelled),
        with(format::millis, v.latency_ms.mean),
        with(format::millis, v.latency_ms.p50),
        with(format::millis, v.latency_ms.p95),
        with(format::millis, v.ttft_ms.mean),
        with(amount, v.prompt_tokens.mean),
        with(amount, v.completion_tokens.mean),
        unknown(with(format::dollars, v.cost_usd.mean)),
        unknown(with(format::dollars, v.cost_usd.sum.map(|usd| usd.0.as_usd()))),
    ]
}

fn scores(answer: &CompareAnswer) -> Table {
    let mut table = Table::new(vec![
        Column::text("score").least(10),
        Column::text("version").least(8),
        Column::number("scored"),
        Column::number("mean"),
    ]);
    let mut rows: Vec<(&String, &String, &MeanJson)> =
        answer.versions.iter().flat_map(|v| v.scores.iter().map(move |(name, s)| (name, &v.version, s))).collect();
    rows.sort_by_key(|(name, version, _)| (*name, *version));
    for (name, version, score) in rows {
        let mean = score.mean.map(amount).unwrap_or_default();
        table.row(vec![name.as_str().into(), version.as_str().into(), format::count(score.n).into(), mean.into()]);
    }
    table
}

fn differences(answer: &CompareAnswer) -> Table {
    let mut table = Table::new(vec![
        Column::text("version").least(8),
        Column::text("metric").least(17),
        Column::number("baseline").spare(2),
        Column::number("here").spare(2),
        Column::number("difference"),
        Column::number("").spare(1),
        Column::number("95 % interval"),
        Column::number("p").spare(3),
        Column::text("verdict"),
    ]);
    for d in &answer.differences {
        let (show, step) = units(&d.metric);
        let signed = |n: f64| match n {
            0.0 => "0".to_owned(),
            n => format!("{}{}", if n < 0.0 { "-" } else { "+" }, step(n.abs())),
        };
        let mean = |m: &MeanJson| Cell::from(m.mean.map(show).unwrap_or_default());
        let interval = d.interval.map(|(low, high)| format!("{} to {}", signed(low), signed(high)));
        table.row(vec![
            d.version.as_str().into(),
            d.metric.as_str().into(),
            mean(&d.baseline),
            mean(&d.this),
            d.difference.map(signed).unwrap_or_default().into(),
            d.relative.map(relative).unwrap_or_default().into(),
            interval.unwrap_or_default().into(),
            d.p_value.map(p_value).unwrap_or_default().into(),
            verdict(d, answer.test.least),
        ]);
    }
    table
}

fn verdict(difference: &DifferenceJson, least: u64) -> Cell {
    let few = difference.baseline.n.min(difference.this.n);
    match difference.verdict.as_str() {
        "better" => Cell("better".to_owned(), Tone::Good),
        "worse" => Cell("worse".to_owned(), Tone::Bad),
        other if few < least => Cell(format!("{other} ({few} of {least})"), Tone::Dim),
        other => Cell(other.to_owned(), Tone::Dim),
    }
}

/// Shows a number.
type Show = fn(f64) -> String;

/// How the values of a metric are shown, and how their differences are.
fn units(metric: &str) -> (Show, Show) {
    match metric {
        "error_rate" => (format::percent, points),
        "latency_ms" | "ttft_ms" => (format::millis, format::millis),
        "cost_usd" => (format::dollars, format::dollars),
        _ => (amount, amount),
    }
}

/// Percentage points: a difference of shares is no share of a share.
fn points(share: f64) -> String {
    format::percent(share).replace('%', "pp")
}

/// Tokens per call or a score: some digits, more of small numbers.
fn amount(n: f64) -> String {
    match n.abs() {
        0.0 => "0".to_owned(),
        a if a < 10.0 => format!("{n:.3}"),
        a if a < 1e6 => format!("{n:.1}"),
        _ => format!("{n:.3e}"),
    }
}

fn relative(share: f64) -> String {
    format!("({}{})", if share < 0.0 { "-" } else { "+" }, format::percent(share.abs()))
}

fn p_value(p: f64) -> String {
    if p < 0.0001 { "<0.0001".to_owned() } else { format!("{p:.4}") }
}

/// What is to be known beside the figures, a line each.
fn notes(answer: &CompareAnswer) -> Vec<String> {
    let test = &answer.test;
    let mut notes = Vec::new();
    if let (Some(baseline), 2..) = (&answer.baseline, answer.versions.len()) {
        let comparisons = match test.comparisons {
            1 => "1 comparison".to_owned(),
            n => format!("all {n} comparisons"),
        };
        notes.push(format!("Compared with {baseline} ({}).", answer.baseline_by));
        notes.push(format!(
            "{}: looking again and again does not spoil it. {:.0} % confidence over {comparisons} together; a verdict needs \
             {} values of each version.",
            test.name,
            test.confidence * 100.0,
            test.least,
        ));
    } else {
        notes.push("There is nothing to compare: fewer than two versions have calls in this range.".to_owned());
    }
    notes.push(
        "Latency, tokens and cost per call are of calls that a model answered whole; cache hits are left out."
            .to_owned(),
    );
    if answer.truncated {
        notes.push(format!(
            "These are the oldest {} calls of the range: ask for a shorter one.",
            format::count(answer.calls)
        ));
    }
    if answer.without_version > 0 {
        notes.push(format!("Calls without a version, left out: {}.", format::count(answer.without_version)));
    }
    if answer.left_out > 0 {
        notes.push(format!(
            "Versions beyond the hundred with the most calls, left out: {}, with {} calls. Name --versions.",
            format::count(answer.left_out_versions),
            format::count(answer.left_out)
        ));
    }
    notes
}

#[cfg(test)]
#[path = "ab_tests.rs"]
mod tests;
