//! `weir export`: calls as JSON lines or Parquet, in bounded memory.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::read::filters::{Filters, Range};
use crate::read::parquet::ParquetFile;
use crate::read::print;
use crate::read::source::{Source, SourceArgs};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to write
    #[arg(long, short, value_enum)]
    format: Format,
    /// Where to: a file, or - for stdout
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Also write inputs and outputs
    #[arg(long)]
    with_payload: bool,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    range: Range,
    /// Print how many calls were written as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A JSON object per line
    Jsonl,
    /// Columns, compressed with zstd
    Parquet,
}

/// Writes the selection, oldest call first. A file appears under its name only when it is complete.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let source = Source::open(&args.source)?;
    if args.output == Path::new("-") {
        if args.format == Format::Parquet && io::stdout().is_terminal() {
            bail!("Parquet is no text: name a file with --output FILE, or pipe stdout");
        }
        write(args, &source, BufWriter::new(io::stdout()))?;
        return Ok(());
    }
    let unfinished = unfinished_name(&args.output);
    let file = File::create(&unfinished).with_context(|| format!("cannot write {}", unfinished.display()))?;
    let written = write(args, &source, BufWriter::new(file)).and_then(|n| {
        std::fs::rename(&unfinished, &args.output)
            .with_context(|| format!("cannot write {}", args.output.display()))?;
        Ok(n)
    });
    let written = written.inspect_err(|_| {
        // What went wrong is reported; a left-over file would only add to it.
        let _ = std::fs::remove_file(&unfinished);
    })?;
    if args.json {
        return print::line(&format!("{{\"calls\":{written}}}"));
    }
    print::note(&format!("{written} calls written to {}", args.output.display()));
    Ok(())
}

fn unfinished_name(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".unfinished");
    PathBuf::from(name)
}

fn write<W: Write + Send>(args: &Args, source: &Source, mut to: W) -> anyhow::Result<u64> {
    let mut pairs = args.filters.pairs();
    pairs.extend(args.range.pairs());
    let mut written = 0;
    match args.format {
        Format::Jsonl => {
            source.scan(&pairs, args.with_payload, &mut |call| {
                serde_json::to_writer(&mut to, &call).map_err(io::Error::from)?;
                to.write_all(b"\n")?;
                written += 1;
                Ok(())
            })?;
            to.flush()?;
        }
        Format::Parquet => {
            let mut file = ParquetFile::new(to, args.with_payload)?;
            source.scan(&pairs, args.with_payload, &mut |call| {
                written += 1;
                file.write(&call)
            })?;
            file.finish()?;
        }
    }
    Ok(written)
}
