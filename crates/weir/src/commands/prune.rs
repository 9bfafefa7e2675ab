//! `weir prune`: deletes old calls from a data folder.

use std::io::{self, BufRead, IsTerminal};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use weir_core::filter::Filter;
use weir_core::time::{Clock, Micros, to_rfc3339};
use weir_store::sqlite::SqliteStore;
use weir_store::telemetry::{Telemetry, TimeRange};
use weir_web::api::when;

use crate::read::source::DEFAULT_DATA;
use crate::read::{format, print};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Delete what started longer ago than this, such as 30d; figures per day stay
    #[arg(long, value_name = "AGE", value_parser = age)]
    older_than: Micros,
    /// Only say how much would be deleted
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// The folder
    #[arg(long, value_name = "DIR", default_value = DEFAULT_DATA)]
    data: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn age(text: &str) -> Result<Micros, String> {
    when::duration(text).filter(|us| *us > 0).ok_or_else(|| "write an age such as 30d, 12h or 2w".to_owned())
}

/// Deletes, after asking.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let before = Clock::system().now().saturating_sub(args.older_than);
    if args.dry_run {
        return report(args, before, count(&args.data, before)?, "would be deleted");
    }
    if !args.yes {
        let n = count(&args.data, before)?;
        if n == 0 {
            return report(args, before, 0, "deleted");
        }
        ask(n, before)?;
    }
    let deleted = delete(&args.data, before)?;
    report(args, before, deleted, "deleted")
}

fn report(args: &Args, before: Micros, spans: u64, what: &str) -> anyhow::Result<()> {
    if args.json {
        let answer = serde_json::json!({"before": to_rfc3339(before), "spans": spans, "dry_run": args.dry_run});
        return print::line(&answer.to_string());
    }
    let noun = if spans == 1 { "span" } else { "spans" };
    print::line(&format!("{spans} {noun} from before {} {what}.", format::full_time(&to_rfc3339(before))))
}

fn ask(spans: u64, before: Micros) -> anyhow::Result<()> {
    if !io::stdin().is_terminal() {
        bail!("this deletes {spans} spans; say --yes to do it, or --dry-run to see what it would do");
    }
    print::out(&format!("Delete {spans} spans from before {}? [y/N] ", format::full_time(&to_rfc3339(before))))?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { bail!("nothing was deleted") }
}

fn count(dir: &Path, before: Micros) -> anyhow::Result<u64> {
    let store = SqliteStore::open_read_only(dir)?;
    let mut n = 0;
    store.scan(TimeRange { from: None, to: Some(before) }, &Filter::all(), false, &mut |_| {
        n += 1;
        ControlFlow::Continue(())
    })?;
    Ok(n)
}

fn delete(dir: &Path, before: Micros) -> anyhow::Result<u64> {
    // Opening for writing makes what is not there; there must be something to prune.
    SqliteStore::open_read_only(dir)?;
    let store = SqliteStore::open(dir).map_err(|error| {
        anyhow!("{error}. A running server prunes by itself: set `retention` under [record] in weir.toml")
    })?;
    Ok(store.prune(before)?)
}
