//! A series of numbers from CSV, row by row: `timestamp,value` with a header.
//!
//! A row keeps its timestamp and value as they were written. What cannot be read is an error that names line and column; nothing
//! before it is taken back, because a stream has been answered already.

mod fields;
mod times;

use std::io::{BufRead, Read};

use anyhow::{Context, bail};
use weir_core::time::Micros;

pub(crate) use fields::written;

/// A longer line is no row of a series.
const LINE_MAX: u64 = 64 * 1024;
/// What also says that a value is missing; case does not matter.
const MISSING: [&str; 5] = ["", "nan", "null", "none", "na"];

/// A row of the series.
#[derive(Debug, PartialEq)]
pub(crate) struct Row {
    /// The timestamp as it was written.
    pub timestamp: String,
    /// The value as it was written.
    pub text: String,
    /// When.
    pub time: Micros,
    /// What; not a number when it is missing.
    pub value: f64,
}

/// Reads rows.
pub(crate) struct Rows<R> {
    input: R,
    line: Vec<u8>,
    number: u64,
    timestamp: usize,
    value: usize,
}

impl<R: BufRead> Rows<R> {
    /// Reads the header: columns `timestamp` and `value` in any order, beside others, which are ignored.
    ///
    /// # Errors
    /// When there is no such header.
    pub(crate) fn new(input: R) -> anyhow::Result<Self> {
        let mut rows = Self { input, line: Vec::new(), number: 0, timestamp: 0, value: 0 };
        if !rows.next_line()? {
            bail!("no rows: a header `timestamp,value` has to come first");
        }
        let line = rows.text()?;
        let header = fields::split(line.trim_start_matches('\u{feff}'));
        let find = |name: &str| {
            let mut places = header.iter().enumerate().filter(|(_, h)| h.trim().eq_ignore_ascii_case(name));
            match (places.next(), places.next()) {
                (Some((at, _)), None) => Ok(at),
                (Some(_), Some(_)) => bail!("line {}: two columns are named {name}", rows.number),
                (None, _) => bail!(
                    "line {}: no column is named {name}: the header has to name timestamp and value, and is `{}`",
                    rows.number,
                    shown(line)
                ),
            }
        };
        let (timestamp, value) = (find("timestamp")?, find("value")?);
        (rows.timestamp, rows.value) = (timestamp, value);
        Ok(rows)
    }

    /// Whether another line is here already, so that nobody has to wait for it.
    pub(crate) fn is_ready(&mut self) -> bool
    where
        R: Buffered,
    {
        self.input.buffered().contains(&b'\n')
    }

    /// The next row; `None` at the end. Empty lines are passed over.
    ///
    /// # Errors
    /// When the row cannot be read.
    pub(crate) fn next(&mut self) -> anyhow::Result<Option<Row>> {
        while self.next_line()? {
            let number = self.number;
            let line = self.text()?;
            if line.trim().is_empty() {
                continue;
            }
            let mut fields = fields::split(line);
            let count = fields.len();
            let mut take = |at: usize, name: &str| match fields.get_mut(at) {
                Some(field) => Ok(std::mem::take(field)),
                None => bail!("line {number}: {name}: the row has only {count} of the columns"),
            };
            let (timestamp, text) = (take(self.timestamp, "timestamp")?, take(self.value, "value")?);
            let Some(time) = times::parse(timestamp.trim()) else {
                bail!(
                    "line {number}: timestamp: `{}` is no time; `YYYY-MM-DD HH:MM:SS`, RFC 3339 and seconds since 1970 are",
                    shown(&timestamp)
                );
            };
            let value = value(text.trim()).with_context(|| format!("line {number}: value"))?;
            return Ok(Some(Row { timestamp, text, time, value }));
        }
        Ok(None)
    }

    fn next_line(&mut self) -> anyhow::Result<bool> {
        self.line.clear();
        self.number += 1;
        let number = self.number;
        let read = self.input.by_ref().take(LINE_MAX).read_until(b'\n', &mut self.line);
        let read = read.with_context(|| format!("line {number}"))?;
        if read as u64 == LINE_MAX && self.line.last() != Some(&b'\n') {
            bail!("line {number}: longer than {LINE_MAX} bytes");
        }
        Ok(read > 0)
    }

    fn text(&self) -> anyhow::Result<&str> {
        let text = std::str::from_utf8(&self.line).with_context(|| format!("line {}", self.number))?;
        Ok(text.trim_end_matches(['\r', '\n']))
    }
}

/// Input that tells what it holds without reading on.
pub(crate) trait Buffered {
    /// What has been read from the source and not yet taken.
    fn buffered(&self) -> &[u8];
}

impl<R: Read> Buffered for std::io::BufReader<R> {
    fn buffered(&self) -> &[u8] {
        self.buffer()
    }
}

fn value(text: &str) -> anyhow::Result<f64> {
    if MISSING.iter().any(|m| text.eq_ignore_ascii_case(m)) {
        return Ok(f64::NAN);
    }
    text.parse().map_err(|_| anyhow::anyhow!("`{}` is no number; a missing value is empty or NaN", shown(text)))
}

/// The beginning of a text, for a message.
fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    if text.chars().nth(40).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> anyhow::Result<Vec<Row>> {
        let mut rows = Rows::new(text.as_bytes())?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(row);
        }
        Ok(all)
    }

    fn refused(text: &str) -> String {
        format!("{:#}", read(text).unwrap_err())
    }

    #[test]
    fn columns_come_in_any_order_beside_others() {
        let rows =
            read("\u{feff}host,Value,timestamp\r\na,1.50,2014-07-01 00:30:00\r\n\r\n\"b, c\",,1404174600\r\n").unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(
            (rows[0].timestamp.as_str(), rows[0].text.as_str(), rows[0].value),
            ("2014-07-01 00:30:00", "1.50", 1.5)
        );
        assert_eq!(rows[0].time, rows[1].time);
        assert!(rows[1].value.is_nan());
    }

    #[test]
    fn what_is_wrong_is_named_with_line_and_column() {
        for (text, message) in [
            ("", "no rows: a header `timestamp,value` has to come first"),
            (
                "time,value\n",
                "line 1: no column is named timestamp: the header has to name timestamp and value, and is `time,value`",
            ),
            ("timestamp,value,value\n", "line 1: two columns are named value"),
            ("timestamp,value\n2014-07-01 00:00:00\n", "line 2: value: the row has only 1 of the columns"),
            (
                "timestamp,value\n0,1\n\nyesterday,1\n",
                "line 4: timestamp: `yesterday` is no time; `YYYY-MM-DD HH:MM:SS`, RFC 3339 and seconds since 1970 are",
            ),
            ("timestamp,value\n0,many\n", "line 2: value: `many` is no number; a missing value is empty or NaN"),
        ] {
            assert_eq!(refused(text), message);
        }
        let long = format!("timestamp,value\n{}", "9".repeat(70_000));
        assert_eq!(refused(&long), "line 2: longer than 65536 bytes");
    }
}
