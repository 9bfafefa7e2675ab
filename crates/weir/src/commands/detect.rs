//! `weir detect`: a series of numbers through the detector, row by row.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use weir_watch::detect::{Detector, Point};

use crate::series::{Row, Rows, written};

/// A row's score is computed from the rows up to it only, and written as soon as the row has come.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A CSV file with the columns timestamp and value, or - for stdin
    #[arg(value_name = "FILE.csv|-")]
    file: PathBuf,
    /// Print JSON lines
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    timestamp: &'a str,
    /// `null` when it is missing.
    value: Option<f64>,
    anomaly_score: f64,
    expected: Option<f64>,
    lower: Option<f64>,
    upper: Option<f64>,
}

/// Scores each row.
///
/// # Errors
/// When the input cannot be read; the rows before it are written.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let is_stdin = args.file.as_os_str() == "-";
    let (name, input): (_, Box<dyn Read>) = if is_stdin {
        (Path::new("stdin"), Box::new(io::stdin().lock()))
    } else {
        let file = File::open(&args.file).with_context(|| args.file.display().to_string())?;
        (args.file.as_path(), Box::new(file))
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let done = scored(BufReader::new(input), &mut out, args.json).with_context(|| name.display().to_string());
    out.flush()?;
    done
}

fn scored(input: BufReader<impl Read>, out: &mut impl Write, json: bool) -> anyhow::Result<()> {
    let mut rows = Rows::new(input)?;
    let mut detector = Detector::new();
    if !json {
        writeln!(out, "timestamp,value,anomaly_score,expected,lower,upper")?;
    }
    loop {
        if !rows.is_ready() {
            // Whoever writes into the pipe sees what has come of it before he goes on.
            out.flush()?;
        }
        let Some(row) = rows.next()? else { return Ok(()) };
        let point = detector.push(row.time, row.value);
        write(out, &row, &point, json)?;
    }
}

fn write(out: &mut impl Write, row: &Row, point: &Point, json: bool) -> anyhow::Result<()> {
    let anomaly_score = (point.anomaly_score * 1e6).round() / 1e6;
    if json {
        let value = Some(row.value).filter(|v| v.is_finite());
        let Point { expected, lower, upper, .. } = *point;
        let line = Line { timestamp: &row.timestamp, value, anomaly_score, expected, lower, upper };
        serde_json::to_writer(&mut *out, &line).map_err(io::Error::from)?;
        return Ok(out.write_all(b"\n")?);
    }
    write!(out, "{},{},{anomaly_score}", written(&row.timestamp), written(&row.text))?;
    for end in [point.expected, point.lower, point.upper] {
        match end {
            Some(end) => write!(out, ",{end}")?,
            None => write!(out, ",")?,
        }
    }
    Ok(writeln!(out)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str, json: bool) -> String {
        let mut out = Vec::new();
        scored(BufReader::new(text.as_bytes()), &mut out, json).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn timestamp_and_value_come_back_as_they_were_written() {
        let out = answer("value,timestamp\n1.50,2014-07-01 00:00:00\n,2014-07-01 00:05:00\n 2 ,1404173400\n", false);
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines[0], "timestamp,value,anomaly_score,expected,lower,upper");
        assert_eq!(lines[1], "2014-07-01 00:00:00,1.50,0,,,");
        assert!(lines[2].starts_with("2014-07-01 00:05:00,,0,"), "{}", lines[2]);
        assert_eq!(lines[3], "1404173400, 2 ,0,1.5,,");
    }

    #[test]
    fn json_has_the_same_members() {
        let out = answer("timestamp,value\n0,3\n300,nan\n", true);
        assert_eq!(
            out,
            "{\"timestamp\":\"0\",\"value\":3.0,\"anomaly_score\":0.0,\"expected\":null,\"lower\":null,\"upper\":null}\n\
             {\"timestamp\":\"300\",\"value\":null,\"anomaly_score\":0.0,\"expected\":null,\"lower\":null,\"upper\":null}\n"
        );
    }
}
