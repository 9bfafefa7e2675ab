//! Calls as a Parquet file: one column per field, row groups of bounded size, zstd.

use std::io::Write;
use std::mem;
use std::sync::Arc;

use anyhow::Context;
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;
use serde_json::value::RawValue;
use weir_web::api::Call;

/// Rows of a row group.
const GROUP_ROWS: usize = 10_000;
/// Bytes of text after which a row group ends early, so that payloads do not fill the memory.
const GROUP_BYTES: usize = 64 << 20;

/// A value of a column.
enum Value {
    Text(Option<String>),
    Json(Option<String>),
    Int(Option<i64>),
    /// Microseconds since the epoch, UTC.
    Time(Option<i64>),
    Float(Option<f64>),
    Bool(Option<bool>),
}

type Read = fn(&Call) -> Value;

/// The columns: name and value.
const COLUMNS: [(&str, Read); 44] = [
    ("id", |c| Value::Text(Some(c.id.clone()))),
    ("trace_id", |c| Value::Text(Some(c.trace_id.clone()))),
    ("span_id", |c| Value::Text(Some(c.span_id.clone()))),
    ("parent_id", |c| Value::Text(c.parent_id.clone())),
    ("request_id", |c| Value::Text(c.request_id.clone())),
    ("timestamp", |c| Value::Time(c.timestamp.as_deref().and_then(weir_core::time::parse))),
    ("latency_ms", |c| Value::Float(c.latency_ms)),
    ("ttft_ms", |c| Value::Float(c.ttft_ms)),
    ("status", |c| Value::Text(c.status.clone())),
    ("error_type", |c| Value::Text(c.error_type.clone())),
    ("error", |c| Value::Text(c.error.clone())),
    ("project", |c| Value::Text(c.project.clone())),
    ("session", |c| Value::Text(c.session.clone())),
    ("provider", |c| Value::Text(c.provider.clone())),
    ("model", |c| Value::Text(c.model.clone())),
    ("response_model", |c| Value::Text(c.response_model.clone())),
    ("deployment", |c| Value::Text(c.deployment.clone())),
    ("operation", |c| Value::Text(c.operation.clone())),
    ("kind", |c| Value::Text(c.kind.clone())),
    ("name", |c| Value::Text(c.name.clone())),
    ("stream", |c| Value::Bool(c.stream)),
    ("prompt_name", |c| Value::Text(c.prompt.as_ref().and_then(|p| p.name.clone()))),
    ("prompt_version", |c| Value::Text(c.prompt.as_ref().and_then(|p| p.version.clone()))),
    ("department", |c| Value::Text(c.department.clone())),
    ("user", |c| Value::Text(c.user.clone())),
    ("key", |c| Value::Text(c.key.clone())),
    ("prompt_tokens", |c| tokens(c.tokens.map(|t| t.prompt))),
    ("completion_tokens", |c| tokens(c.tokens.map(|t| t.completion))),
    ("total_tokens", |c| tokens(c.tokens.map(|t| t.total))),
    ("cached_tokens", |c| tokens(c.tokens.map(|t| t.cached))),
    ("cache_write_tokens", |c| tokens(c.tokens.map(|t| t.cache_write))),
    ("reasoning_tokens", |c| tokens(c.tokens.map(|t| t.reasoning))),
    ("audio_in_tokens", |c| tokens(c.tokens.map(|t| t.audio_in))),
    ("audio_out_tokens", |c| tokens(c.tokens.map(|t| t.audio_out))),
    ("token_source", |c| Value::Text(c.token_source.clone())),
    ("cost_usd", |c| Value::Float(c.cost_usd.map(|usd| usd.0.as_usd()))),
    ("cost_nano_usd", |c| Value::Int(c.cost_usd.map(|usd| usd.0.0))),
    ("http_status", |c| Value::Int(c.http_status.map(i64::from))),
    ("finish_reason", |c| Value::Text(c.finish_reason.clone())),
    ("attempts", |c| Value::Int(c.attempts.map(i64::from))),
    ("cache", |c| Value::Text(c.cache.clone())),
    ("cache_hit", |c| Value::Bool(Some(c.cache_hit))),
    ("tags", |c| Value::Json(serde_json::to_string(&c.tags).ok())),
    ("attributes", |c| Value::Json(serde_json::to_string(&c.attributes).ok())),
];

/// The columns of payloads.
const PAYLOAD: [(&str, Read); 2] = [
    ("input", |c| Value::Text(payload(c.input.as_deref()))),
    ("output", |c| Value::Text(payload(c.output.as_deref()))),
];

fn tokens(n: Option<u64>) -> Value {
    Value::Int(n.and_then(|n| i64::try_from(n).ok()))
}

/// A text as it is, JSON as its text.
fn payload(raw: Option<&RawValue>) -> Option<String> {
    let raw = raw.filter(|r| r.get() != "null")?.get();
    Some(serde_json::from_str::<String>(raw).unwrap_or_else(|_| raw.to_owned()))
}

/// The values of a column in the current row group, and for each row whether there is one.
#[derive(Default)]
struct Column {
    present: Vec<i16>,
    texts: Vec<ByteArray>,
    ints: Vec<i64>,
    floats: Vec<f64>,
    bools: Vec<bool>,
}

