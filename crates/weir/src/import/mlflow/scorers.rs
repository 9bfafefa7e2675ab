//! Scorers with all their versions. Ids stay.

use weir_store::catalog::{ScorerRecord, Scorers};

use super::Import;
use crate::import::Kind;

pub(super) fn import(import: &Import<'_>) -> anyhow::Result<Kind> {
    let mut kind = Kind::new("scorers");
    let all = import.rows(
        "SELECT s.scorer_id, s.experiment_id, s.scorer_name, v.scorer_version, v.serialized_scorer,
         coalesce(v.creation_time, 0) FROM scorers AS s JOIN scorer_versions AS v ON v.scorer_id = s.scorer_id",
        [],
        |row| {
            Ok(ScorerRecord {
                id: row.get(0)?,
                project: row.get(1)?,
                name: row.get(2)?,
                version: row.get(3)?,
                content: row.get(4)?,
                created_ms: row.get(5)?,
            })
        },
    )?;
    let total = all.len() as u64;
    for mut there in all {
        there.project = import.number(there.project)?;
        let id = format!("{} {} {}", there.project, there.name, there.version);
        kind.there(id.as_str(), &there.content);
        import.catalog.put_scorer(&there)?;
        let here = import.catalog.scorer_versions(there.project, &there.name)?;
        if let Some(here) = here.iter().find(|here| here.version == there.version) {
            kind.here(id, &here.content);
        }
    }
    import.progress.done("scorers", total);
    Ok(kind)
}
