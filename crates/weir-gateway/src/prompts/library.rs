//! The prompts at hand, and every way to change them. Changing is I/O: callers off the request path, on blocking threads.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use weir_core::error::{Code, Error};
use weir_core::prompt::{PromptContent, PromptDefaults, PromptVersion, is_name};
use weir_core::time::Clock;
use weir_store::catalog::{Prompts, Put};
use weir_store::telemetry::StoreError;

use super::folder::{self, Stamp};
use super::set::{LATEST, PromptSet};
use super::template::Limits;
use super::version::Version;
use crate::config::PromptsConfig;

/// Most prompts, and most versions of one.
const MAX_PROMPTS: usize = 10_000;
const MAX_VERSIONS: usize = 10_000;
/// Most labels of one prompt.
const MAX_LABELS: usize = 1_000;
/// Slow renderings at a time; further ones wait, so that requests without one keep a processor.
const MAX_SLOW: usize = 2;

/// A version to be made.
#[derive(Clone, Debug)]
pub struct NewVersion {
    /// The prompt; made with its first version.
    pub name: String,
    /// The version's name; without one the next number.
    pub version: Option<String>,
    /// What the prompt is for.
    pub description: Option<String>,
    /// The template.
    pub content: PromptContent,
    /// Defaults of requests.
    pub defaults: PromptDefaults,
    /// What changed.
    pub message: Option<String>,
    /// Labels that move to it.
    pub labels: Vec<String>,
}

/// Every prompt, and where they come from.
pub struct Library {
    catalog: Arc<dyn Prompts>,
    clock: Clock,
    set: ArcSwap<PromptSet>,
    /// Held while the set is built anew.
    state: Mutex<State>,
    /// Places for slow renderings.
    slow: Arc<Semaphore>,
}

#[derive(Default)]
struct State {
    dir: PathBuf,
    limits: Limits,
    /// The files as they were read last, and as they were seen last.
    read: Stamp,
    seen: Stamp,
    /// Whether the set could not be built when it was to be.
    stale: bool,
    /// Contents that the catalog keeps.
    kept: HashSet<String>,
}

