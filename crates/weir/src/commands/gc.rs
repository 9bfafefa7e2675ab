//! `weir gc`: what is deleted goes for good, and its room is given back.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use weir_core::time::{Clock, Micros};
use weir_store::artifacts::ArtifactStore;
use weir_store::catalog::Purge;
use weir_store::sqlite::{SqliteCatalog, SqliteStore};
use weir_web::api::{GcAnswer, when};

use crate::config;
use crate::gc::Collector;
use crate::read::online::Online;
use crate::read::{print, source};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only what was deleted longer ago than this, such as 30d
    #[arg(long, value_name = "AGE", value_parser = age)]
    older_than: Option<Micros>,
    /// Only say how much would go
    #[arg(long)]
    dry_run: bool,
    /// The folder of a server that is stopped [default: the configuration's]
    #[arg(long, value_name = "DIR", conflicts_with = "url")]
    data: Option<PathBuf>,
    /// The configuration file, which says where artifacts are
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The server at this URL, while it runs
    #[arg(long, value_name = "URL", env = "WEIR_URL", hide_env_values = true)]
    url: Option<String>,
    /// A key of role admin for the server
    #[arg(long, value_name = "KEY", env = "WEIR_KEY", hide_env_values = true)]
    key: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn age(text: &str) -> Result<Micros, String> {
    when::duration(text).filter(|us| *us >= 0).ok_or_else(|| "write an age such as 30d, 12h or 2w".to_owned())
}

/// Lets it go.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let answer = match (&args.url, &args.data) {
        (Some(url), None) => ask(args, url)?,
        _ => collect(args)?,
    };
    if args.json {
        return print::line(&serde_json::to_string(&answer)?);
    }
    print::line(&told(&answer))
}

fn told(answer: &GcAnswer) -> String {
    let count = |n: u64, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
    let files = answer.files.map_or_else(String::new, |n| format!(", {}", count(n, "file")));
    format!(
        "{}, {}, {}{files}; {} of {} bytes {}.",
        count(answer.projects, "experiment"),
        count(answer.runs, "run"),
        count(answer.logged_models, "logged model"),
        count(answer.contents, "content"),
        answer.bytes,
        if answer.dry_run { "would go" } else { "went" },
    )
}

fn ask(args: &Args, url: &str) -> anyhow::Result<GcAnswer> {
    let mut pairs = source::Pairs::new();
    if let Some(age) = args.older_than {
        pairs.push(("older_than".to_owned(), when::print_duration(age)));
    }
    pairs.push(("dry_run".to_owned(), args.dry_run.to_string()));
    let answer = Online::new(url, args.key.as_deref())?.post(&["gc"], &pairs)?;
    serde_json::from_str(&answer).context("the server's answer cannot be read")
}

fn collect(args: &Args) -> anyhow::Result<GcAnswer> {
    let loaded = config::load(args.config.as_deref())?;
    let data = args.data.clone().unwrap_or_else(|| loaded.settings.server.data.clone());
    let env = |name: &str| std::env::var(name).ok();
    let options = loaded.settings.artifacts.options(&data, &env)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let _in = runtime.enter();
    let telemetry = open(&data)?;
    let catalog = Arc::new(SqliteCatalog::open(&data)?);
    let clock = Clock::system();
    let artifacts = Arc::new(ArtifactStore::open(catalog.clone(), &options, clock.clone())?);
    let collector = Collector { catalog: catalog.clone(), artifacts, telemetry: Arc::new(telemetry) };
    let before = clock.now().saturating_sub(args.older_than.unwrap_or_default());
    let answer = collector.collect(runtime.handle(), before, args.dry_run);
    let answer = answer.map_err(|error| anyhow!(error.message))?;
    if !args.dry_run {
        catalog.compact()?;
    }
    Ok(answer)
}

fn open(data: &Path) -> anyhow::Result<SqliteStore> {
    // Opening for writing makes what is not there; there must be something to free.
    SqliteStore::open_read_only(data)?;
    SqliteStore::open(data).map_err(|error| anyhow!("{error}. A running server does it with --url URL --key KEY"))
}
