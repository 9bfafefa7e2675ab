use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, RwLock};
use weir_core::time::Clock;
use weir_store::catalog::Alerts;
use weir_store::telemetry::StoreError;

use super::super::reads::Reads;
use super::super::rule_set::{Configured, RuleSet};
use super::book::Book;

/// How often the worker looks at the clock.
const TICK: Duration = Duration::from_secs(1);
/// How long it waits after a failure.
const PAUSE: Duration = Duration::from_secs(5);

/// Told of each evaluation: how long it took, and whether it could be done.
pub type Meter = Arc<dyn Fn(Duration, bool) + Send + Sync>;

/// What the worker is made of.
pub struct Parts {
    /// What rules look at.
    pub reads: Arc<dyn Reads>,
    /// Where states are kept.
    pub catalog: Arc<dyn Alerts>,
    /// What time it is.
    pub clock: Clock,
    /// Told of each evaluation.
    pub meter: Meter,
    /// Told that notifications were put into the outbox.
    pub told: Arc<dyn Fn() + Send + Sync>,
}

/// What the configuration says; replaced whole.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Rules of files, budgets and objectives.
    pub configured: Configured,
    /// The channels that there are; notifications to others are not put. `None`: it is not known which there are.
    pub channels: Option<BTreeSet<String>>,
    /// Where people find Weir; empty: nowhere.
    pub url: String,
}

/// What is in force.
#[derive(Debug, Default)]
pub(super) struct InForce {
    pub(super) setup: Setup,
    pub(super) rules: Arc<RuleSet>,
}

/// Evaluates the rules of a server.
pub struct Alerter {
    pub(super) reads: Arc<dyn Reads>,
    pub(super) catalog: Arc<dyn Alerts>,
    pub(super) clock: Clock,
    pub(super) meter: Meter,
    pub(super) told: Arc<dyn Fn() + Send + Sync>,
    pub(super) force: RwLock<InForce>,
    pub(super) book: Mutex<Book>,
    stopping: Mutex<bool>,
    bell: Condvar,
}

impl Alerter {
    /// An alerter with the rules of the configuration and of the catalog.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn new(parts: Parts, setup: Setup) -> Result<Arc<Self>, StoreError> {
        let alerter = Self {
            reads: parts.reads,
            catalog: parts.catalog,
            clock: parts.clock,
            meter: parts.meter,
            told: parts.told,
            force: RwLock::default(),
            book: Mutex::default(),
            stopping: Mutex::new(false),
            bell: Condvar::new(),
        };
        alerter.configure(setup)?;
        Ok(Arc::new(alerter))
    }

    /// Takes another configuration; rules that were made over the API stay.
    ///
    /// # Errors
    /// When the catalog cannot be read; the old one stays.
    pub fn configure(&self, setup: Setup) -> Result<(), StoreError> {
        let made = self.catalog.alert_rules()?;
        let mut force = self.force.write();
        let (rules, hidden) = RuleSet::new(&setup.configured, &made);
        for id in hidden {
            tracing::warn!(id, "a rule made over the API has the id of one in a file, which counts");
        }
        warn_of_channels(&rules, setup.channels.as_ref());
        *force = InForce { setup, rules: Arc::new(rules) };
        Ok(())
    }

    /// Reads the rules that were made over the API again.
    pub(super) fn refresh(&self) -> Result<(), StoreError> {
        let made = self.catalog.alert_rules()?;
        let mut force = self.force.write();
        let (rules, _) = RuleSet::new(&force.setup.configured, &made);
        force.rules = Arc::new(rules);
        Ok(())
    }

    /// The rules that are in force.
    #[must_use]
    pub fn rules(&self) -> Arc<RuleSet> {
        self.force.read().rules.clone()
    }

    /// What the configuration says.
    #[must_use]
    pub fn setup(&self) -> Setup {
        self.force.read().setup.clone()
    }

    /// Starts the worker; it ends after [`Alerter::stop`].
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(self: &Arc<Self>) -> std::io::Result<JoinHandle<()>> {
        let this = Arc::clone(self);
        std::thread::Builder::new().name("alerts".into()).spawn(move || this.run())
    }

    /// Ends the worker after the rule at hand.
    pub fn stop(&self) {
        *self.stopping.lock() = true;
        self.bell.notify_all();
    }

    pub(super) fn is_stopping(&self) -> bool {
        *self.stopping.lock()
    }

    /// Has the worker look at once.
    pub(super) fn wake(&self) {
        self.bell.notify_all();
    }

    fn run(&self) {
        let mut failing = false;
        let mut pause = TICK;
        loop {
            {
                let mut stopping = self.stopping.lock();
                if !*stopping {
                    self.bell.wait_for(&mut stopping, pause);
                }
                if *stopping {
                    return;
                }
            }
            match self.round() {
                Ok(()) => (failing, pause) = (false, TICK),
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!(%error, "alert rules cannot be evaluated now; trying again");
                    }
                    pause = PAUSE;
                }
            }
        }
    }
}

/// A rule that names a channel which is not there tells nobody.
fn warn_of_channels(rules: &RuleSet, known: Option<&BTreeSet<String>>) {
    let Some(known) = known else { return };
    for listed in rules.iter() {
        for channel in listed.doc.channels.iter().filter(|channel| !known.contains(*channel)) {
            tracing::warn!(rule = listed.id, channel, "an alert rule names a channel that is not configured");
        }
    }
}