impl Library {
    /// The prompts of a catalog and of a folder. What is wrong with a file is logged; it never keeps Weir from starting.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn open(catalog: Arc<dyn Prompts>, config: &PromptsConfig, clock: Clock) -> Result<Self, StoreError> {
        let (set, state) = (ArcSwap::default(), Mutex::default());
        let library = Self { catalog, clock, set, state, slow: Arc::new(Semaphore::new(MAX_SLOW)) };
        {
            let mut state = library.state.lock();
            state.dir.clone_from(&config.dir);
            state.limits = limits(config);
            state.read = folder::stamp(&config.dir);
            state.seen = state.read.clone();
            library.rebuild(&mut state)?;
        }
        Ok(library)
    }

    /// The prompts at hand.
    #[must_use]
    pub fn set(&self) -> Arc<PromptSet> {
        self.set.load_full()
    }

    /// The content of a hash, also of versions that are gone.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn content(&self, hash: &str) -> Result<Option<PromptContent>, StoreError> {
        self.catalog.content(hash)
    }

    /// Runs what renders slowly beside the threads that answer requests, a few at a time.
    ///
    /// # Errors
    /// When the work broke off.
    pub async fn beside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let place = self.slow.clone().acquire_owned().await;
        let broke = |e| Error::new(Code::Internal, format!("rendering broke off: {e}"));
        let work = move || {
            // Held by the work itself, which goes on when its caller has gone away.
            let _place = place;
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(broke)
    }

    /// Looks at the folder; takes a change once two looks have seen the same, so that a file that is just being written
    /// is not taken for a whole one. Whether something was taken.
    pub fn look(&self, config: &PromptsConfig) -> bool {
        let now = folder::stamp(&config.dir);
        let limits = limits(config);
        let mut state = self.state.lock();
        let settled = now == state.seen && config.dir == state.dir;
        state.seen.clone_from(&now);
        state.dir.clone_from(&config.dir);
        if !settled || (now == state.read && limits == state.limits && !state.stale) {
            return false;
        }
        state.stale = false;
        (state.read, state.limits) = (now, limits);
        match self.rebuild(&mut state) {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(%error, "changed prompts cannot be taken yet");
                state.stale = true;
                false
            }
        }
    }

    /// Makes a version.
    ///
    /// # Errors
    /// 400 with the line of a mistake in the template; 409 when the version exists with another content.
    pub fn create(&self, new: NewVersion) -> Result<Arc<Version>, Error> {
        let mut state = self.state.lock();
        let set = self.set();
        let names = [("name", Some(&new.name)), ("version", new.version.as_ref())];
        for (what, name) in names.into_iter().chain(new.labels.iter().map(|label| ("labels", Some(label)))) {
            let Some(name) = name.filter(|name| !is_name(name) || (what != "name" && *name == LATEST)) else {
                continue;
            };
            let message = format!(
                "{what}: {name:?} must be 1 to 128 letters, digits, dots, dashes or underscores, and not \"{LATEST}\""
            );
            return Err(Error::invalid(what, message));
        }
        let prompt = set.prompts.get(&new.name);
        if (prompt.is_none() && set.prompts.len() >= MAX_PROMPTS)
            || prompt.is_some_and(|p| p.versions.len() >= MAX_VERSIONS)
        {
            let message = format!("there are at most {MAX_PROMPTS} prompts, and {MAX_VERSIONS} versions of one");
            return Err(Error::new(Code::InvalidRequest, message));
        }
        if prompt.map_or(0, |p| p.labels.len()) + new.labels.len() > MAX_LABELS {
            return Err(Error::invalid("labels", format!("a prompt has at most {MAX_LABELS} labels")));
        }
        let version = new.version.unwrap_or_else(|| next_number(prompt.map(|p| &p.versions[..]).unwrap_or_default()));
        let same_file = prompt.and_then(|p| p.exact(&version)).filter(|v| v.from_file);
        if same_file.is_some_and(|v| v.record.content != new.content || v.record.defaults != new.defaults) {
            return Err(conflict(&new.name, &version));
        }
        let record = PromptVersion {
            version: version.clone(),
            content: new.content,
            defaults: new.defaults,
            message: new.message,
            created_us: self.clock.now(),
        };
        // Compiled before it is stored, among all others that it may include.
        Version::compile(&new.name, record.clone(), &[], set.sources(), state.limits)
            .map_err(|error| Error::invalid("template", error.to_string()))?;
        let put = self.catalog.put_version(&new.name, new.description.as_deref(), &record, &new.labels);
        if put.map_err(unavailable)? == Put::Conflict {
            return Err(conflict(&new.name, &version));
        }
        self.rebuild(&mut state).map_err(unavailable)?;
        self.set().find(&new.name, Some(&version)).cloned()
    }

    /// Moves a label to a version, or takes it away.
    ///
    /// # Errors
    /// 404 that names what there is.
    pub fn set_label(&self, name: &str, label: &str, version: Option<&str>) -> Result<(), Error> {
        let mut state = self.state.lock();
        let set = self.set();
        let prompt = set.prompts.get(name);
        if !is_name(label) || label == LATEST || (version.is_some() && prompt.is_some_and(|p| p.exact(label).is_some()))
        {
            let message = format!(
                "{label:?} cannot be a label: 1 to 128 letters, digits, dots, dashes or underscores, not \"{LATEST}\" and \
                 not the name of a version"
            );
            return Err(Error::invalid("label", message));
        }
        let added = prompt.is_some_and(|p| !p.labels.contains_key(label));
        if version.is_some() && added && prompt.is_some_and(|p| p.labels.len() >= MAX_LABELS) {
            return Err(Error::invalid("label", format!("a prompt has at most {MAX_LABELS} labels")));
        }
        match version {
            Some(version) => {
                let found = set.find(name, Some(version))?;
                if found.from_file {
                    // A version with a label of the API's is stored, so that it stays what the label was put on.
                    self.catalog.put_version(name, None, &found.record, &[]).map_err(unavailable)?;
                }
                self.catalog.set_label(name, label, Some(&found.record.version)).map_err(unavailable)?;
            }
            None => {
                set.find(name, None)?;
                if !self.catalog.set_label(name, label, None).map_err(unavailable)? {
                    return Err(Error::new(
                        Code::NotFound,
                        format!("prompt {name:?} has no label {label:?} of the API's"),
                    ));
                }
            }
        }
        self.rebuild(&mut state).map_err(unavailable)
    }

    /// Deletes a version, and the labels that stand on it.
    ///
    /// # Errors
    /// 404 that names what there is; 400 where the version comes from a file.
    pub fn delete_version(&self, name: &str, version: &str) -> Result<(), Error> {
        let mut state = self.state.lock();
        let found = self.set().find(name, Some(version))?.clone();
        if found.from_file {
            return Err(of_a_file(name));
        }
        self.catalog.delete_prompt_version(name, &found.record.version).map_err(unavailable)?;
        self.rebuild(&mut state).map_err(unavailable)
    }

    /// Deletes a prompt with all its versions and labels.
    ///
    /// # Errors
    /// 404 where there is none; 400 where a version comes from a file.
    pub fn delete(&self, name: &str) -> Result<(), Error> {
        let mut state = self.state.lock();
        let set = self.set();
        set.find(name, None)?;
        if set.prompts.get(name).is_some_and(|prompt| prompt.versions.iter().any(|v| v.from_file)) {
            return Err(of_a_file(name));
        }
        self.catalog.delete_prompt(name).map_err(unavailable)?;
        self.rebuild(&mut state).map_err(unavailable)
    }

    /// Builds the set anew out of the catalog and the files.
    fn rebuild(&self, state: &mut State) -> Result<(), StoreError> {
        let records = self.catalog.prompts()?;
        let (files, broken) = folder::read(&state.read);
        let before = self.set();
        for file in &files {
            let version = &file.version;
            let changed = before.prompts.get(&file.name).and_then(|p| p.exact(&version.version));
            if let Some(old) = changed.filter(|old| old.from_file && old.record.content != version.content) {
                let (was, is) = (&old.hash[..12], &version.content.hash()[..12]);
                tracing::warn!(
                    prompt = file.name,
                    version = version.version,
                    was,
                    is,
                    "the file of a version was changed in place; calls tell the contents apart by their hash, but a new \
                     version would be clearer"
                );
            }
        }
        let (set, problems) = PromptSet::build(records, files, broken, &before, state.limits);
        for problem in problems {
            tracing::error!(problem, "a prompt has a mistake");
        }
        for version in set.prompts.values().flat_map(|p| &p.versions).filter(|v| v.from_file) {
            if state.kept.insert(version.hash.clone()) {
                self.catalog.keep_content(&version.record.content)?;
            }
        }
        self.set.store(Arc::new(set));
        Ok(())
    }
}

fn limits(config: &PromptsConfig) -> Limits {
    let output = usize::try_from(config.max_output.0).unwrap_or(usize::MAX);
    Limits { fuel: config.fuel, output, ..Limits::default() }
}

fn conflict(name: &str, version: &str) -> Error {
    let message = format!(
        "{name}@{version} exists with another content or other defaults, and versions never change: name a new version"
    );
    Error { param: Some("version".to_owned()), ..Error::new(Code::Conflict, message) }
}

fn of_a_file(name: &str) -> Error {
    Error::invalid("prompt", format!("{name:?} comes from a file of prompts.dir: delete it there"))
}

#[expect(clippy::needless_pass_by_value, reason = "used as the function of map_err")]
fn unavailable(error: StoreError) -> Error {
    Error::new(Code::StoreUnavailable, error.to_string()).retry_after_ms(1_000)
}

/// One more than the greatest number among the versions.
fn next_number(versions: &[Arc<Version>]) -> String {
    let numbers = versions.iter().filter_map(|v| {
        let text = v.record.version.trim_start_matches('v');
        text.split('.').next()?.parse::<u64>().ok()
    });
    numbers.max().unwrap_or(0).saturating_add(1).to_string()
}
