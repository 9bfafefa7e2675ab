//! `weir anomalies`: what changed, since when and why; and what people say of it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use weir_core::anomaly::Anomaly;
use weir_web::api::AnomalyList;

use super::anomalies_table;
use crate::read::filters::Range;
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
    /// Say that an anomaly was expected, or that it is the new normal
    Feedback(Say),
}

/// Which ones.
#[derive(Debug, clap::Args)]
struct List {
    /// Project
    #[arg(long)]
    project: Vec<String>,
    #[arg(long, help = "Metric, such as cost_per_call or error_ratio")]
    metric: Vec<String>,
    /// spike, shift, proportion, drift, silence or rule
    #[arg(long)]
    kind: Vec<String>,
    /// At least as bad: info, warning or critical
    #[arg(long)]
    severity: Option<String>,
    /// firing or resolved
    #[arg(long)]
    state: Option<String>,
    #[command(flatten)]
    range: Range,
    /// At most that many, the latest first
    #[arg(long, value_name = "N")]
    limit: Option<String>,
    /// What the four documented rules say, instead of the detectors
    #[arg(long, conflicts_with = "kind")]
    rules: bool,
    /// Judge anew from the beginning of what is stored
    #[arg(long)]
    evaluate: bool,
    /// The configuration whose [watch] says how files are judged; a server has its own [default: ./weir.toml]
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
}

/// What is said of which.
#[derive(Debug, clap::Args)]
struct Say {
    /// The anomaly's id
    id: String,
    /// expected: no problem, be less strict; new-normal: it stays so
    #[arg(value_parser = ["expected", "new-normal"])]
    feedback: String,
    /// The configuration whose [watch] says how files are judged; a server has its own [default: ./weir.toml]
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
}

/// 0: nothing bad goes on; 1: an anomaly of severity warning or above does; 2: an error.
pub(crate) fn run(args: &Args) -> ExitCode {
    let done = match &args.what {
        Some(What::Feedback(say)) => feedback(say).map(|()| false),
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

/// Shows them; whether something bad goes on.
fn list(args: &List) -> anyhow::Result<bool> {
    let source = Source::open(&args.source)?;
    let answer = source.anomalies(&args.pairs(), args.evaluate, args.config.as_deref())?;
    let list: AnomalyList = serde_json::from_str(&answer)
        .context("the answer is no list of anomalies: is this URL a Weir server of this version?")?;
    if args.json {
        print::line(&answer)?;
    } else {
        print::out(&anomalies_table::render(&list, Terminal::stdout()))?;
    }
    if !list.watch.complete {
        print::note("the watch is still judging what is stored; ask again in a minute");
    }
    if list.watch.left_out > 0 {
        print::note(&format!("{} projects are not watched: raise watch.projects", list.watch.left_out));
    }
    Ok(list.open)
}

fn feedback(args: &Say) -> anyhow::Result<()> {
    let (source, feedback) = (Source::open(&args.source)?, args.feedback.replace('-', "_"));
    let answer = source.anomaly_feedback(&args.id, &feedback, args.config.as_deref())?;
    if args.json {
        return print::line(&answer);
    }
    let anomaly: Anomaly = serde_json::from_str(&answer).context("the answer is no anomaly")?;
    print::line(&format!("{} of {}: {}", anomaly.metric, anomaly.project, args.feedback))
}

impl List {
    fn pairs(&self) -> Pairs {
        let mut pairs = Pairs::new();
        let mut all = |name: &str, values: &[String]| pairs.extend(values.iter().map(|v| (name.to_owned(), v.clone())));
        all("project", &self.project);
        all("metric", &self.metric);
        all("kind", &self.kind);
        for (name, value) in [
            ("severity", &self.severity),
            ("state", &self.state),
            ("since", &self.range.since),
            ("until", &self.range.until),
            ("limit", &self.limit),
        ] {
            all(name, value.as_slice());
        }
        if self.rules {
            all("kind", &["rule".to_owned()]);
        }
        pairs
    }
}
