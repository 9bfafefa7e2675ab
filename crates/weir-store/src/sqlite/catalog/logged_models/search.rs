//! Pages of logged models.

use rusqlite::{Connection, params_from_iter};
use weir_core::query::{Sort, Target};

use super::load;
use crate::catalog::{LoggedModel, LoggedModelKey, LoggedModelQuery, LoggedModelSort, MeasuredOn};
use crate::sqlite::catalog::compile::{Entries, Shape, Sql};
use crate::telemetry::StoreError;

/// `points` are those that count: see [`models`].
const MODELS: Shape = Shape {
    fields: &[
        ("name", "e.name"),
        ("model_id", "e.model_id"),
        ("model_type", "nullif(e.model_type, '')"),
        ("status", "e.status"),
        ("run_id", "nullif(e.run_id, '')"),
        ("created", "e.created_ms"),
        ("updated", "e.updated_ms"),
    ],
    entries: &[
        (
            "params",
            Entries {
                from: "logged_model_params AS k WHERE k.model = e.id",
                key_is: "k.key = ?",
                value: "k.value",
                rank: None,
            },
        ),
        (
            "tags",
            Entries {
                from: "logged_model_tags AS k WHERE k.model = e.id",
                key_is: "k.key = ?",
                value: "k.value",
                rank: None,
            },
        ),
        (
            "metrics",
            Entries {
                from: "points AS k WHERE k.model = e.model_id",
                key_is: "k.key = (SELECT id FROM keys WHERE text = ?)",
                value: "iif(k.nan, NULL, k.value)",
                rank: None,
            },
        ),
    ],
    related: &[],
};

pub(super) fn models(db: &Connection, query: &LoggedModelQuery) -> Result<Vec<LoggedModel>, StoreError> {
    let mut sql = Sql::default();
    sql.push("WITH points AS NOT MATERIALIZED (SELECT * FROM model_points AS k WHERE ");
    match &query.datasets[..] {
        [] => sql.push("1"),
        datasets => {
            for (n, dataset) in datasets.iter().enumerate() {
                sql.push(if n == 0 { "(" } else { " OR (" });
                measured_on(&mut sql, dataset).push(")");
            }
            &mut sql
        }
    };
    sql.push(") SELECT e.id FROM logged_models AS e WHERE NOT e.deleted AND e.project IN (");
    for (n, project) in query.projects.iter().enumerate() {
        sql.push(if n == 0 { "?" } else { ", ?" }).bind(*project);
    }
    sql.push(")").conditions(&MODELS, &query.conditions)?;
    let on_metrics = query.conditions.iter().any(|c| matches!(c.target, Target::Entry("metrics", _)));
    if !query.datasets.is_empty() && !on_metrics {
        sql.push(" AND EXISTS (SELECT 1 FROM points AS k WHERE k.model = e.model_id)");
    }
    sql.push(" ORDER BY ");
    for sort in &query.order {
        level(&mut sql, sort)?;
        sql.push(", ");
    }
    sql.push("e.created_ms DESC, e.model_id LIMIT ? OFFSET ?");
    sql.bind(whole(query.limit)).bind(whole(query.offset));
    let mut statement = db.prepare(&sql.text)?;
    let rows = statement.query_map(params_from_iter(&sql.values), |row| row.get(0))?.collect::<Result<Vec<_>, _>>()?;
    rows.into_iter().map(|row| load::model(db, row)).collect()
}

fn level(sql: &mut Sql, sort: &LoggedModelSort) -> Result<(), StoreError> {
    match &sort.by {
        LoggedModelKey::Field(name) => {
            let sort = Sort { target: Target::Field(name), descending: sort.descending };
            sql.order(&MODELS, std::slice::from_ref(&sort))?;
        }
        LoggedModelKey::Metric(key, dataset) => {
            sql.push("(SELECT iif(k.nan, NULL, k.value) FROM model_points AS k WHERE k.model = e.model_id");
            sql.push(" AND k.key = (SELECT id FROM keys WHERE text = ?)").bind(key.clone());
            if let Some(dataset) = dataset {
                sql.push(" AND ");
                measured_on(sql, dataset);
            }
            sql.push(" ORDER BY k.timestamp_ms DESC, k.step DESC, k.run LIMIT 1)");
            sql.push(if sort.descending { " DESC NULLS LAST" } else { " ASC NULLS LAST" });
        }
    }
    Ok(())
}

fn measured_on<'a>(sql: &'a mut Sql, dataset: &MeasuredOn) -> &'a mut Sql {
    sql.push("k.dataset_name = ?").bind(dataset.name.clone());
    if let Some(digest) = &dataset.digest {
        sql.push(" AND k.dataset_digest = ?").bind(digest.clone());
    }
    sql
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
