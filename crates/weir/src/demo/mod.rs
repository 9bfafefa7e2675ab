//! A month of traffic of a support assistant that never was, for whoever wants to see Weir at work, and to measure it with.
//!
//! Invariants: the same seed, end, days and number of calls give the same data; it is data like any other, written through
//! the same ingest, and nothing else in Weir knows of it.

mod calendar;
mod call;
mod chance;
mod datasets;
mod folder;
mod incidents;
mod models;
mod people;
mod prompts;
mod requests;
mod runs;
mod scores;
#[cfg(test)]
mod tests;
mod topics;
mod traces;
mod traffic;

use std::ops::Range;
use std::path::Path;

use weir_core::time::{DAY, Micros};

use crate::config::Loaded;
use folder::Folder;
use incidents::Plan;
use models::Prices;
use prompts::Shelf;
use requests::World;

/// What the traffic is filed under.
pub(crate) const PROJECT: &str = "support-assistant";

/// What is to be made.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The last instant.
    pub(crate) until: Micros,
    /// How many days before it.
    pub(crate) days: u32,
    /// About how many calls of models.
    pub(crate) calls: u64,
    /// What decides the rest.
    pub(crate) seed: u64,
    /// Whether the folder may have something in it.
    pub(crate) add: bool,
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) range: Range<Micros>,
    pub(crate) calls: u64,
    pub(crate) spans: u64,
    pub(crate) scores: u64,
    pub(crate) experiments: usize,
    pub(crate) runs: usize,
    pub(crate) prompt_versions: usize,
    pub(crate) datasets: usize,
    /// When a provider was in trouble, and since when answers are long; nothing where the time is too short for it.
    pub(crate) trouble: Option<Range<Micros>>,
    pub(crate) changed: Option<Micros>,
}

/// Fills a data folder. `told` hears of further calls.
///
/// # Errors
/// When the folder is in use, is not empty, or cannot be written.
pub(crate) fn fill(data: &Path, options: &Options, loaded: &Loaded, told: &dyn Fn(u64)) -> anyhow::Result<Made> {
    let folder = Folder::open(data, options.add, loaded)?;
    let world = world(options)?;
    let plan = &world.plan;
    let prompt_versions = prompts::register(&*folder.catalog, plan)?;
    let project = runs::project(&*folder.catalog, PROJECT, "Traffic of the support assistant", plan)?;
    let datasets = datasets::put(&*folder.catalog, project.number, plan, options.seed)?;
    let logged = runs::log(&folder, plan, options.seed)?;
    let mut writer = folder.writer(told);
    traffic::make(&world, options.calls, options.seed, &mut writer)?;
    let written = writer.finish()?;
    folder.close();
    Ok(Made {
        range: plan.range.clone(),
        calls: written.calls,
        spans: written.spans,
        scores: written.scores,
        experiments: logged.experiments,
        runs: logged.runs,
        prompt_versions,
        datasets,
        trouble: plan.trouble.clone(),
        changed: plan.changed,
    })
}

fn world(options: &Options) -> anyhow::Result<World> {
    let start = options.until - i64::from(options.days) * DAY;
    Ok(World { plan: Plan::new(start..options.until), prices: Prices::new()?, shelf: Shelf::new() })
}
