//! `weir backup`: a whole copy of a data folder, while the server runs or not.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use weir_core::time::Clock;
use weir_store::backup;
use weir_web::api::BackupAnswer;

use crate::backups::{self, Backups};
use crate::config;
use crate::read::online::Online;
use crate::read::print::Terminal;
use crate::read::table::{Cell, Column, Table, Tone};
use crate::read::{format, print, source};

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    make: Make,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Restore a backup on trial, without --backup the newest
    Verify(Which),
    /// List the backups that there are
    List(Which),
}

#[derive(Debug, clap::Args)]
struct Make {
    /// Also restore it on trial
    #[arg(long)]
    verify: bool,
    /// How many stay [default: the configuration's]
    #[arg(long, value_name = "N", conflicts_with = "url", value_parser = clap::value_parser!(u16).range(1..))]
    keep: Option<u16>,
    /// Ask the server at this URL to make it, into the folder that its configuration names
    #[arg(long, value_name = "URL", env = "WEIR_URL", hide_env_values = true)]
    url: Option<String>,
    /// A key of role admin for the server
    #[arg(long, value_name = "KEY", env = "WEIR_KEY", hide_env_values = true)]
    key: Option<String>,
    /// The data folder; a server may use it meanwhile [default: the configuration's]
    #[arg(long, value_name = "DIR", conflicts_with = "url")]
    data: Option<PathBuf>,
    #[command(flatten)]
    shelf: Shelf,
}

#[derive(Debug, clap::Args)]
struct Which {
    /// The backup [default: the newest]
    #[arg(long, value_name = "PATH")]
    backup: Option<PathBuf>,
    #[command(flatten)]
    shelf: Shelf,
}

#[derive(Debug, clap::Args)]
struct Shelf {
    /// The folder of backups [default: `backup.dir` of the configuration]
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// The configuration file
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Makes, verifies or lists.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    match &args.what {
        None => make(&args.make),
        Some(What::Verify(which)) => verify(which),
        Some(What::List(which)) => list(which),
    }
}

fn open(shelf: &Shelf, data: Option<&Path>) -> anyhow::Result<Backups> {
    let loaded = config::load(shelf.config.as_deref())?;
    let data = data.unwrap_or(&loaded.settings.server.data);
    let mut backups = Backups::new(&loaded.settings, data, Clock::system())?;
    if let Some(to) = &shelf.to {
        backups.shelf = Some(to.clone());
    }
    if backups.shelf.is_none() {
        anyhow::bail!("where to? Name a folder with --to DIR, or set `dir` under [backup] in weir.toml");
    }
    Ok(backups)
}

fn make(args: &Make) -> anyhow::Result<()> {
    let answer = match (&args.url, &args.data, &args.shelf.to) {
        (Some(url), None, None) => {
            let pairs: source::Pairs = vec![("verify".to_owned(), args.verify.to_string())];
            let text = Online::new(url, args.key.as_deref())?.post(&["backup"], &pairs)?;
            serde_json::from_str(&text).context("the server's answer cannot be read")?
        }
        _ => {
            let mut backups = open(&args.shelf, args.data.as_deref())?;
            backups.keep = args.keep.map_or(backups.keep, usize::from);
            backups.make(args.verify).map_err(|error| anyhow!(error.message))?
        }
    };
    if args.shelf.json {
        return print::line(&serde_json::to_string(&answer)?);
    }
    print::line(&told(&answer))
}

fn told(answer: &BackupAnswer) -> String {
    let mut text = format!("{}: {} files, {}", answer.path, format::count(answer.files), size(answer.bytes));
    match &answer.verified {
        Some(verified) => {
            text.push_str(&format!("; restored on trial: all {} spans are there", format::count(verified.calls)));
        }
        None => text.push_str("; not restored on trial yet (--verify, or weir backup verify)"),
    }
    if let Some(place) = &answer.artifacts_elsewhere {
        text.push_str(&format!("\nnot in it: the contents of artifacts, which are in {}", format::harmless(place)));
    }
    for name in &answer.removed {
        text.push_str(&format!("\nremoved: {}", format::harmless(name)));
    }
    text
}

fn verify(args: &Which) -> anyhow::Result<()> {
    let (backups, path) = which(args)?;
    let verified = backups.verify(&path).map_err(|error| anyhow!(error.message))?;
    if args.shelf.json {
        return print::line(&serde_json::to_string(&verified)?);
    }
    print::line(&format!(
        "{}: restored on trial: all {} spans are there",
        path.display(),
        format::count(verified.calls)
    ))
}

fn which(args: &Which) -> anyhow::Result<(Backups, PathBuf)> {
    let shelf = Shelf { to: args.shelf.to.clone().or_else(|| args.backup.clone()), ..shallow(&args.shelf) };
    let backups = open(&shelf, None)?;
    let at = args.backup.clone().or_else(|| backups.shelf.clone()).unwrap_or_default();
    let path = backup::newest(&at).map_err(|error| anyhow!("{error}"))?;
    Ok((backups, path))
}

fn shallow(shelf: &Shelf) -> Shelf {
    Shelf { to: None, config: shelf.config.clone(), json: shelf.json }
}

fn list(args: &Which) -> anyhow::Result<()> {
    let backups = open(&args.shelf, None)?;
    let all = backups.list().map_err(|error| anyhow!(error.message))?;
    let all: Vec<BackupAnswer> =
        all.iter().map(|one| backups::answer(&one.path, &one.manifest, one.verified.as_ref(), &[])).collect();
    if args.shelf.json {
        return print::line(&serde_json::json!({ "backups": all }).to_string());
    }
    if all.is_empty() {
        return print::line("There is no backup. Make one: weir backup --verify");
    }
    let mut table = Table::new(vec![
        Column::text("backup"),
        Column::text("of"),
        Column::number("files").spare(1),
        Column::number("size"),
        Column::text("restored on trial"),
    ]);
    for one in &all {
        let trial = match &one.verified {
            Some(verified) => Cell(format::short_time(&verified.at), Tone::Good),
            None => Cell("never".to_owned(), Tone::Warn),
        };
        let of = format::short_time(&one.began);
        table.row(vec![
            one.name.clone().into(),
            of.into(),
            format::count(one.files).into(),
            size(one.bytes).into(),
            trial,
        ]);
    }
    print::out(&table.render(Terminal::stdout()))
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    let unit = units.get(unit).copied().unwrap_or_default();
    if value >= 100.0 || unit == "B" { format!("{value:.0} {unit}") } else { format!("{value:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_at_a_glance() {
        let sizes = [0, 1_023, 1_536, 200 << 20, 5 << 40].map(size);
        assert_eq!(sizes, ["0 B", "1023 B", "1.5 KiB", "200 MiB", "5120 GiB"]);
    }
}
