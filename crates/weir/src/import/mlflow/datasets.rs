//! Evaluation datasets with their records. Ids stay.

use weir_core::id::DatasetId;
use weir_store::catalog::{DatasetRecord, Datasets, Example, ExampleQuery};

use super::Import;
use super::source::{Counted, SourceDataset, pages};
use crate::import::Kind;

pub(super) fn all(import: &Import<'_>, kind: &Kind) -> anyhow::Result<()> {
    import.progress.begin("datasets", import.source.count(Counted::Datasets));
    pages(
        |page| import.source.datasets(page),
        |page| {
            for dataset in page {
                one(import, dataset, kind)?;
                import.progress.more(1);
            }
            Ok(())
        },
    )
}

fn one(import: &Import<'_>, dataset: SourceDataset, kind: &Kind) -> anyhow::Result<()> {
    let SourceDataset { id: name, record: mut there, experiments } = dataset;
    let Some(id) = name.strip_prefix("d-").and_then(DatasetId::parse) else {
        kind.refused(&name, "it is no id of a dataset");
        return Ok(());
    };
    there.id = id;
    let mut projects: Vec<i64> = experiments.iter().filter_map(|id| import.numbers.get(id).copied()).collect();
    projects.sort_unstable();
    let mut examples = import.source.examples(&name)?;
    // In the order in which they are read here.
    examples.sort_by_key(|example| (example.created_ms, example.id));
    there.examples = i64::try_from(examples.len()).unwrap_or(i64::MAX);
    let text = text(&there, &projects, &examples);
    let before = here(import, id)?;
    if before.as_deref() != Some(text.as_str()) {
        if before.is_none() {
            kind.added();
        }
        import.target.catalog.put_dataset(&there, &projects, examples)?;
    }
    kind.compare(&name, &text, here(import, id)?.as_deref());
    Ok(())
}

/// The dataset of an id as it is here.
fn here(import: &Import<'_>, id: DatasetId) -> anyhow::Result<Option<String>> {
    let catalog = &import.target.catalog;
    let Some(dataset) = catalog.dataset(id)? else { return Ok(None) };
    let all = ExampleQuery { dataset: id, revision: None, after: None, limit: usize::MAX };
    let mut projects = catalog.dataset_projects(id)?;
    projects.sort_unstable();
    Ok(Some(text(&dataset, &projects, &catalog.examples(&all)?)))
}

fn text(dataset: &DatasetRecord, projects: &[i64], examples: &[Example]) -> String {
    let whole = DatasetRecord { revision: 0, ..dataset.clone() };
    format!("{whole:?} {projects:?} {examples:?}")
}
