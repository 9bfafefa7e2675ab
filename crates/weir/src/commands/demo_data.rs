//! `weir demo-data`: fills a data folder with a month of made-up traffic, to look at and to measure with.

use std::path::{Path, PathBuf};
use std::time::Instant;

use weir_core::time::{Clock, Micros, parse, to_rfc3339};

use crate::config;
use crate::demo::{self, Made, Options};
use crate::import::Progress;
use crate::read::print;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The data folder: made, or empty [default: the configuration's]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The configuration file, which says where data and artifacts are
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Days of traffic; incidents need 18
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=400))]
    days: u32,
    /// Calls of models, about
    #[arg(long, value_name = "N", default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    calls: u64,
    /// Another number gives other traffic, the same number the same
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// When the traffic ends, such as 2026-01-31T12:00:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Micros>,
    /// Add to a folder that has something in it
    #[arg(long)]
    add: bool,
}

fn time(text: &str) -> Result<Micros, String> {
    parse(text).filter(|at| *at > 0).ok_or_else(|| "write a time such as 2026-01-31T12:00:00Z".to_owned())
}

/// Fills the folder and says what to do next.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let loaded = config::load(args.config.as_deref())?;
    let data = args.data.clone().unwrap_or_else(|| loaded.settings.server.data.clone());
    let options = Options {
        until: args.until.unwrap_or_else(|| Clock::system().now()),
        days: args.days,
        calls: args.calls,
        seed: args.seed,
        add: args.add,
    };
    let (begun, progress) = (Instant::now(), Progress::start());
    progress.begin("calls", Some(options.calls));
    let made = demo::fill(&data, &options, &loaded, &|calls| progress.more(calls));
    progress.end();
    print::out(&told(&made?, &data, begun.elapsed().as_secs_f64()))
}

fn told(made: &Made, data: &Path, seconds: f64) -> String {
    let minute =
        |at: Micros| to_rfc3339(at).get(..16).map(|text| format!("{}Z", text.replace('T', " "))).unwrap_or_default();
    let data = data.display();
    let mut text = format!(
        "{} calls ({} spans, {} scores) of the project {}, from {} to {},\n\
         {} experiments with {} runs, {} versions of prompts and {} datasets are in {data} ({seconds:.1} s).\n",
        made.calls,
        made.spans,
        made.scores,
        demo::PROJECT,
        minute(made.range.start),
        minute(made.range.end),
        made.experiments,
        made.runs,
        made.prompt_versions,
        made.datasets,
    );
    if let (Some(trouble), Some(changed)) = (&made.trouble, made.changed) {
        text += &format!(
            "Two things went wrong in it: a provider from {} to {}, and a prompt since {}.\n",
            minute(trouble.start),
            minute(trouble.end),
            minute(changed)
        );
    }
    text += &format!(
        "\nNext:\n\
         \x20 weir serve --data {data}                           then open http://127.0.0.1:8080\n\
         \x20 weir anomalies --data {data}                       what changed, since when and why\n\
         \x20 weir stats --data {data} --since 7d --by model     calls, tokens, cost, latency\n\
         \x20 weir workflow support-assistant --data {data} --since 7d\n\
         \x20 weir ab support-answer --data {data} --since 30d   which version of the prompt is better\n\
         With `weir serve` running, MLFLOW_TRACKING_URI=http://127.0.0.1:8080 shows the runs to any MLflow client.\n"
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_what_went_wrong_only_where_it_did() {
        let made = Made {
            range: 0..1,
            calls: 1,
            spans: 2,
            scores: 3,
            experiments: 4,
            runs: 5,
            prompt_versions: 6,
            datasets: 7,
            trouble: Some(1_763_683_200_000_000..1_763_683_260_000_000),
            changed: Some(1_763_683_200_000_000),
        };
        let text = told(&made, Path::new("d"), 0.2);
        assert!(text.contains("a provider from 2025-11-21 00:00Z to 2025-11-21 00:01Z"), "{text}");
        assert!(text.contains("weir serve --data d "), "{text}");
        assert!(!told(&Made { changed: None, ..made }, Path::new("d"), 0.2).contains("went wrong"));
    }
}
