//! `weir ready`: whether a service is ready for production.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use weir_core::time::{Clock, DAY, MINUTE, Micros};
use weir_store::sqlite::{CatalogReader, SqliteStore};
use weir_watch::alerts::rule_set::RuleSet;
use weir_watch::readiness::{Report, judge};
use weir_web::api::when;

use super::ready_table;
use crate::config;
use crate::read::alerts::Files;
use crate::read::online::Online;
use crate::read::print::{self, Terminal};
use crate::read::source::{Pairs, SourceArgs};
use crate::readiness::{self, Seen, Sources};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How far back calls and scores are looked at, such as 24h or 30d [default: the configuration's]
    #[arg(long, value_name = "AGE", value_parser = window)]
    window: Option<Micros>,
    /// The configuration, which holds the targets; a server has its own [default: ./weir.toml]
    #[arg(long, short, value_name = "FILE", conflicts_with = "url")]
    config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
}

fn window(text: &str) -> Result<Micros, String> {
    when::duration(text)
        .filter(|us| (MINUTE..=90 * DAY).contains(us))
        .ok_or_else(|| "write a time from 1m to 90d, such as 24h or 30d".to_owned())
}

/// 0: ready; 1: not; 2: it could not be judged.
pub(crate) fn run(args: &Args) -> ExitCode {
    match told(args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) if print::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            print::note(&format!("{error:#}"));
            ExitCode::from(2)
        }
    }
}

fn told(args: &Args) -> anyhow::Result<bool> {
    let report = match (&args.source.data, &args.source.url) {
        (None, Some(url)) => ask(args, url)?,
        _ => look(args)?,
    };
    if args.json {
        print::line(&serde_json::to_string(&report)?)?;
    } else {
        print::out(&ready_table::render(&report, Terminal::stdout()))?;
    }
    Ok(report.ready)
}

fn ask(args: &Args, url: &str) -> anyhow::Result<Report> {
    let mut pairs = Pairs::new();
    pairs.extend(args.window.map(|us| ("window".to_owned(), when::print_duration(us))));
    let answer = Online::new(url, args.source.key.as_deref())?.get(&["readiness"], &pairs)?;
    serde_json::from_str(&answer).context("the answer is no report: is this URL a Weir server of this version?")
}

/// Judges the files of a data folder.
fn look(args: &Args) -> anyhow::Result<Report> {
    let loaded = config::load(args.config.as_deref())?;
    let (targets, window) = loaded.settings.readiness.targets()?;
    loaded.settings.backup.check()?;
    let data = args.source.data.as_ref().unwrap_or(&loaded.settings.server.data);
    if !data.exists() {
        bail!(
            "there is no data folder {}: start `weir serve`, name a folder (--data) or a server (--url)",
            data.display()
        );
    }
    let store = SqliteStore::open_read_only(data).with_context(|| format!("cannot read {}", data.display()))?;
    let now = Clock::system().now();
    let setup = loaded.settings.alerts()?;
    let channels = loaded.settings.channels()?;
    let (made, seen) = match CatalogReader::open(data)? {
        Some(reader) => {
            let seen = Seen {
                tests: reader.channel_tests()?,
                evaluations: reader.alert_evaluations()?,
                deliveries: readiness::deliveries(&channels, |channel| reader.channel_deliveries(channel))?,
            };
            (reader.alert_rules()?, seen)
        }
        None => (Vec::new(), Seen::default()),
    };
    let (rules, _) = RuleSet::new(&setup.configured, &made);
    let rules = loaded.settings.alerts.enabled.then_some(&rules);
    let mut budgets = readiness::stored_budgets(&loaded.gateway, &store, now);
    let files = Files::open(&store, data)?;
    budgets.extend(readiness::watched_budgets(&setup.configured.targets.budgets, &files, now)?);
    let sources = Sources {
        store: &store,
        record: &loaded.gateway.record,
        shelf: loaded.settings.backup.dir.as_deref(),
        budgets,
        alerts: Some(readiness::alerts(rules, &channels, &seen)),
        lost: 0,
    };
    let facts = readiness::facts(sources, args.window.unwrap_or(window), now)?;
    Ok(judge(&facts, &targets))
}
