//! Conditions as ranges of indexes: each proposes all runs of a project that can satisfy it, and perhaps others.

use rusqlite::types::Value;
use rusqlite::{ToSql, params_from_iter};
use weir_core::id::RunId;
use weir_core::query::{Condition, Op, Operand, Target, Test};

use super::super::RUN_NAME;
use super::super::write::head;
use super::Search;
use crate::telemetry::StoreError;

/// A range of an index.
pub(super) struct Range {
    /// `SELECT <row> FROM ...`; the project is bound to ?1.
    sql: String,
    /// What is bound from ?2 on.
    values: Vec<Value>,
    /// Of which collection it is the runs of one value, latest start first: the way to walk them with start and id.
    pub(super) newest_first: Option<&'static str>,
}

/// The ranges of a search's conditions, as far as indexes have them.
pub(super) fn of(search: &Search<'_>) -> Result<Vec<Range>, StoreError> {
    let mut ranges = Vec::new();
    for condition in &search.conditions {
        ranges.extend(range(search, condition)?);
    }
    Ok(ranges)
}

impl Range {
    fn new(sql: impl Into<String>, values: Vec<Value>) -> Self {
        Self { sql: sql.into(), values, newest_first: None }
    }

    /// The rows of the range in all projects; `None` when they are more than `most`.
    pub(super) fn collect(&self, search: &Search<'_>, most: usize) -> Result<Option<Vec<i64>>, StoreError> {
        let mut statement = search.db.prepare_cached(&self.sql)?;
        let mut found = Vec::new();
        for project in &search.projects {
            let mut rows = statement.query(params_from_iter(self.bound(project)))?;
            while let Some(row) = rows.next()? {
                if found.len() == most {
                    return Ok(None);
                }
                found.push(row.get(0)?);
            }
        }
        Ok(Some(found))
    }

    /// The values of the statement for a project.
    pub(super) fn bound<'a>(&'a self, project: &'a i64) -> impl Iterator<Item = &'a dyn ToSql> {
        let first: &dyn ToSql = project;
        std::iter::once(first).chain(self.values.iter().map(|value| -> &dyn ToSql { value }))
    }

    /// The values of the statement for a project, to be kept.
    pub(super) fn values_for(&self, project: i64) -> Vec<Value> {
        std::iter::once(Value::Integer(project)).chain(self.values.iter().cloned()).collect()
    }

    /// What the range reads, with start and id: for the walk in that order.
    pub(super) fn walked(&self) -> String {
        self.sql.replacen("SELECT run ", "SELECT run, start_ms, uuid ", 1) + " ORDER BY start_ms DESC, uuid"
    }
}

fn range(search: &Search<'_>, condition: &Condition) -> Result<Option<Range>, StoreError> {
    let texts = |test: &Test| -> Option<Vec<String>> {
        match test {
            Test::Compare(Op::Eq, Operand::Text(text)) => Some(vec![text.clone()]),
            Test::In(texts) => Some(texts.clone()),
            _ => None,
        }
    };
    Ok(match &condition.target {
        Target::Entry("tags", key) if key == RUN_NAME => texts(&condition.test).map(|texts| among("name", texts)),
        Target::Entry(collection @ ("params" | "tags"), key) => {
            let Some(key) = search.keys.find(search.db, key)? else { return Ok(None) };
            entries(if *collection == "params" { "param_index" } else { "tag_index" }, key, &condition.test)
        }
        Target::Entry("metrics", key) => {
            let Some(key) = search.keys.find(search.db, key)? else { return Ok(None) };
            metrics(key, &condition.test)
        }
        Target::Field("run_id") => texts(&condition.test).map(|texts| {
            let ids = texts.iter().filter_map(|text| RunId::parse(text)).map(|id| Value::Blob(id.0.to_vec())).collect();
            listed("SELECT id FROM runs WHERE project = ?1 AND uuid IN (", ids)
        }),
        Target::Field("run_name") => texts(&condition.test).map(|texts| among("name", texts)),
        Target::Related("datasets", field @ ("name" | "digest")) => texts(&condition.test).map(|texts| {
            let from = "SELECT i.run FROM run_datasets AS d JOIN run_inputs AS i ON i.dataset = d.id";
            let start = format!("{from} WHERE d.project = ?1 AND d.{field} IN (");
            listed(&start, texts.into_iter().map(Value::Text).collect())
        }),
        _ => None,
    })
}

fn among(column: &str, texts: Vec<String>) -> Range {
    let start = format!("SELECT id FROM runs WHERE project = ?1 AND {column} IN (");
    listed(&start, texts.into_iter().map(Value::Text).collect())
}

fn listed(start: &str, values: Vec<Value>) -> Range {
    Range::new(format!("{start}{})", vec!["?"; values.len()].join(", ")), values)
}

fn entries(table: &'static str, key: i64, test: &Test) -> Option<Range> {
    let of_key = format!("SELECT run FROM {table} WHERE project = ?1 AND key = ?2");
    let key = Value::Integer(key);
    let text = |text: &str| Value::Text(text.to_owned());
    match test {
        Test::Null => None,
        Test::Compare(Op::Eq, Operand::Text(value)) => {
            let newest_first = Some(table);
            Some(Range { newest_first, ..Range::new(of_key + " AND head = ?3", vec![key, text(head(value))]) })
        }
        Test::Compare(Op::Like, Operand::Text(pattern)) => {
            let prefix = head(pattern.split(['%', '_']).next().unwrap_or_default());
            if prefix.is_empty() {
                return Some(Range::new(of_key, vec![key]));
            }
            let end = format!("{prefix}{}", char::MAX);
            Some(Range::new(of_key + " AND head >= ?3 AND head <= ?4", vec![key, text(prefix), Value::Text(end)]))
        }
        _ => Some(Range::new(of_key, vec![key])),
    }
}

fn metrics(key: i64, test: &Test) -> Option<Range> {
    let of_key = "SELECT run FROM run_metrics INDEXED BY metric_index WHERE project = ?1 AND key = ?2";
    let key = Value::Integer(key);
    let sign = match test {
        Test::Null => return None,
        Test::Compare(Op::Eq, _) => "=",
        Test::Compare(Op::Lt, _) => "<",
        Test::Compare(Op::Le, _) => "<=",
        Test::Compare(Op::Gt, _) => ">",
        Test::Compare(Op::Ge, _) => ">=",
        _ => return Some(Range::new(of_key, vec![key])),
    };
    let Test::Compare(_, Operand::Number(number)) = test else { return None };
    Some(Range::new(format!("{of_key} AND nan = 0 AND value {sign} ?3"), vec![key, Value::Real(*number)]))
}
