//! `weir workflow`: the workflows, the graph of one, or the path of a request.

use anyhow::Context;
use weir_core::time::{self, Clock, DAY, HOUR, MINUTE, Micros};
use weir_web::api::{PathAnswer, WorkflowAnswer, WorkflowList, WorkflowRowJson, when};

use crate::read::filters::Range;
use crate::read::print::{self, Terminal};
use crate::read::source::{Pairs, Source, SourceArgs};
use crate::read::table::{Cell, Column, Table, Tone};
use crate::read::{format, graph, timeline};

/// Bars of a course at most.
const BARS: i64 = 32;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Show the graph of this workflow; - for the steps that name none. Without a name, list the workflows
    #[arg(allow_hyphen_values = true)]
    name: Option<String>,
    /// Show what this request went through, step by step
    #[arg(long, value_name = "ID", conflicts_with_all = ["name", "trace", "project", "since", "until", "bucket"])]
    request: Option<String>,
    /// Show what this trace went through
    #[arg(long, value_name = "ID", conflicts_with_all = ["name", "project", "since", "until", "bucket"])]
    trace: Option<String>,
    /// Only steps of this project
    #[arg(long, help_heading = "Selection")]
    project: Option<String>,
    #[command(flatten)]
    range: Range,
    /// Width of the steps of the course over time, whole minutes such as 1h
    #[arg(long, value_name = "WIDTH")]
    bucket: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
}

/// Shows it; workflows of the last 24 hours unless said otherwise.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let source = Source::open(&args.source)?;
    let terminal = Terminal::stdout();
    if args.request.is_some() || args.trace.is_some() {
        let answer = match (&args.request, &args.trace) {
            (Some(request), _) => source.request_path(request)?,
            (None, trace) => source.trace_path(trace.as_deref().unwrap_or_default())?,
        };
        if args.json {
            return print::line(&answer);
        }
        let path: PathAnswer = serde_json::from_str(&answer).context("the answer is no path")?;
        return print::out(&timeline::render(&path, terminal));
    }
    let pairs = pairs(args, Clock::system().now());
    let answer = match &args.name {
        Some(name) => source.workflow(name, &pairs)?,
        None => source.workflows(&pairs)?,
    };
    if args.json {
        return print::line(&answer);
    }
    if args.name.is_some() {
        let workflow: WorkflowAnswer = serde_json::from_str(&answer).context("the answer is no workflow")?;
        return print::out(&graph::render(&workflow, terminal));
    }
    let list: WorkflowList = serde_json::from_str(&answer).context("the answer is no list of workflows")?;
    if list.workflows.is_empty() {
        return print::line(
            "No decisions, tools or retrievals in this range. Widen it (--since 7d), or log some: the library's \
             WorkflowLogger, or OpenTelemetry spans",
        );
    }
    print::out(&table(&list, terminal))
}

/// The parameters. People get a course over time without asking.
fn pairs(args: &Args, now: Micros) -> Pairs {
    let mut pairs = args.range.pairs();
    pairs.extend(args.project.iter().map(|project| ("project".to_owned(), project.clone())));
    let at = |text: &Option<String>| text.as_deref().and_then(|text| when::instant(text, now));
    let to = at(&args.range.until).unwrap_or(now);
    let from = at(&args.range.since).unwrap_or(to - DAY);
    let bucket = args.bucket.clone().or_else(|| (!args.json).then(|| when::print_duration(width(from, to, now))));
    pairs.extend(bucket.map(|bucket| ("bucket".to_owned(), bucket)));
    pairs
}

/// The width of a bar, no finer than what is still kept of that time.
fn width(from: Micros, to: Micros, now: Micros) -> Micros {
    let finest = match now.saturating_sub(from) {
        back if back > 399 * DAY => DAY,
        back if back > 47 * HOUR => HOUR,
        _ => MINUTE,
    };
    let fits = |width: &Micros| to.saturating_sub(from) / width <= BARS;
    [MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, DAY, 7 * DAY, 30 * DAY]
        .into_iter()
        .filter(|width| *width >= finest)
        .find(fits)
        .unwrap_or(365 * DAY)
}