/// A Parquet file being written.
pub(crate) struct ParquetFile<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    reads: Vec<Read>,
    columns: Vec<Column>,
    rows: usize,
    bytes: usize,
}

impl<W: Write + Send> ParquetFile<W> {
    /// Begins a file.
    pub(crate) fn new(to: W, with_payload: bool) -> anyhow::Result<Self> {
        let columns = || COLUMNS.iter().chain(if with_payload { PAYLOAD.as_slice() } else { &[] });
        let empty: Call = serde_json::from_str(EMPTY).context("the form of a call")?;
        let fields = columns().map(|(name, read)| field(name, &read(&empty))).collect::<Result<Vec<_>, _>>()?;
        let schema = Type::group_type_builder("call").with_fields(fields).build()?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
            .set_created_by(concat!("weir ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let writer = SerializedFileWriter::new(to, Arc::new(schema), Arc::new(properties))?;
        let reads: Vec<Read> = columns().map(|(_, read)| *read).collect();
        let columns = reads.iter().map(|_| Column::default()).collect();
        Ok(Self { writer, reads, columns, rows: 0, bytes: 0 })
    }

    /// Adds a call.
    pub(crate) fn write(&mut self, call: &Call) -> anyhow::Result<()> {
        for (read, column) in self.reads.iter().zip(&mut self.columns) {
            self.bytes += column.push(read(call));
        }
        self.rows += 1;
        if self.rows >= GROUP_ROWS || self.bytes >= GROUP_BYTES { self.end_group() } else { Ok(()) }
    }

    /// Writes what is left and the footer.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        if self.rows > 0 {
            self.end_group()?;
        }
        self.writer.close()?;
        Ok(())
    }

    fn end_group(&mut self) -> anyhow::Result<()> {
        let mut group = self.writer.next_row_group()?;
        for column in &mut self.columns {
            mem::take(column).write(&mut group)?;
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

impl Column {
    /// Adds a value; gives the bytes that it takes.
    fn push(&mut self, value: Value) -> usize {
        let mut bytes = 8;
        let there = match value {
            Value::Text(v) | Value::Json(v) => {
                bytes += v.as_ref().map_or(0, String::len);
                keep(&mut self.texts, v.map(|text| text.into_bytes().into()))
            }
            Value::Int(v) | Value::Time(v) => keep(&mut self.ints, v),
            Value::Float(v) => keep(&mut self.floats, v),
            Value::Bool(v) => keep(&mut self.bools, v),
        };
        self.present.push(i16::from(there));
        bytes
    }

    fn write<W: Write + Send>(self, group: &mut SerializedRowGroupWriter<'_, W>) -> anyhow::Result<()> {
        let mut column = group.next_column()?.context("a column too many")?;
        let present = &self.present;
        match column.untyped() {
            parquet::column::writer::ColumnWriter::ByteArrayColumnWriter(w) => {
                write_batch::<ByteArrayType>(w, &self.texts, present)?;
            }
            parquet::column::writer::ColumnWriter::Int64ColumnWriter(w) => {
                write_batch::<Int64Type>(w, &self.ints, present)?;
            }
            parquet::column::writer::ColumnWriter::DoubleColumnWriter(w) => {
                write_batch::<DoubleType>(w, &self.floats, present)?;
            }
            parquet::column::writer::ColumnWriter::BoolColumnWriter(w) => {
                write_batch::<BoolType>(w, &self.bools, present)?;
            }
            _ => anyhow::bail!("a column of a kind that is not written"),
        }
        column.close()?;
        Ok(())
    }
}

fn keep<T>(values: &mut Vec<T>, value: Option<T>) -> bool {
    let there = value.is_some();
    values.extend(value);
    there
}

fn write_batch<T: DataType>(
    writer: &mut parquet::column::writer::ColumnWriterImpl<'_, T>,
    values: &[T::T],
    present: &[i16],
) -> anyhow::Result<()> {
    writer.write_batch(values, Some(present), None)?;
    Ok(())
}

fn field(name: &str, value: &Value) -> anyhow::Result<Arc<Type>> {
    let time = LogicalType::timestamp(true, TimeUnit::MICROS);
    let (physical, logical) = match value {
        Value::Text(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Value::Json(_) => (Physical::BYTE_ARRAY, Some(LogicalType::Json)),
        Value::Int(_) => (Physical::INT64, None),
        Value::Time(_) => (Physical::INT64, Some(time)),
        Value::Float(_) => (Physical::DOUBLE, None),
        Value::Bool(_) => (Physical::BOOLEAN, None),
    };
    let built = Type::primitive_type_builder(name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .build()?;
    Ok(Arc::new(built))
}

/// A call of which nothing is known, to learn the columns' types from.
const EMPTY: &str = r#"{"id":"","trace_id":"","span_id":"","cache_hit":false,"tags":[],"attributes":{}}"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_whatever_is_known() {
        let empty: Call = serde_json::from_str(EMPTY).unwrap();
        let mut bytes = Vec::new();
        let mut file = ParquetFile::new(&mut bytes, true).unwrap();
        for _ in 0..3 {
            file.write(&empty).unwrap();
        }
        file.finish().unwrap();
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    }
}
