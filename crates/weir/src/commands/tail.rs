//! `weir tail`: calls as they finish.

use std::cell::RefCell;
use std::collections::HashSet;

use weir_web::api::Call;

use crate::read::filters::Filters;
use crate::read::print::{self, Terminal};
use crate::read::source::{self, Source, SourceArgs};
use crate::read::{format, rows, table};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    filters: Filters,
    /// Show so many earlier calls first
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10)]
    lines: usize,
    /// Print a JSON object per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
}

/// Shows the newest calls, then each call when it finishes, until interrupted.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let source = Source::open(&args.source)?;
    let pairs = args.filters.pairs();
    let terminal = Terminal::stdout();
    let show = |call: &Call| {
        let text = if args.json { serde_json::to_string(call)? } else { line(call, terminal) };
        print::line(&text)
    };
    let earlier = RefCell::new(HashSet::new());
    let mut ready = || {
        if args.lines == 0 {
            return Ok(());
        }
        let mut newest = pairs.clone();
        newest.push(("limit".to_owned(), args.lines.to_string()));
        for call in source::parse(&source.calls(&newest)?)?.calls.into_iter().rev() {
            show(&call)?;
            if call.latency_ms.is_some() {
                earlier.borrow_mut().insert(call.id);
            }
        }
        Ok(())
    };
    source.follow(&pairs, &mut ready, &mut |json| {
        let call: Call = serde_json::from_str(json)?;
        // A call that finished between the start of the tail and the list comes by both ways.
        if earlier.borrow_mut().remove(&call.id) { Ok(()) } else { show(&call) }
    })
}

/// The call on one line with fixed columns, since the widths of what is to come are not known.
fn line(call: &Call, terminal: Terminal) -> String {
    const MODEL: usize = 2;
    const WIDTHS: [usize; 9] = [12, 12, 30, 14, 13, 10, 8, 8, 36];
    // time, status, model, tokens, cost, latency, and a shortened request id
    const NARROW: [usize; 9] = [8, 8, 13, 0, 10, 9, 6, 0, 14];
    let widths = match terminal.width {
        Some(width) if width < WIDTHS.iter().sum::<usize>() + 2 * (WIDTHS.len() - 1) => NARROW,
        _ => WIDTHS,
    };
    let mut text = String::new();
    for (n, (table::Cell(cell, tone), width)) in rows::row(call).iter().zip(widths).enumerate() {
        if width == 0 {
            continue;
        }
        if !text.is_empty() {
            text.push_str("  ");
        }
        let cell = format::harmless(cell).replace('\n', " ");
        let cell = if n == MODEL { table::cut_model(&cell, width) } else { table::cut(&cell, width) };
        let padded = if (4..8).contains(&n) { format!("{cell:>width$}") } else { format!("{cell:width$}") };
        text.push_str(&table::paint(&padded, *tone, terminal.colour));
    }
    text.trim_end().to_owned()
}
