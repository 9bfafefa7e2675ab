//! From experiments to the projects that spans carry, and back.

use std::collections::HashMap;

use weir_store::catalog::{DEFAULT_PROJECT_KEY, ProjectRecord};

use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;

/// The project of an experiment's id, deleted or not.
pub(super) fn project(front: &Front, experiment_id: &str) -> Result<Option<ProjectRecord>, Refused> {
    Ok(front.parts.catalog.project(number(experiment_id)?)?)
}

/// The same, which must be there.
pub(super) fn existing(front: &Front, experiment_id: &str) -> Result<ProjectRecord, Refused> {
    project(front, experiment_id)?
        .ok_or_else(|| Refused::missing(format!("No Experiment with id={experiment_id} exists")))
}

/// The same, which must also not be in the bin.
pub(super) fn active(front: &Front, experiment_id: &str) -> Result<ProjectRecord, Refused> {
    let project = existing(front, experiment_id)?;
    if project.deleted {
        return Err(Refused::invalid(format!(
            "The experiment {experiment_id} must be in the 'active' state. Current state is deleted."
        )));
    }
    Ok(project)
}

fn number(experiment_id: &str) -> Result<i64, Refused> {
    experiment_id.parse().map_err(|_| {
        Refused::invalid(format!("Invalid experiment ID '{experiment_id}'. Experiment ID must be a valid integer."))
    })
}

/// Finds projects by their keys, each once.
pub(super) struct ByKey<'a> {
    front: &'a Front,
    known: HashMap<String, ProjectRecord>,
}

impl<'a> ByKey<'a> {
    pub(super) fn new(front: &'a Front) -> Self {
        Self { front, known: HashMap::new() }
    }

    /// The project of a key. One that only spans know gets its number now.
    pub(super) fn get(&mut self, key: Option<&str>) -> Result<&ProjectRecord, Refused> {
        let key = key.unwrap_or(DEFAULT_PROJECT_KEY).to_owned();
        let catalog = &self.front.parts.catalog;
        if !self.known.contains_key(&key) {
            let mut found = catalog.project_of_key(&key)?;
            if found.is_none() {
                catalog.ensure_projects(std::slice::from_ref(&key))?;
                found = catalog.project_of_key(&key)?;
            }
            self.known.insert(key.clone(), found.unwrap_or_default());
        }
        Ok(self.known.entry(key).or_default())
    }
}
