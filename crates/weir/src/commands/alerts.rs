//! `weir alerts`: what fires; and the rules: listed, checked, tried out.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use weir_watch::alerts::dry_run::DryRun;
use weir_watch::alerts::files;
use weir_watch::alerts::rule::{Rule, Targets};
use weir_web::api::{AlertList, AlertView, RuleList};

use super::alerts_table;
use crate::config;
use crate::read::print::{self, Terminal};
use crate::read::source::{Pairs, Source, SourceArgs};

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List the rules and how they are doing
    Rules(Rules),
    /// Check files of rules without a server
    Check(Check),
    /// Show what a rule of a file would have done over the last 14 days; nobody is told
    DryRun(Try),
    /// Acknowledge an alert: you take care of it, and it is not told again and again
    Ack(Ack),
}

/// Which alerts.
#[derive(Debug, clap::Args)]
struct List {
    #[arg(long, help = "firing, no_data, pending, resolved or all; by default the first three")]
    state: Vec<String>,
    /// Only of this rule; may be given several times
    #[arg(long, value_name = "ID")]
    rule: Vec<String>,
    /// Only of this project; may be given several times
    #[arg(long, value_name = "NAME")]
    project: Vec<String>,
    /// Only as bad as this, or worse: info, warning or critical
    #[arg(long)]
    severity: Option<String>,
    /// Show at most so many, up to 1000 [default: 200]
    #[arg(long, value_name = "N")]
    limit: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
}

#[derive(Debug, clap::Args)]
struct Rules {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
}

#[derive(Debug, clap::Args)]
struct Check {
    /// Files of rules (TOML, YAML or JSON), or folders of them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    targets: Config,
}

#[derive(Debug, clap::Args)]
struct Try {
    /// File of rules
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Which rule, where the file has several
    #[arg(long, value_name = "ID")]
    rule: Option<String>,
    /// How much of the past, such as 24h; at most 14d [default: 14d]
    #[arg(long, value_name = "TIME")]
    span: Option<String>,
    /// Print JSON, with values and thresholds for a chart
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    targets: Config,
    #[command(flatten)]
    source: SourceArgs,
}

/// Where budgets and objectives stand that rules may be about.
#[derive(Debug, clap::Args)]
struct Config {
    /// Configuration file with the budgets and objectives that rules name; without it ./weir.toml, if it is there
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Ack {
    /// The alert's fingerprint, as `weir alerts` lists it
    fingerprint: String,
    /// Who takes care [default: the name of the key]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// What you say to the others
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    note: String,
    /// For how long, such as 2h [default: until the alert is over]
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
}

/// Runs it and gives the exit code: 1 while something fires that is not muted, 2 on an error.
pub(crate) fn run(args: &Args) -> ExitCode {
    let done = match &args.what {
        Some(What::Rules(rules)) => list_rules(rules).map(|()| false),
        Some(What::Check(files)) => check(files).map(|()| false),
        Some(What::DryRun(rule)) => try_out(rule).map(|()| false),
        Some(What::Ack(ack)) => acknowledge(ack).map(|()| false),
        None => list(&args.list),
    };
    match done {
        Ok(true) => ExitCode::from(1),
        Ok(false) => ExitCode::SUCCESS,
        Err(error) if print::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            print::note(&format!("{error:#}"));
            ExitCode::from(2)
        }
    }
}

/// Shows them; whether something fires.
fn list(args: &List) -> anyhow::Result<bool> {
    let answer = Source::open(&args.source)?.alerts(&args.pairs())?;
    let list: AlertList = serde_json::from_str(&answer)
        .context("the answer is no list of alerts: is this URL a Weir server of this version?")?;
    if args.json {
        print::line(&answer)?;
    } else {
        print::out(&alerts_table::alerts(&list.alerts, Terminal::stdout()))?;
    }
    Ok(list.open)
}

fn list_rules(args: &Rules) -> anyhow::Result<()> {
    let answer = Source::open(&args.source)?.alert_rules()?;
    if args.json {
        return print::line(&answer);
    }
    let list: RuleList = serde_json::from_str(&answer)
        .context("the answer is no list of rules: is this URL a Weir server of this version?")?;
    print::out(&alerts_table::rules(&list.rules, Terminal::stdout()))
}

fn check(args: &Check) -> anyhow::Result<()> {
    let mut paths = Vec::new();
    for path in &args.files {
        if path.is_dir() {
            paths.extend(files::list(path)?);
        } else {
            paths.push(path.clone());
        }
    }
    let rules = files::check(&paths, &args.targets.read()?)?;
    if paths.is_empty() {
        return print::line("there is no file of rules (.toml, .yaml, .yml or .json) to check");
    }
    let of = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    print::line(&format!("ok: {} in {}", of(rules.len(), "rule"), of(paths.len(), "file")))
}

fn try_out(args: &Try) -> anyhow::Result<()> {
    let rule = args.rule()?;
    let mut pairs = Pairs::new();
    pairs.extend(args.span.iter().map(|span| ("span".to_owned(), span.clone())));
    let answer = Source::open(&args.source)?.alert_dry_run(&rule, &pairs)?;
    if args.json {
        return print::line(&answer);
    }
    let run: DryRun = serde_json::from_str(&answer).context("the answer is no dry run")?;
    print::out(&alerts_table::dry_run(&run, Terminal::stdout()))
}

fn acknowledge(args: &Ack) -> anyhow::Result<()> {
    let mut said = serde_json::json!({ "note": args.note });
    for (name, value) in [("by", &args.by), ("until", &args.until)] {
        if let Some(value) = value {
            said[name] = serde_json::json!(value);
        }
    }
    let answer = Source::open(&args.source)?.acknowledge_alert(&args.fingerprint, &said)?;
    if args.json {
        return print::line(&answer);
    }
    let alert: AlertView = serde_json::from_str(&answer).context("the answer is no alert")?;
    let by = alert.ack.map(|ack| ack.by).unwrap_or_default();
    print::line(&format!("{} ({}): {by} takes care", alert.rule, alert.fingerprint))
}

impl List {
    fn pairs(&self) -> Pairs {
        let mut pairs = Pairs::new();
        let mut all = |name: &str, values: &[String]| pairs.extend(values.iter().map(|v| (name.to_owned(), v.clone())));
        all("state", &self.state);
        all("rule", &self.rule);
        all("project", &self.project);
        all("severity", self.severity.as_slice());
        all("limit", self.limit.as_slice());
        pairs
    }
}

impl Try {
    /// The rule that is meant.
    fn rule(&self) -> anyhow::Result<Rule> {
        let rules = files::check(std::slice::from_ref(&self.file), &self.targets.read()?)?;
        let ids: Vec<_> = rules.iter().map(|(rule, _)| rule.id.clone()).collect();
        let mut meant = rules.into_iter().map(|(rule, _)| rule);
        let found = match &self.rule {
            Some(id) => meant.find(|rule| rule.id == *id),
            None if ids.len() > 1 => {
                bail!("{} has several rules: name one of {} with --rule", self.file.display(), ids.join(", "))
            }
            None => meant.next(),
        };
        found.with_context(|| format!("{} has no such rule; it has {}", self.file.display(), ids.join(", ")))
    }
}

impl Config {
    fn read(&self) -> anyhow::Result<Targets> {
        let settings = config::load(self.config.as_deref())?.settings;
        Ok(files::targets(&settings.budgets, &settings.slos)?)
    }
}
