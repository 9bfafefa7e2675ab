//! Pages of models and of versions.

use rusqlite::{Connection, params_from_iter};
use weir_core::query::Target;

use super::load;
use crate::catalog::{ModelVersion, RegisteredModel, RegistryError, RegistryQuery};
use crate::sqlite::catalog::compile::{Entries, Shape, Sql};
use crate::telemetry::StoreError;

const MODELS: Shape = Shape {
    fields: &[("name", "e.name"), ("updated", "e.updated_ms")],
    entries: &[(
        "tags",
        Entries {
            from: "registered_model_tags AS k WHERE k.model = e.id",
            key_is: "k.key = ?",
            value: "k.value",
            rank: None,
        },
    )],
    related: &[],
};

const VERSIONS: Shape = Shape {
    fields: &[
        ("name", "m.name"),
        ("run_id", "e.run_id"),
        ("source_path", "e.source"),
        ("version_number", "e.version"),
        ("created", "e.created_ms"),
        ("updated", "e.updated_ms"),
    ],
    entries: &[(
        "tags",
        Entries {
            from: "model_version_tags AS k WHERE k.version = e.id",
            key_is: "k.key = ?",
            value: "k.value",
            rank: None,
        },
    )],
    related: &[],
};

pub(super) fn models(db: &Connection, query: &RegistryQuery) -> Result<Vec<RegisteredModel>, StoreError> {
    let mut sql = Sql::default();
    sql.push("SELECT e.id FROM registered_models AS e WHERE 1");
    let ids = page(db, sql, &MODELS, query, &[("name", "e.name")])?;
    let model = |id| match load::model(db, id) {
        Ok(model) => Ok(model),
        Err(RegistryError::Store(e)) => Err(e),
        Err(other) => Err(StoreError::Incompatible(other.to_string())),
    };
    ids.into_iter().map(model).collect()
}

pub(super) fn versions(db: &Connection, query: &RegistryQuery) -> Result<Vec<ModelVersion>, StoreError> {
    let mut sql = Sql::default();
    sql.push("SELECT e.id FROM model_versions AS e JOIN registered_models AS m ON m.id = e.model WHERE 1");
    let ids = page(db, sql, &VERSIONS, query, &[("name", "m.name"), ("version_number", "e.version DESC")])?;
    ids.into_iter().map(|id| load::version(db, id)).collect()
}

/// The rows of a page; `last` is what decides between equal ones, where the order does not name it itself.
fn page(
    db: &Connection,
    mut sql: Sql,
    shape: &Shape,
    query: &RegistryQuery,
    last: &[(&str, &str)],
) -> Result<Vec<i64>, StoreError> {
    sql.conditions(shape, &query.conditions)?.push(" ORDER BY ").order(shape, &query.order)?;
    let named =
        |field: &str| query.order.iter().any(|sort| matches!(sort.target, Target::Field(name) if name == field));
    let mut first = query.order.is_empty();
    for (_, expression) in last.iter().filter(|(field, _)| !named(field)) {
        sql.push(if first { "" } else { ", " }).push(expression);
        first = false;
    }
    sql.push(" LIMIT ? OFFSET ?");
    sql.bind(whole(query.limit)).bind(whole(query.offset));
    let mut statement = db.prepare(&sql.text)?;
    let rows = statement.query_map(params_from_iter(&sql.values), |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
