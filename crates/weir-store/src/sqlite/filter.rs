//! Compiles a [`Filter`] to SQL with bound parameters, with exactly the meaning of [`Filter::matches`]: what is absent
//! compares false (SQL's NULL serves as false below `AND` and `OR`), and `Not` is the opposite of that.

use rusqlite::types::Value as Sql;
use weir_core::filter::{Field, Filter, Op, Value};
use weir_core::id::{SpanId, TraceId, significant};
use weir_core::span::{SpanKind, Status};

use super::scores::Form;

/// A condition with its parameters.
#[derive(Debug, Default)]
pub(super) struct Condition {
    pub(super) sql: String,
    pub(super) parameters: Vec<Sql>,
}

/// Compiles a filter.
pub(super) fn compile(filter: &Filter) -> Condition {
    let mut out = Condition::default();
    out.filter(filter);
    out
}

/// What a field is in the table.
enum Column {
    /// A number of `names`.
    Named(&'static str),
    /// A closed set, by number.
    Closed(&'static str, fn() -> Vec<(&'static str, i64)>),
    Text(&'static str),
    /// An id as bytes.
    Id(&'static str),
    /// A whole number, as an expression.
    Number(&'static str),
    Bool(&'static str),
    Tag,
    Attribute,
    Score,
}

pub(super) const LATENCY: &str = "CASE WHEN start_us IS NOT NULL THEN max(duration_us, 0) END";
pub(super) const TOTAL_TOKENS: &str = "(prompt_tokens + cached_tokens + cache_write_tokens + cache_write_1h_tokens + \
    completion_tokens + reasoning_tokens + audio_in_tokens + audio_out_tokens)";

/// The expression that a number field is compared and ordered by.
pub(super) fn number_expression(field: &Field) -> Option<&'static str> {
    match column(field) {
        Column::Number(sql) => Some(sql),
        _ => None,
    }
}

fn column(field: &Field) -> Column {
    match field {
        Field::TraceId => Column::Id("trace_id"),
        Field::SpanId => Column::Id("span_id"),
        Field::ParentId => Column::Id("parent_id"),
        Field::Name => Column::Named("name"),
        Field::Kind => Column::Closed("kind", kinds),
        Field::Project => Column::Named("project"),
        Field::Session => Column::Text("session"),
        Field::Start => Column::Number("start_us"),
        Field::Latency => Column::Number(LATENCY),
        Field::Ttft => Column::Number("ttft_us"),
        Field::Status => Column::Closed("status", statuses),
        Field::ErrorType => Column::Named("error_type"),
        Field::Error => Column::Text("error"),
        Field::Provider => Column::Named("provider"),
        Field::Model => Column::Named("model"),
        Field::ResponseModel => Column::Named("response_model"),
        Field::Operation => Column::Named("operation"),
        Field::Stream => Column::Bool("stream"),
        Field::PromptName => Column::Named("prompt_name"),
        Field::PromptVersion => Column::Named("prompt_version"),
        Field::Department => Column::Named("department"),
        Field::User => Column::Text("user"),
        Field::Key => Column::Named("key"),
        Field::RequestId => Column::Text("request_id"),
        Field::HttpStatus => Column::Number("http_status"),
        Field::FinishReason => Column::Named("finish_reason"),
        Field::Cache => Column::Named("cache"),
        Field::TotalTokens => Column::Number(TOTAL_TOKENS),
        Field::Cost => Column::Number("cost_nano"),
        Field::Tag => Column::Tag,
        Field::Attribute(_) => Column::Attribute,
        Field::Score(_) => Column::Score,
    }
}

fn kinds() -> Vec<(&'static str, i64)> {
    SpanKind::ALL.iter().map(|k| (k.as_str(), k.number())).collect()
}

fn statuses() -> Vec<(&'static str, i64)> {
    Status::ALL.iter().map(|s| (s.as_str(), s.number())).collect()
}

impl Condition {
    fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    fn bind(&mut self, value: impl Into<Sql>) {
        self.parameters.push(value.into());
        self.sql.push('?');
    }

    fn filter(&mut self, filter: &Filter) {
        match filter {
            Filter::And(parts) => self.joined(parts, " AND ", "1"),
            Filter::Or(parts) => self.joined(parts, " OR ", "0"),
            Filter::Not(inner) => {
                self.push("NOT ((");
                self.filter(inner);
                self.push(") IS TRUE)");
            }
            Filter::Exists(field) => self.exists(field),
            Filter::Compare(field, op, value) => self.compare(field, *op, value),
        }
    }

    fn joined(&mut self, parts: &[Filter], with: &str, empty: &str) {
        if parts.is_empty() {
            return self.push(empty);
        }
        self.push("(");
        for (n, part) in parts.iter().enumerate() {
            if n > 0 {
                self.push(with);
            }
            self.filter(part);
        }
        self.push(")");
    }

    fn exists(&mut self, field: &Field) {
        match (column(field), field) {
            (Column::Tag, _) => self.push("(tags IS NOT NULL AND tags <> '[]')"),
            (Column::Attribute, Field::Attribute(name)) => {
                self.push("weir_attribute(attributes, ");
                self.bind(name.clone());
                self.push(") IS NOT NULL");
            }
            (Column::Score, Field::Score(name)) => self.scored(name, |_| {}),
            (Column::Attribute | Column::Score, _) => self.push("0"),
            (
                Column::Named(sql)
                | Column::Closed(sql, _)
                | Column::Text(sql)
                | Column::Id(sql)
                | Column::Number(sql)
                | Column::Bool(sql),
                _,
            ) => {
                self.push("(");
                self.push(sql);
                self.push(") IS NOT NULL");
            }
        }
    }

    fn compare(&mut self, field: &Field, op: Op, value: &Value) {
        match (column(field), value) {
            (Column::Named(sql), Value::Text(wanted)) => {
                let one = op == Op::Eq;
                self.push(sql);
                self.push(if one { " = (SELECT id FROM names WHERE " } else { " IN (SELECT id FROM names WHERE " });
                self.text("value", op, wanted);
                self.push(")");
            }
            (Column::Closed(sql, all), Value::Text(wanted)) => {
                let numbers: Vec<String> = all()
                    .into_iter()
                    .filter(|(name, _)| text_holds(name, op, wanted))
                    .map(|(_, number)| number.to_string())
                    .collect();
                self.push(&format!("{sql} IN ({})", numbers.join(",")));
            }
            (Column::Text(sql), Value::Text(wanted)) => self.text(sql, op, wanted),
            (Column::Id(sql), Value::Text(wanted)) if op == Op::Eq => match id_bytes(field, wanted) {
                Some(bytes) => {
                    self.push(sql);
                    self.push(" = ");
                    self.bind(bytes);
                }
                None => self.push("0"),
            },
            (Column::Id(sql), Value::Text(wanted)) => {
                // hex() of an absent id is an empty text, not NULL.
                self.push(&format!("({sql} IS NOT NULL AND "));
                self.text(&format!("lower(hex({sql}))"), op, wanted);
                self.push(")");
            }
            (Column::Number(sql), Value::Int(wanted)) if op != Op::Contains => {
                self.push(&format!("({sql}) {} ", operator(op)));
                self.bind(*wanted);
            }
            (Column::Number(sql), Value::Float(wanted)) if op != Op::Contains => {
                self.push(&format!("CAST(({sql}) AS REAL) {} ", operator(op)));
                self.bind(*wanted);
            }
            (Column::Bool(sql), Value::Bool(wanted)) if op != Op::Contains => {
                self.push(&format!("{sql} {} ", operator(op)));
                self.bind(*wanted);
            }
            (Column::Tag, Value::Text(wanted)) => {
                self.push("EXISTS (SELECT 1 FROM json_each(tags) AS tag WHERE ");
                self.text("tag.value", op, wanted);
                self.push(")");
            }
            (Column::Attribute, Value::Text(wanted)) => {
                if let Field::Attribute(name) = field {
                    self.push("(SELECT ");
                    self.text("held", op, wanted);
                    self.push(" FROM (SELECT weir_attribute(attributes, ");
                    self.bind(name.clone());
                    self.push(") AS held))");
                }
            }
            (Column::Score, Value::Int(_) | Value::Float(_)) if op != Op::Contains => match field {
                Field::Score(name) => self.scored(name, |of| {
                    of.push(&format!(" AND said.number {} ", operator(op)));
                    match value {
                        Value::Int(wanted) => of.bind(*wanted),
                        Value::Float(wanted) => of.bind(*wanted),
                        Value::Text(_) | Value::Bool(_) => of.push("NULL"),
                    }
                }),
                _ => self.push("0"),
            },
            _ => self.push("0"),
        }
    }

    /// Whether a score of that name that counts is about the span: found by the trace, or where it names none by the call.
    fn scored(&mut self, name: &str, also: impl Fn(&mut Self)) {
        const ABOUT: [&str; 2] = [
            "said.trace_id = spans.trace_id AND \
             (said.call = lower(hex(spans.span_id)) OR (said.call IS NULL AND spans.parent_id IS NULL))",
            "said.trace_id IS NULL AND said.call IN (lower(hex(spans.span_id)), spans.request_id, \
             replace(lower(spans.request_id), '-', ''))",
        ];
        for (n, about) in ABOUT.into_iter().enumerate() {
            self.push(if n == 0 { "(EXISTS (" } else { " OR EXISTS (" });
            self.push(&format!(
                "SELECT 1 FROM scores AS said WHERE {about} AND {} AND said.name = ",
                Form::Whole.counts()
            ));
            self.bind(name.to_owned());
            also(self);
            self.push(")");
        }
        self.push(")");
    }

    fn text(&mut self, sql: &str, op: Op, wanted: &str) {
        if op == Op::Contains {
            self.push(&format!("weir_contains({sql}, "));
            self.bind(wanted.to_lowercase());
            self.push(")");
        } else {
            self.push(&format!("{sql} {} ", operator(op)));
            self.bind(wanted.to_owned());
        }
    }
}

fn operator(op: Op) -> &'static str {
    match op {
        Op::Eq => "=",
        Op::Ne => "<>",
        Op::Lt => "<",
        Op::Le => "<=",
        Op::Gt => ">",
        Op::Ge => ">=",
        Op::Contains => "LIKE",
    }
}

pub(super) fn text_holds(held: &str, op: Op, wanted: &str) -> bool {
    match op {
        Op::Eq => held == wanted,
        Op::Ne => held != wanted,
        Op::Lt => held < wanted,
        Op::Le => held <= wanted,
        Op::Gt => held > wanted,
        Op::Ge => held >= wanted,
        Op::Contains => held.contains(&wanted.to_lowercase()),
    }
}

/// The stored bytes of an id, if the text is exactly how that id prints.
pub(super) fn id_bytes(field: &Field, text: &str) -> Option<Vec<u8>> {
    let (printed, bytes) = match field {
        Field::TraceId => TraceId::parse(text).map(|id| (id.to_string(), significant(&id.0).to_vec()))?,
        _ => SpanId::parse(text).map(|id| (id.to_string(), significant(&id.0).to_vec()))?,
    };
    (printed == text).then_some(bytes)
}
