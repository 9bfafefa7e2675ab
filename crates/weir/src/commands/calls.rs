//! `weir calls`: the list of recorded calls, and one call whole.

use std::ops::ControlFlow;

use anyhow::{Context, bail};
use weir_core::time::{Micros, SECOND};
use weir_web::api::{Call, CallList};

use crate::read::filters::{Filters, Range};
use crate::read::print::{self, Terminal};
use crate::read::source::{self, Pairs, Source, SourceArgs};
use crate::read::{detail, rows};

/// Calls that `--all` asks for at a time.
const PAGE: &str = "1000";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Show this call whole: its request id or its id, or the beginning of one that Weir made
    id: Option<String>,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    range: Range,
    /// time, latency, cost or tokens; `-` before it for the greatest first
    #[arg(long, value_name = "FIELD", default_value = "-time", allow_hyphen_values = true)]
    order: String,
    /// How many
    #[arg(long, short = 'n', default_value_t = 20)]
    limit: usize,
    /// Every call of the selection, page by page
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
}

/// Shows the list, or one call.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let source = Source::open(&args.source)?;
    if let Some(id) = &args.id {
        return show(&source, id, args.json);
    }
    let mut pairs = args.filters.pairs();
    pairs.extend(args.range.pairs());
    pairs.push(("order".to_owned(), args.order.clone()));
    if args.all {
        pairs.push(("limit".to_owned(), PAGE.to_owned()));
        return if args.json { all_json(&source, pairs) } else { all_rows(&source, pairs) };
    }
    pairs.push(("limit".to_owned(), args.limit.to_string()));
    let answer = source.calls(&pairs)?;
    if args.json {
        return print::line(&answer);
    }
    let page = source::parse(&answer)?;
    if page.calls.is_empty() {
        return print::line(nothing(args));
    }
    print::out(&table(&page))?;
    if page.next.is_some() {
        print::note("there are more: --limit N, --all or --until TIME");
    }
    Ok(())
}

fn nothing(args: &Args) -> &'static str {
    if args.filters.pairs().is_empty() && args.range.pairs().is_empty() {
        "No calls are recorded yet. Send one: run `weir serve` and point a client's base URL at \
         http://127.0.0.1:8080/v1"
    } else {
        "No call matches. Widen the selection: `weir calls` without flags shows the newest of all."
    }
}

fn table(page: &CallList) -> String {
    let mut table = rows::table();
    for call in &page.calls {
        table.row(rows::row(call));
    }
    table.render(Terminal::stdout())
}

fn all_rows(source: &Source, pairs: Pairs) -> anyhow::Result<()> {
    source.pages(pairs, &mut |page| {
        if !page.calls.is_empty() {
            print::out(&table(&page))?;
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// One document of the same form as a page, written as it comes in.
fn all_json(source: &Source, pairs: Pairs) -> anyhow::Result<()> {
    let mut before = "{\"calls\":[";
    source.pages(pairs, &mut |page| {
        for call in &page.calls {
            print::out(before)?;
            print::out(&serde_json::to_string(call)?)?;
            before = ",";
        }
        Ok(ControlFlow::Continue(()))
    })?;
    print::line(if before == "," { "],\"next\":null}" } else { "{\"calls\":[],\"next\":null}" })
}

fn show(source: &Source, id: &str, json: bool) -> anyhow::Result<()> {
    let answer = match source.call(id)? {
        Some(answer) => answer,
        None => by_beginning(source, id)?,
    };
    if json {
        return print::line(&answer);
    }
    let call: Call = serde_json::from_str(&answer).context("the answer is no call")?;
    print::out(&detail::render(&call, Terminal::stdout()))
}

/// Finds a call by the beginning of an id that Weir made, as narrow tables show it: such an id begins with its time,
/// so only the calls around that time are looked at.
fn by_beginning(source: &Source, id: &str) -> anyhow::Result<String> {
    let beginning = id.trim_end_matches('…');
    let none = || format!("there is no call with the id or request id {id:?}: `weir calls` lists what there is");
    let at = made_at(beginning).with_context(none)?;
    let mut pairs: Pairs = vec![("kind".to_owned(), "any".to_owned()), ("limit".to_owned(), PAGE.to_owned())];
    pairs.push(("from".to_owned(), weir_core::time::to_rfc3339(at - 60 * SECOND)));
    pairs.push(("to".to_owned(), weir_core::time::to_rfc3339(at + 60 * SECOND)));
    let mut found: Vec<Call> = Vec::new();
    source.pages(pairs, &mut |page| {
        let is_it = |call: &Call| {
            call.id.starts_with(beginning) || call.request_id.as_ref().is_some_and(|r| r.starts_with(beginning))
        };
        found.extend(page.calls.into_iter().filter(is_it));
        Ok(if found.len() > 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    match found.as_slice() {
        [] => bail!(none()),
        [only] => source.call(&only.id)?.with_context(none),
        many => {
            let ids: Vec<&str> = many.iter().map(|c| c.id.as_str()).collect();
            bail!("several calls begin with {beginning:?}; say one of {}", ids.join(", "))
        }
    }
}

/// When a UUIDv7 was made, from its first 12 digits.
fn made_at(beginning: &str) -> Option<Micros> {
    let digits: String = beginning.chars().filter(|c| *c != '-').collect();
    let millis = i64::from_str_radix(digits.get(..12)?, 16).ok()?;
    digits.chars().all(|c| c.is_ascii_hexdigit()).then_some(millis * 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_tell_when_they_were_made() {
        assert_eq!(made_at("019aa360-9c00-7abc"), Some(0x019a_a360_9c00 * 1_000));
        assert_eq!(made_at("019aa360-9c"), None);
        assert_eq!(made_at("request-number-1"), None);
    }
}
