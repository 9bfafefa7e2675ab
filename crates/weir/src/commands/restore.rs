//! `weir restore`: a data folder out of a backup.

use std::path::PathBuf;

use anyhow::anyhow;
use weir_store::backup;

use crate::read::{format, print};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The backup, or the folder of backups, of which the newest is taken
    #[arg(value_name = "BACKUP")]
    from: PathBuf,
    /// The data folder to make; it must be empty or not there
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Restores it.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let from = backup::newest(&args.from).map_err(|error| anyhow!("{error}"))?;
    let restored = backup::restore(&from, &args.data).map_err(|error| anyhow!("{error}"))?;
    if args.json {
        let answer = serde_json::json!({
            "backup": from, "data": args.data, "spans": restored.spans, "journal_left": restored.journal_left,
        });
        return print::line(&answer.to_string());
    }
    let rest = if restored.journal_left { "; calls of the journal are taken over at the next start" } else { "" };
    print::line(&format!(
        "{} spans of {} restored into {}{rest}. Start with: weir serve --data {}",
        format::count(restored.spans),
        from.display(),
        args.data.display(),
        args.data.display()
    ))
}
