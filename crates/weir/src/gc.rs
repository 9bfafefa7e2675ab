//! What is deleted goes for good: the same on a running server and on a folder of one that is stopped.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::runtime::Handle;
use weir_core::error::{Code, Error};
use weir_core::time::Micros;
use weir_store::artifacts::{ArtifactError, ArtifactStore};
use weir_store::catalog::{Purge, Purged};
use weir_store::telemetry::{Dimension, StatsQuery, StoreError, Telemetry, TimeRange};
use weir_web::api::GcAnswer;

/// Everything that it works on.
pub(crate) struct Collector {
    pub catalog: Arc<dyn Purge>,
    pub artifacts: Arc<ArtifactStore>,
    pub telemetry: Arc<dyn Telemetry>,
}

impl Collector {
    /// Lets what was deleted before a time go; blocks.
    pub(crate) fn collect(&self, runtime: &Handle, before: Micros, dry_run: bool) -> Result<GcAnswer, Error> {
        // What was deleted in this very millisecond is in, too.
        let before_ms = before / 1_000 + 1;
        let purged = if dry_run {
            self.catalog.purgeable(before_ms).map_err(|e| store(&e))?
        } else {
            let used = self.used_keys().map_err(|e| store(&e))?;
            self.catalog.purge(before_ms, &|key| used.contains(key)).map_err(|e| store(&e))?
        };
        let swept = runtime.block_on(async {
            let mut swept = if dry_run { self.artifacts.unused().await? } else { self.artifacts.sweep().await? };
            swept += self.artifacts.sweep_strays(dry_run).await?;
            Ok(swept)
        });
        let swept = swept.map_err(|e: ArtifactError| Error::new(Code::StoreUnavailable, e.to_string()))?;
        let Purged { projects, runs, logged_models, files } = purged;
        let files = (!dry_run).then_some(files);
        Ok(GcAnswer { dry_run, projects, runs, logged_models, files, contents: swept.contents, bytes: swept.bytes })
    }

    /// Keys of projects that spans carry.
    fn used_keys(&self) -> Result<HashSet<String>, StoreError> {
        let stats = self.telemetry.stats(&StatsQuery {
            range: TimeRange::default(),
            group_by: vec![Dimension::Project],
            ..StatsQuery::default()
        })?;
        Ok(stats.groups.into_iter().filter_map(|mut group| group.values.pop().flatten()).collect())
    }
}

fn store(error: &StoreError) -> Error {
    Error::new(Code::StoreUnavailable, error.to_string())
}
