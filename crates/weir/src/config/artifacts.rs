//! `[artifacts]`: where files of runs, models and traces are kept.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_core::units::Bytes;
use weir_store::artifacts::{ArtifactOptions, ArtifactPlace};

/// The folder of the data folder that is used where none is named.
const USUAL: &str = "artifacts";

/// Files of runs, models and traces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ArtifactsConfig {
    /// Where their bytes are kept: a folder, which no other Weir may use. Not set: `artifacts` in the data folder.
    pub store: Option<String>,
    /// Largest file. Not set: any.
    #[schemars(with = "Option<String>")]
    pub max_size: Option<Bytes>,
}

impl ArtifactsConfig {
    /// What the store needs to know. `data` is the data folder.
    pub(crate) fn options(&self, data: &Path) -> anyhow::Result<ArtifactOptions> {
        let folder = self.store.as_ref().map_or_else(|| data.join(USUAL), PathBuf::from);
        Ok(ArtifactOptions { place: ArtifactPlace::Folder(folder), max_size: self.max_size.map(|most| most.0) })
    }
}
