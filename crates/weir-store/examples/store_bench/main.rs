//! Measures the store: `store_bench [--calls N] [--journal N] [--single N] [--fill N] [--dir DIR] [--reuse DIR] [--only TEXT]`.
//!
//! `--calls`: durable calls per second, CPU and bytes per call, in batches of 1,000. `--single`: bytes per call when
//! each is committed alone. `--journal`: what an append costs the request. `--fill`: that many calls over 30 days,
//! then latencies of queries, idle and under load. `--reuse`: those of a store that `--fill N` has left in a folder. `--only`: queries whose name
//! contains it.

mod queries;
mod texts;

use std::collections::VecDeque;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_core::merge::SpanWrite;
use weir_core::observe::Unobserved;
use weir_core::time::{Clock, DAY};
use weir_store::exports::{ExportTarget, Scope};
use weir_store::ingest::{Ingest, IngestOptions, Receipt};
use weir_store::journal::Journal;
use weir_store::sqlite::{SqliteOptions, SqliteStore};

type Failure = Box<dyn std::error::Error>;

/// Lines of the table that is printed.
pub(crate) struct Table {
    lines: Vec<(String, String, String)>,
    /// Only queries whose name contains it.
    pub(crate) only: Option<String>,
}

impl Table {
    /// Adds a line and prints it at once.
    pub(crate) fn line(&mut self, what: &str, measured: String, target: &str) -> Result<(), Failure> {
        writeln!(std::io::stdout(), "| {what:<58} | {measured:<44} | {target:<16} |")?;
        self.lines.push((what.into(), measured, target.into()));
        Ok(())
    }
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| arguments.iter().position(|a| a == name).and_then(|at| arguments.get(at + 1)).cloned();
    let number = |name: &str| value(name).and_then(|v| v.parse::<u64>().ok());
    let base = value("--dir").unwrap_or_else(|| "/tmp".into());
    let mut table = Table { lines: Vec::new(), only: value("--only") };
    table.line("measure", "result".into(), "target")?;
    if let Some(dir) = value("--reuse") {
        let calls = number("--fill").unwrap_or(100_000);
        return ask(start(Path::new(&dir))?, texts::Traffic::new(11), calls, Clock::system().now(), &mut table);
    }
    let none = number("--calls").is_none()
        && number("--journal").is_none()
        && number("--single").is_none()
        && number("--fill").is_none();
    if none || number("--calls").is_some() {
        let calls = number("--calls").unwrap_or(200_000);
        in_folder(&base, |dir| ingest_rate(dir, calls, &[], &mut table))?;
        in_folder(&base, |dir| ingest_rate(dir, calls, &["bench"], &mut table))?;
    }
    if none || number("--journal").is_some() {
        in_folder(&base, |dir| journal_cost(dir, number("--journal").unwrap_or(100_000), &mut table))?;
    }
    if none || number("--single").is_some() {
        in_folder(&base, |dir| single(dir, number("--single").unwrap_or(5_000), &mut table))?;
    }
    if none || number("--fill").is_some() {
        in_folder(&base, |dir| fill(dir, number("--fill").unwrap_or(100_000), &mut table))?;
    }
    Ok(())
}

