//! Where a reading command gets its answers from.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use weir_watch::alerts::rule::Rule;
use weir_web::api::{Call, CallList};

use super::anomalies;
use super::offline::Offline;
use super::online::Online;

/// Where to read from.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Source")]
pub(crate) struct SourceArgs {
    /// Read the files of this folder, or this one database file; works beside a running server
    /// [default: ./weir-data]
    #[arg(long, value_name = "DIR|FILE")]
    pub data: Option<PathBuf>,
    /// Ask the server at this URL instead
    #[arg(long, value_name = "URL", env = "WEIR_URL", hide_env_values = true)]
    pub url: Option<String>,
    /// The key for the server
    #[arg(long, value_name = "KEY", env = "WEIR_KEY", hide_env_values = true)]
    pub key: Option<String>,
}

/// The folder that is read when nothing else is said.
pub(crate) const DEFAULT_DATA: &str = "./weir-data";

/// Query parameters.
pub(crate) type Pairs = Vec<(String, String)>;

/// Recorded calls, on disk or behind a URL.
pub(crate) enum Source {
    /// The files of a folder, or one file.
    Offline(Offline),
    /// A running server.
    Online(Online),
}

impl Source {
    /// Opens the source that the arguments name; `--data` wins over a URL from the environment.
    ///
    /// # Errors
    /// The folder holds no store, or the URL is none.
    pub(crate) fn open(args: &SourceArgs) -> anyhow::Result<Self> {
        match (&args.data, &args.url) {
            (None, Some(url)) => Ok(Self::Online(Online::new(url, args.key.as_deref())?)),
            (data, _) => {
                let dir = data.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_DATA));
                Ok(Self::Offline(Offline::open(&dir)?))
            }
        }
    }

    /// The JSON of `/api/v1/calls`.
    pub(crate) fn calls(&self, pairs: &Pairs) -> anyhow::Result<String> {
        match self {
            Self::Offline(files) => files.calls(pairs),
            Self::Online(server) => server.get(&["calls"], pairs),
        }
    }

    /// The JSON of `/api/v1/calls/{id}`; `None` when there is no such call.
    pub(crate) fn call(&self, id: &str) -> anyhow::Result<Option<String>> {
        match self {
            Self::Offline(files) => files.call(id),
            Self::Online(server) => server.find(&["calls", id]),
        }
    }

    /// The JSON of `/api/v1/stats`.
    pub(crate) fn stats(&self, pairs: &Pairs) -> anyhow::Result<String> {
        match self {
            Self::Offline(files) => files.stats(pairs),
            Self::Online(server) => server.get(&["stats"], pairs),
        }
    }

    /// The JSON of `/api/v1/prompts/{name}/compare`.
    pub(crate) fn compare(&self, prompt: &str, pairs: &Pairs) -> anyhow::Result<String> {
        match self {
            Self::Offline(files) => files.compare(prompt, pairs),
            Self::Online(server) => server.get(&["prompts", prompt, "compare"], pairs),
        }
    }

    /// The JSON of `/api/v1/workflows`.
    pub(crate) fn workflows(&self, pairs: &Pairs) -> anyhow::Result<String> {
        match self {
            Self::Offline(files) => files.workflows(pairs),
            Self::Online(server) => server.get(&["workflows"], pairs),
        }
    }

    /// The JSON of `/api/v1/workflows/{name}`.
    pub(crate) fn workflow(&self, name: &str, pairs: &Pairs) -> anyhow::Result<String> {
        match self {
            Self::Offline(files) => files.workflow(name, pairs),
            Self::Online(server) => server.get(&["workflows", name], pairs),
        }
    }

    /// The JSON of `/api/v1/requests/{id}/path`.
    pub(crate) fn request_path(&self, id: &str) -> anyhow::Result<String> {
        match self {
            Self::Offline(files) => files.request_path(id),
            Self::Online(server) => server.get(&["requests", id, "path"], &Pairs::new()),
        }
    }

    /// The JSON of `/api/v1/traces/{id}/path`.
    pub(crate) fn trace_path(&self, id: &str) -> anyhow::Result<String> {
        match self {
            Self::Offline(files) => files.trace_path(id),
            Self::Online(server) => server.get(&["traces", id, "path"], &Pairs::new()),
        }
    }

    /// The JSON of `/api/v1/anomalies`; `anew`: judged from the beginning of what is stored. Files are judged as the
    /// configuration says, by a server as its own says.
    pub(crate) fn anomalies(&self, pairs: &Pairs, anew: bool, config: Option<&Path>) -> anyhow::Result<String> {
        match self {
            Self::Offline(files) => files.anomalies(pairs, anew, &anomalies::options(config)?),
            Self::Online(server) => {
                if anew {
                    let of = pairs.iter().filter(|(name, _)| name == "project").cloned().collect();
                    server.post(&["anomalies", "evaluate"], &of)?;
                }
                server.get(&["anomalies"], pairs)
            }
        }
    }

    /// Says something of an anomaly; its JSON.
    pub(crate) fn anomaly_feedback(&self, id: &str, feedback: &str, config: Option<&Path>) -> anyhow::Result<String> {
        match self {
            Self::Offline(files) => files.anomaly_feedback(id, feedback, &anomalies::options(config)?),
            Self::Online(server) => {
                let body = serde_json::json!({ "feedback": feedback });
                server.post_json(&["anomalies", id, "feedback"], &body)
            }
        }
    }

    /// The JSON of `/api/v1/alerts`.
    pub(crate) fn alerts(&self, pairs: &Pairs) -> anyhow::Result<String> {
        match self {
            Self::Offline(files) => files.alerts(pairs),
            Self::Online(server) => server.get(&["alerts"], pairs),
        }
    }

    /// The JSON of `/api/v1/alert-rules`; of files only the rules that were made over the API.
    pub(crate) fn alert_rules(&self) -> anyhow::Result<String> {
        match self {
            Self::Offline(files) => files.alert_rules(),
            Self::Online(server) => server.get(&["alert-rules"], &Pairs::new()),
        }
    }

    /// The JSON of `/api/v1/alert-rules/dry-run`.
    pub(crate) fn alert_dry_run(&self, rule: &Rule, pairs: &Pairs) -> anyhow::Result<String> {
        match self {
            Self::Offline(files) => files.alert_dry_run(rule, pairs),
            Self::Online(server) => {
                server.post_json_with(&["alert-rules", "dry-run"], pairs, &serde_json::to_value(&rule.doc)?)
            }
        }
    }

    /// Says that somebody takes care of an alert; its JSON.
    pub(crate) fn acknowledge_alert(&self, fingerprint: &str, said: &serde_json::Value) -> anyhow::Result<String> {
        match self {
            Self::Offline(_) => bail!("alerts are acknowledged at the running server: name it with --url URL"),
            Self::Online(server) => server.post_json(&["alerts", fingerprint, "ack"], said),
        }
    }

    /// The JSON of `/api/v1/status`.
    pub(crate) fn status(&self) -> anyhow::Result<String> {
        match self {
            Self::Offline(files) => files.status(),
            Self::Online(server) => server.get(&["status"], &Pairs::new()),
        }
    }

    /// The pages of a list, each given to `each` until it breaks.
    pub(crate) fn pages(
        &self,
        mut pairs: Pairs,
        each: &mut dyn FnMut(CallList) -> anyhow::Result<ControlFlow<()>>,
    ) -> anyhow::Result<()> {
        loop {
            let page = parse(&self.calls(&pairs)?)?;
            let next = page.next.clone();
            let flow = each(page)?;
            pairs.retain(|(name, _)| name != "cursor");
            match (flow, next) {
                (ControlFlow::Continue(()), Some(next)) => pairs.push(("cursor".to_owned(), next)),
                _ => return Ok(()),
            }
        }
    }

    /// Every call of the selection, oldest first, in bounded memory.
    pub(crate) fn scan(
        &self,
        pairs: &Pairs,
        with_payload: bool,
        each: &mut dyn FnMut(Call) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        match self {
            Self::Offline(files) => files.scan(pairs, with_payload, each),
            Self::Online(_) => {
                let mut pairs = pairs.clone();
                let limit = if with_payload { "100" } else { "1000" };
                for (name, value) in [("order", "time"), ("limit", limit)] {
                    pairs.push((name.to_owned(), value.to_owned()));
                }
                if with_payload {
                    pairs.push(("payload".to_owned(), "true".to_owned()));
                }
                self.pages(pairs, &mut |page| {
                    page.calls.into_iter().try_for_each(&mut *each)?;
                    Ok(ControlFlow::Continue(()))
                })
            }
        }
    }

    /// Follows finished calls until `each` fails. The JSON of each is given as it came. `ready` runs once, when nothing
    /// that finishes can be missed any more; what finished just before may be given too.
    pub(crate) fn follow(
        &self,
        pairs: &Pairs,
        ready: &mut dyn FnMut() -> anyhow::Result<()>,
        each: &mut dyn FnMut(&str) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        match self {
            Self::Offline(files) => files.follow(pairs, ready, each),
            Self::Online(server) => server.follow(pairs, ready, each),
        }
    }
}

/// Reads a page.
pub(crate) fn parse(json: &str) -> anyhow::Result<CallList> {
    serde_json::from_str(json).context("the answer is no list of calls: is this URL a Weir server of this version?")
}
