//! Finding experiments, those among them that only spans know so far.

use weir_core::time::Micros;
use weir_store::catalog::ProjectRecord;
use weir_store::telemetry::{Dimension, StatsQuery, TimeRange};

use crate::mlflow::calls;
use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;

/// The number that a text is.
pub(in crate::mlflow) fn parse_id(id: &str) -> Result<i64, Refused> {
    id.trim()
        .parse()
        .map_err(|_| Refused::invalid(format!("Invalid experiment ID '{id}'. Experiment ID must be a valid integer.")))
}

/// The experiment of an id, deleted or not; 404 where there is none.
pub(in crate::mlflow) fn find(front: &Front, id: &str) -> Result<ProjectRecord, Refused> {
    let number = parse_id(id)?;
    let found = front.parts.catalog.project(number)?;
    found.ok_or_else(|| Refused::missing(format!("No Experiment with id={number} exists")))
}

/// The experiment of a name, deleted or not.
pub(super) fn find_named(front: &Front, name: &str) -> Result<Option<ProjectRecord>, Refused> {
    if let Some(found) = front.parts.catalog.project_named(name)? {
        return Ok(Some(found));
    }
    ensure(front)?;
    if name == front.parts.calls.experiment {
        calls::project(front)?;
    }
    Ok(front.parts.catalog.project_named(name)?)
}

/// Makes projects of those that spans name.
pub(super) fn ensure(front: &Front) -> Result<(), Refused> {
    let stats = front.parts.telemetry.stats(&StatsQuery {
        range: TimeRange { from: None, to: None::<Micros> },
        group_by: vec![Dimension::Project],
        ..StatsQuery::default()
    })?;
    let keys: Vec<String> = stats.groups.into_iter().filter_map(|mut group| group.values.pop().flatten()).collect();
    front.parts.catalog.ensure_projects(&keys)?;
    if !keys.is_empty() {
        calls::project(front)?;
    }
    Ok(())
}