fn table(list: &WorkflowList, terminal: Terminal) -> String {
    let mut table = Table::new(vec![
        Column::text("workflow").least(10),
        Column::text("project").least(8),
        Column::number("decisions"),
        Column::number("tool calls"),
        Column::number("tool errors"),
        Column::number("retrievals"),
        Column::text("over time").spare(1),
    ]);
    for row in &list.workflows {
        table.row(row_of(list, row));
    }
    let mut text = table.render(terminal);
    if list.workflows.iter().any(|w| w.name.is_none()) {
        text.push_str("\n- are the steps that name no workflow: weir workflow -\n");
    }
    if list.truncated {
        text.push_str("\nThere are more: name a --project or ask for a shorter range.\n");
    }
    text
}

fn row_of(list: &WorkflowList, w: &WorkflowRowJson) -> Vec<Cell> {
    let some = |n: u64| if n == 0 { Cell::default() } else { format::count(n).into() };
    let errors = match (w.tool_errors, w.tool_error_rate) {
        (_, None) => Cell::default(),
        (0, _) => Cell("0".to_owned(), Tone::Dim),
        (n, Some(rate)) => Cell(format!("{} ({})", format::count(n), format::percent(rate)), Tone::Bad),
    };
    vec![
        w.name.as_deref().map_or_else(|| Cell("-".to_owned(), Tone::Dim), Cell::from),
        w.project.clone().unwrap_or_default().into(),
        some(w.decisions),
        some(w.tool_calls),
        errors,
        some(w.retrievals),
        course(list, w).into(),
    ]
}

fn course(list: &WorkflowList, w: &WorkflowRowJson) -> String {
    let width = list.bucket.as_deref().and_then(when::duration);
    let (Some(from), Some(to), Some(width)) = (time::parse(&list.from), time::parse(&list.to), width) else {
        return String::new();
    };
    let values = w.series.iter().flatten().map(|bucket| {
        let steps = bucket.decisions.saturating_add(bucket.tool_calls).saturating_add(bucket.retrievals);
        (time::parse(&bucket.start).unwrap_or(from), steps)
    });
    format::course((from, to), width, values, BARS as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_course_has_few_bars_and_is_no_finer_than_what_is_kept() {
        let now = 1_000 * DAY;
        let of = |back: Micros, long: Micros| when::print_duration(width(now - back, now - back + long, now));
        assert_eq!((of(DAY, DAY), of(HOUR, HOUR), of(7 * DAY, 7 * DAY)), ("1h".into(), "5m".into(), "6h".into()));
        assert_eq!((of(5 * DAY, HOUR), of(500 * DAY, HOUR)), ("1h".into(), "1d".into()));
        assert_eq!(of(365 * DAY, 365 * DAY), "30d");
    }

    #[test]
    fn workflows_are_a_table() {
        let list: WorkflowList = serde_json::from_str(
            r#"{"from":"2025-11-21T00:00:00Z","to":"2025-11-21T04:00:00Z","bucket":"1h","truncated":false,"workflows":[
            {"name":"support","project":null,"decisions":138,"tool_calls":41,"tool_errors":10,"tool_error_rate":0.2439,
             "retrievals":0,"retrieval_errors":0,"series":[
               {"start":"2025-11-21T01:00:00Z","decisions":1,"tool_calls":0,"tool_errors":0,"retrievals":0},
               {"start":"2025-11-21T03:00:00Z","decisions":7,"tool_calls":1,"tool_errors":0,"retrievals":0}]},
            {"name":null,"project":null,"decisions":3,"tool_calls":0,"tool_errors":0,"tool_error_rate":null,
             "retrievals":0,"retrieval_errors":0}]}"#,
        )
        .unwrap();
        assert_eq!(
            table(&list, Terminal { width: None, colour: false }),
            "workflow  decisions  tool calls  tool errors  over time\n\
             support         138          41     10 (24%)   ▁ █\n\
             -                 3\n\n\
             - are the steps that name no workflow: weir workflow -\n"
        );
    }
}
