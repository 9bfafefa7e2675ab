//! What runs have, in SQL.

use weir_core::query::{Sort, Target};

use super::super::super::compile::{Entries, Shape, Sql};
use crate::telemetry::StoreError;

pub(super) const SHAPE: Shape = Shape {
    fields: &[
        ("run_id", "lower(hex(e.uuid))"),
        ("run_name", "e.name"),
        (
            "status",
            "CASE e.status WHEN 3 THEN 'FINISHED' WHEN 1 THEN 'RUNNING' WHEN 4 THEN 'FAILED' WHEN 5 THEN 'KILLED' \
             ELSE 'SCHEDULED' END",
        ),
        ("user_id", "e.user"),
        ("artifact_uri", "e.artifact_uri"),
        ("start_time", "e.start_ms"),
        ("end_time", "e.end_ms"),
    ],
    entries: &[
        (
            "params",
            Entries {
                from: "run_params AS k WHERE k.run = e.id",
                key_is: "k.key = (SELECT id FROM keys WHERE text = ?)",
                value: "k.value",
                rank: None,
            },
        ),
        (
            "tags",
            Entries {
                from: "run_tags AS k WHERE k.run = e.id",
                key_is: "k.key = (SELECT id FROM keys WHERE text = ?)",
                value: "k.value",
                rank: None,
            },
        ),
        (
            "metrics",
            Entries {
                from: "run_metrics AS k WHERE k.run = e.id",
                key_is: "k.key = (SELECT id FROM keys WHERE text = ?)",
                value: "k.value",
                rank: Some("k.nan"),
            },
        ),
    ],
    related: &[(
        "datasets",
        "run_inputs AS i JOIN run_datasets AS k ON k.id = i.dataset WHERE i.run = e.id",
        &[("name", "k.name"), ("digest", "k.digest"), ("context", "i.context")],
    )],
};

/// Writes an order with what decides ties.
pub(super) fn order(sql: &mut Sql, sorts: &[Sort]) -> Result<(), StoreError> {
    let mut by_start = false;
    let mut by_id = false;
    for sort in sorts {
        let way = if sort.descending { " DESC, " } else { " ASC, " };
        match sort.target {
            // Never missing: as an index has them.
            Target::Field("start_time") => {
                by_start = true;
                sql.push("e.start_ms").push(way);
            }
            Target::Field("run_id") => {
                by_id = true;
                sql.push("e.uuid").push(way);
            }
            _ => {
                sql.order(&SHAPE, std::slice::from_ref(sort))?.push(", ");
            }
        }
    }
    sql.push(if by_start { "" } else { "e.start_ms DESC, " });
    sql.push(if by_id { "e.id" } else { "e.uuid" });
    Ok(())
}
