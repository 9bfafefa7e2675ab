//! Experiments: projects here. A project of the same name is taken for the same one; ids stay where they are free.

use std::collections::BTreeMap;

use weir_store::catalog::{NewProject, ProjectRecord, Projects};

use super::{Import, is_remote, now};
use crate::import::Kind;

/// Makes those that are not here yet. All are active here until the end, as what is in the bin takes nothing.
pub(super) fn begin(import: &mut Import<'_>) -> anyhow::Result<Vec<ProjectRecord>> {
    let all = import.source.experiments()?;
    import.progress.begin("experiments", Some(all.len() as u64));
    for there in &all {
        let catalog = &import.target.catalog;
        let here = match catalog.project_named(&there.name)? {
            Some(here) => here,
            None => catalog.create_project(&NewProject {
                number: Some(there.number),
                name: there.name.clone(),
                // Places that only the server reached become its own.
                artifact_location: is_remote(&there.artifact_location).then(|| there.artifact_location.clone()),
                tags: BTreeMap::new(),
                now_ms: there.created_ms,
            })?,
        };
        if !here.deleted {
            for (key, value) in &there.tags {
                if !here.tags.contains_key(key) {
                    catalog.tag_project(here.number, key, Some(value))?;
                }
            }
        }
        let place = |location: &str| location.trim_end_matches('/').to_owned();
        import.locations.push((place(&there.artifact_location), place(&here.artifact_location)));
        import.numbers.insert(there.number, here.number);
        import.progress.more(1);
    }
    Ok(all)
}

/// Puts those into the bin that are there, and compares.
pub(super) fn end(import: &Import<'_>, all: &[ProjectRecord]) -> anyhow::Result<Kind> {
    let kind = Kind::new("experiments");
    let catalog = &import.target.catalog;
    for there in all {
        let number = import.number(there.number)?;
        let here = catalog.project(number)?;
        if there.deleted && here.as_ref().is_some_and(|here| !here.deleted) {
            catalog.mark_project(number, true, now())?;
        }
        let here = catalog.project(number)?.map(|here| text(&here));
        kind.compare(&there.name, &text(there), here.as_deref());
    }
    Ok(kind)
}

fn text(project: &ProjectRecord) -> String {
    format!("{:?} {:?} {:?}", project.name, project.tags, project.deleted)
}
