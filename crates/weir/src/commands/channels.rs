//! `weir channels`: where alerts are told, how that goes, and trying it.

use std::process::ExitCode;

use anyhow::Context;
use weir_web::api::{ChannelJson, ChannelList, ChannelTestAnswer};

use crate::read::format;
use crate::read::online::Online;
use crate::read::print::{self, Terminal};
use crate::read::source::Pairs;
use crate::read::table::{Cell, Column, Table, Tone, paint};

/// Where a server is asked that is not named.
const USUAL: &str = "http://127.0.0.1:8080";

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    server: Server,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Send a notification that says it is a test; exit code 1 when it is not taken
    Test(Test),
}

#[derive(Debug, clap::Args)]
struct Test {
    /// The channel's name
    name: String,
    /// Put it into the outbox instead, where it waits and is tried again as every notification
    #[arg(long)]
    queued: bool,
    #[command(flatten)]
    server: Server,
}

#[derive(Debug, clap::Args)]
struct Server {
    /// The running server
    #[arg(long, value_name = "URL", env = "WEIR_URL", hide_env_values = true, default_value = USUAL)]
    url: String,
    /// The key for the server
    #[arg(long, value_name = "KEY", env = "WEIR_KEY", hide_env_values = true)]
    key: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Server {
    fn open(&self) -> anyhow::Result<Online> {
        Online::new(&self.url, self.key.as_deref())
    }
}

/// 0: done; 1: the receiver did not take the test; 2: an error.
pub(crate) fn run(args: &Args) -> ExitCode {
    let done = match &args.what {
        Some(What::Test(test)) => tried(test),
        None => list(&args.server).map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) if print::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            print::note(&format!("{error:#}"));
            ExitCode::from(2)
        }
    }
}

fn list(args: &Server) -> anyhow::Result<()> {
    let answer = args.open()?.get(&["channels"], &Pairs::new())?;
    if args.json {
        return print::line(&answer);
    }
    let list: ChannelList = serde_json::from_str(&answer)
        .context("the answer is no list of channels: is this URL a Weir server of this version?")?;
    print::out(&render(&list, Terminal::stdout()))
}

/// Whether the receiver took it.
fn tried(args: &Test) -> anyhow::Result<bool> {
    let pairs: Pairs = vec![("queued".to_owned(), args.queued.to_string())];
    let answer = args.server.open()?.post(&["channels", &args.name, "test"], &pairs)?;
    let tested: ChannelTestAnswer = serde_json::from_str(&answer)
        .context("the answer is no test of a channel: is this URL a Weir server of this version?")?;
    let ok = tested.ok.unwrap_or(true);
    if args.server.json {
        print::line(&answer)?;
        return Ok(ok);
    }
    let colour = Terminal::stdout().colour;
    let said = format::harmless(tested.said.as_deref().unwrap_or_default());
    let (word, tone, rest) = match (tested.ok, tested.took_ms) {
        (Some(true), took) => {
            ("taken", Tone::Good, format!("it {said} ({})", format::millis(took.unwrap_or_default())))
        }
        (Some(false), _) => ("not taken", Tone::Bad, format!("it {said}")),
        (None, _) => ("queued", Tone::Plain, format!("as {}; `weir channels` shows what becomes of it", tested.id)),
    };
    print::line(&format!("{}: {}: {rest}", tested.channel, paint(word, tone, colour)))?;
    Ok(ok)
}

fn render(list: &ChannelList, terminal: Terminal) -> String {
    if list.channels.is_empty() {
        return "No channel is configured: alerts are told nowhere. Write [[channels]] into weir.toml.\n".to_owned();
    }
    let mut table = Table::new(vec![
        Column::text("channel").least(8),
        Column::text("kind"),
        Column::text("to").least(16).spare(3),
        Column::text("only").least(8).spare(2),
        Column::number("waiting"),
        Column::number("given up"),
        Column::text("delivered").spare(1),
        Column::text("last test"),
    ]);
    for channel in &list.channels {
        table.row(row(channel));
    }
    let mut text = table.render(terminal);
    for channel in &list.channels {
        if let Some(error) = &channel.error {
            text.push_str(&format!("last error of {}: it {}\n", channel.name, format::harmless(error)));
        }
    }
    text
}

fn row(channel: &ChannelJson) -> Vec<Cell> {
    let only: Vec<String> = channel.severities.iter().map(|s| format!("{s:?}").to_lowercase()).collect();
    let bad = |n: u64| if n > 0 { Cell(format::count(n), Tone::Bad) } else { format::count(n).into() };
    let delivered = channel.last_delivered.as_deref().map(format::short_time).unwrap_or_default();
    let test = match &channel.last_test {
        None => Cell("never".to_owned(), Tone::Warn),
        Some(test) if !test.current => Cell("before it was changed".to_owned(), Tone::Warn),
        Some(test) if test.ok => Cell(format!("taken {}", format::short_time(&test.at)), Tone::Good),
        Some(test) => Cell(format!("not taken {}", format::short_time(&test.at)), Tone::Bad),
    };
    vec![
        channel.name.clone().into(),
        channel.kind.clone().into(),
        channel.to.clone().into(),
        only.join(", ").into(),
        format::count(channel.waiting).into(),
        bad(channel.given_up),
        delivered.into(),
        test,
    ]
}
