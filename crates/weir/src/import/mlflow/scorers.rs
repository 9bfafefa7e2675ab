//! Scorers with all their versions. Ids stay.

use weir_store::catalog::{ProjectRecord, Scorers};

use super::Import;
use crate::import::Kind;

pub(super) fn all(import: &Import<'_>, experiments: &[ProjectRecord], kind: &Kind) -> anyhow::Result<()> {
    import.progress.begin("scorers", None);
    for experiment in experiments {
        for mut there in import.source.scorers(experiment.number)? {
            there.project = import.number(there.project)?;
            let id = format!("{} {} {}", experiment.name, there.name, there.version);
            let here = || -> anyhow::Result<_> {
                let versions = import.target.catalog.scorer_versions(there.project, &there.name)?;
                Ok(versions.into_iter().find(|here| here.version == there.version).map(|here| here.content))
            };
            if here()?.is_none() {
                import.target.catalog.put_scorer(&there)?;
                kind.added();
            }
            kind.compare(&id, &there.content, here()?.as_deref());
            import.progress.more(1);
        }
    }
    Ok(())
}
