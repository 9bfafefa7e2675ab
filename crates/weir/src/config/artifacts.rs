//! `[artifacts]`: where files of runs, models and traces are kept.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_core::secret::{self, Secret};
use weir_core::units::{Bytes, Time};
use weir_store::artifacts::{ArtifactOptions, ArtifactPlace, ObjectOptions};

/// The folder of the data folder that is used where none is named.
const USUAL: &str = "artifacts";

/// Files of runs, models and traces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ArtifactsConfig {
    /// Where their bytes are kept: a folder, or `s3://bucket/prefix`; no other Weir may use it. Not set: `artifacts` in the data folder.
    pub store: Option<String>,
    /// Largest file. Not set: any.
    #[schemars(with = "Option<String>")]
    pub max_size: Option<Bytes>,
    /// Address of an S3-compatible store that is not Amazon's, as in `https://minio.example.com`. Clients reach it under the same address.
    pub endpoint: Option<String>,
    /// Its region. Not set: `AWS_REGION`.
    pub region: Option<String>,
    /// Key id, best as `env:NAME`. Not set: what `AWS_ACCESS_KEY_ID` and the other `AWS_*` variables or the machine's role say.
    #[schemars(with = "Option<String>")]
    pub access_key: Option<Secret>,
    /// Its secret, best as `env:NAME`.
    #[schemars(with = "Option<String>")]
    pub secret_key: Option<Secret>,
    /// Whether the endpoint may be plain `http://`.
    pub allow_http: bool,
    /// How long an address is good for that lets a client send or read a part by itself.
    #[schemars(with = "String")]
    pub presign_expiry: Time,
}

impl Default for ArtifactsConfig {
    fn default() -> Self {
        Self {
            store: None,
            max_size: None,
            endpoint: None,
            region: None,
            access_key: None,
            secret_key: None,
            allow_http: false,
            presign_expiry: Time::secs(3_600),
        }
    }
}

impl ArtifactsConfig {
    /// What the store needs to know. `data` is the data folder.
    pub(crate) fn options(&self, data: &Path, env: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<ArtifactOptions> {
        let place = match self.store.as_deref().map(|store| (store, store.split_once("://"))) {
            Some((_, Some(("s3", bucket)))) => ArtifactPlace::Objects(self.objects(bucket, env)?),
            Some((store, Some(_))) => bail!("artifacts.store: {store:?} must be a folder, or s3://bucket/prefix"),
            Some((folder, None)) => ArtifactPlace::Folder(PathBuf::from(folder)),
            None => ArtifactPlace::Folder(data.join(USUAL)),
        };
        Ok(ArtifactOptions { place, max_size: self.max_size.map(|most| most.0) })
    }

    fn objects(&self, bucket: &str, env: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<ObjectOptions> {
        let (bucket, prefix) = bucket.split_once('/').unwrap_or((bucket, ""));
        if bucket.is_empty() {
            bail!("artifacts.store: name a bucket, as in s3://bucket/prefix");
        }
        if self.access_key.is_some() != self.secret_key.is_some() {
            bail!("artifacts.access_key and artifacts.secret_key belong together: set both or none");
        }
        let day = std::time::Duration::from_secs(7 * 86_400);
        if self.presign_expiry.0 > day || self.presign_expiry.0.as_secs() == 0 {
            bail!("artifacts.presign_expiry must be from 1s to 7d");
        }
        let key = |name: &str, key: &Option<Secret>| match key {
            None => Ok(None),
            Some(key) => secret::resolve(key.expose(), env)
                .map(|key| Some(Secret::from(key)))
                .map_err(anyhow::Error::msg)
                .with_context(|| format!("artifacts.{name}")),
        };
        Ok(ObjectOptions {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            access_key: key("access_key", &self.access_key)?,
            secret_key: key("secret_key", &self.secret_key)?,
            allow_http: self.allow_http,
            presign: self.presign_expiry.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(text: &str) -> Result<ArtifactPlace, String> {
        let config: ArtifactsConfig = toml::from_str(text).unwrap();
        let env = |name: &str| (name == "SECRET").then(|| "hush".to_owned());
        config.options(Path::new("/data"), &env).map(|options| options.place).map_err(|e| format!("{e:#}"))
    }

    #[test]
    fn a_store_is_a_folder_or_a_bucket() {
        assert!(matches!(options(""), Ok(ArtifactPlace::Folder(f)) if f == Path::new("/data/artifacts")));
        assert!(matches!(options("store = \"./a\""), Ok(ArtifactPlace::Folder(f)) if f == Path::new("./a")));
        let text = "store = \"s3://b/p/q\"\naccess_key = \"id\"\nsecret_key = \"env:SECRET\"";
        let Ok(ArtifactPlace::Objects(objects)) = options(text) else { panic!("no bucket") };
        assert_eq!((objects.bucket.as_str(), objects.prefix.as_str()), ("b", "p/q"));
        assert_eq!(objects.secret_key.as_ref().map(Secret::expose), Some("hush"));
        assert!(!format!("{objects:?}").contains("hush"));
        for (text, why) in [
            ("store = \"gs://b\"", "must be a folder, or s3://bucket/prefix"),
            ("store = \"s3:///p\"", "name a bucket"),
            ("store = \"s3://b\"\naccess_key = \"x\"", "belong together"),
            ("store = \"s3://b\"\naccess_key = \"x\"\nsecret_key = \"env:NO\"", "artifacts.secret_key"),
            ("store = \"s3://b\"\npresign_expiry = \"8d\"", "from 1s to 7d"),
        ] {
            assert!(options(text).is_err_and(|e| e.contains(why)), "{text}");
        }
    }
}