fn in_folder(base: &str, run: impl FnOnce(&Path) -> Result<(), Failure>) -> Result<(), Failure> {
    let dir = Path::new(base).join(format!("weir-store-bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let done = run(&dir);
    std::fs::remove_dir_all(&dir)?;
    done
}

fn start(dir: &Path) -> Result<(SqliteStore, Arc<Journal>, Ingest), Failure> {
    start_with(dir, &[])
}

/// A store that queues calls for exporters.
fn start_with(dir: &Path, exports: &[&str]) -> Result<(SqliteStore, Arc<Journal>, Ingest), Failure> {
    let target = |name: &&str| ExportTarget { name: (*name).to_owned(), scope: Scope::Calls };
    let exports = exports.iter().map(target).collect();
    let store = SqliteStore::open_with(dir, SqliteOptions { exports, ..SqliteOptions::default() })?;
    let journal = Arc::new(Journal::open(dir, 1 << 30)?);
    let ingest =
        Ingest::start(Arc::new(store.clone()), Arc::clone(&journal), Arc::new(Unobserved), IngestOptions::default())?;
    Ok((store, journal, ingest))
}

/// Submits a batch; a few may wait for their commit.
fn submit(ingest: &Ingest, waiting: &mut VecDeque<Receipt>, writes: Vec<SpanWrite>) -> Result<(), Failure> {
    waiting.push_back(ingest.submit("bench", writes)?);
    while waiting.len() > 6 {
        if let Some(receipt) = waiting.pop_front() {
            receipt.blocking_recv()?;
        }
    }
    Ok(())
}

fn ingest_rate(dir: &Path, calls: u64, exports: &[&str], table: &mut Table) -> Result<(), Failure> {
    let (store, _journal, ingest) = start_with(dir, exports)?;
    let mut traffic = texts::Traffic::new(7);
    let now = Clock::system().now();
    let mut batches: Vec<Vec<SpanWrite>> = Vec::new();
    for batch in 0..calls / 1_000 {
        // As if 1,000 calls a second had been made in the last minutes.
        let writes = (0..1_000).map(|n| {
            let n = batch * 1_000 + n;
            let start = now - (calls - n) as i64 * 1_000;
            SpanWrite::create(traffic.call(n, start), start)
        });
        batches.push(writes.collect());
    }
    let before = cpu();
    let begun = Instant::now();
    let mut waiting = VecDeque::new();
    for batch in batches {
        submit(&ingest, &mut waiting, batch)?;
    }
    for receipt in waiting {
        receipt.blocking_recv()?;
    }
    let wall = begun.elapsed().as_secs_f64();
    let after = cpu();
    let what = if exports.is_empty() { "" } else { ", queued for export" };
    table.line(
        &format!("durable calls/s, batches of 1,000 (FULL){what}"),
        format!("{:.0}", calls as f64 / wall),
        ">= 50,000",
    )?;
    for (thread, ticks) in &after {
        let spent = ticks - before.get(thread).copied().unwrap_or_default();
        if spent > 0 && (thread.starts_with("ingest") || thread.starts_with("store")) {
            let micros = spent as f64 * 10_000.0 / calls as f64;
            table.line(&format!("  CPU us/call, thread {thread}"), format!("{micros:.1}"), "")?;
        }
    }
    ingest.stop();
    std::thread::sleep(Duration::from_secs(1));
    bytes(dir, store, ingest, calls, &format!("bytes/call on disk with all indexes{what}"), table)
}

fn journal_cost(dir: &Path, calls: u64, table: &mut Table) -> Result<(), Failure> {
    let journal = Journal::open(dir, 64 << 30)?;
    let mut traffic = texts::Traffic::new(13);
    let spans: Vec<_> = (0..1_000).map(|n| traffic.call(n, Clock::system().now())).collect();
    let mut took: Vec<f64> = Vec::with_capacity(calls as usize);
    for span in spans.iter().cycle().take(calls as usize) {
        let begun = Instant::now();
        journal.append(span)?;
        took.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    took.sort_by(f64::total_cmp);
    let (p50, p99) = (took[took.len() / 2], took[took.len() * 99 / 100]);
    let mean = took.iter().sum::<f64>() / took.len() as f64;
    let measured = format!("p50 {p50:.1} us  p99 {p99:.1} us  mean {mean:.1}");
    table.line("journal append of a call of 3 KB", measured, "< 5 us")
}

fn single(dir: &Path, calls: u64, table: &mut Table) -> Result<(), Failure> {
    let (store, _journal, ingest) = start(dir)?;
    let mut traffic = texts::Traffic::new(9);
    let now = Clock::system().now();
    let begun = Instant::now();
    for n in 0..calls {
        let start = now - DAY / 10 + n as i64 * 1_000_000;
        ingest.submit("bench", vec![SpanWrite::create(traffic.call(n, start), start)])?.blocking_recv()?;
    }
    let each = begun.elapsed().as_secs_f64() * 1e3 / calls as f64;
    table.line("one call per commit: ms per commit", format!("{each:.2}"), "")?;
    bytes(dir, store, ingest, calls, "bytes/call, one call per commit", table)
}

/// Closes the store, so that the WAL is gone, and divides the file.
fn bytes(
    dir: &Path,
    store: SqliteStore,
    ingest: Ingest,
    calls: u64,
    what: &str,
    table: &mut Table,
) -> Result<(), Failure> {
    std::thread::sleep(Duration::from_millis(700));
    drop(ingest);
    let tables = weir_store::telemetry::Telemetry::sizes(&store)?;
    drop(store);
    let size = std::fs::metadata(dir.join("telemetry.db"))?.len();
    table.line(what, format!("{:.0}", size as f64 / calls as f64), "<= 1,500")?;
    for size in tables.iter().skip(2).take(6) {
        let each = size.bytes as f64 / calls as f64;
        table.line(&format!("  of that {}", size.name), format!("{each:.0}"), "")?;
    }
    Ok(())
}

fn fill(dir: &Path, calls: u64, table: &mut Table) -> Result<(), Failure> {
    let (store, journal, ingest) = start(dir)?;
    let mut traffic = texts::Traffic::new(11);
    let now = Clock::system().now();
    let first = now - 30 * DAY;
    let step = 30 * DAY / calls as i64;
    let begun = Instant::now();
    let mut waiting = VecDeque::new();
    for batch in 0..calls / 1_000 {
        let writes = (0..1_000).map(|n| {
            let n = batch * 1_000 + n;
            let start = first + n as i64 * step;
            SpanWrite::create(traffic.call(n, start), start)
        });
        submit(&ingest, &mut waiting, writes.collect())?;
    }
    for receipt in waiting {
        receipt.blocking_recv()?;
    }
    let wall = begun.elapsed().as_secs_f64();
    table.line("fill over 30 days: calls/s with texts made beside", format!("{:.0}", calls as f64 / wall), "")?;
    std::thread::sleep(Duration::from_secs(5));
    ask((store, journal, ingest), traffic, calls, now, table)
}

/// Times the queries, idle and under load.
fn ask(
    (store, journal, ingest): (SqliteStore, Arc<Journal>, Ingest),
    mut traffic: texts::Traffic,
    calls: u64,
    now: weir_core::time::Micros,
    table: &mut Table,
) -> Result<(), Failure> {
    queries::run(&store, calls, now, "idle", table)?;

    // The same while 2,000 calls a second come in through the journal.
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let feeder = std::thread::spawn({
        let (stop, journal) = (Arc::clone(&stop), Arc::clone(&journal));
        move || {
            let mut n = calls;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let tick = Instant::now();
                for _ in 0..20 {
                    let mut span = traffic.call(n, 0);
                    let latency = span.end_us.unwrap_or_default();
                    let end = Clock::system().now();
                    (span.start_us, span.end_us) = (Some(end - latency), Some(end));
                    n += 1;
                    if journal.append(&span).is_err() {
                        return n;
                    }
                }
                std::thread::sleep(Duration::from_millis(10).saturating_sub(tick.elapsed()));
            }
            n
        }
    });
    std::thread::sleep(Duration::from_secs(5));
    let begun = Instant::now();
    let before = ingest.status().committed;
    queries::run(&store, calls, now, "under load", table)?;
    let rate = (ingest.status().committed - before) as f64 / begun.elapsed().as_secs_f64();
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let _written = feeder.join();
    table.line("calls/s written beside the queries", format!("{rate:.0}"), "2,000")?;
    table.line("resident memory", format!("{} MB", resident()? / 1024), "")?;
    Ok(())
}

/// Clock ticks (10 ms) that each thread has used, by name.
fn cpu() -> std::collections::BTreeMap<String, u64> {
    let mut out = std::collections::BTreeMap::new();
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return out };
    for task in tasks.flatten() {
        let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        let ticks = stat.rsplit(") ").next().unwrap_or_default().split(' ').skip(11).take(2);
        *out.entry(name.trim().to_owned()).or_default() += ticks.filter_map(|t| t.parse::<u64>().ok()).sum::<u64>();
    }
    out
}

fn resident() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap_or_default();
    Ok(line.split_whitespace().next().unwrap_or("0").parse()?)
}
