//! Evaluation without a server: what is stored of engines is taken up, the rest is computed and kept in memory.

use weir_core::anomaly::Anomaly;
use weir_core::time::Micros;
use weir_store::catalog::{AnomalyQuery, AnomalyWrite, EngineRecord};
use weir_store::telemetry::StoreError;

use super::learn::{self, Job};
use super::tracked::{Found, Said, Tracked};
use super::{Options, Traffic};

/// What an evaluation brought.
#[derive(Debug, Default)]
pub struct Evaluated {
    /// What was found and learned, to be laid over what is stored, or to be written there.
    pub write: AnomalyWrite,
    /// Projects that were looked at.
    pub projects: usize,
    /// Projects beyond the bound.
    pub left_out: usize,
}

/// Brings every project up to its newest calls that are older than `now`. `record` gives what is stored of an engine,
/// `judged` are the anomalies that people said something of.
///
/// # Errors
/// When the store fails.
pub fn evaluate(
    traffic: &dyn Traffic,
    options: &Options,
    now: Micros,
    record: &dyn Fn(&str) -> Result<Option<EngineRecord>, StoreError>,
    judged: &[Anomaly],
) -> Result<Evaluated, StoreError> {
    let closed = options.closed(now);
    let said: Said = judged.iter().filter_map(|a| Some((a.id.clone(), a.feedback?))).collect();
    let (spans, left_out) = learn::projects(traffic, options, closed)?;
    let mut jobs = Vec::with_capacity(spans.len());
    for span in &spans {
        let known = learn::resumed(traffic, options, span, closed, record(learn::name_of(span))?)?;
        // Without a server nothing comes in time: that nothing comes is no news.
        let known = known.map(Tracked::alone);
        jobs.push(Job::plan(span, options, closed, known));
    }
    let mut found = Found::default();
    let (mut done, anew) = learn::run(traffic, options, jobs, &said, &mut found, &|| true)?;
    let projects = done.len();
    Ok(Evaluated { write: found.write(&mut done, anew), projects, left_out })
}

impl Evaluated {
    /// A list as it would be were this written: `stored` is what the catalog answers to the query, the latest detected
    /// first.
    #[must_use]
    pub fn lay_over(&self, query: &AnomalyQuery, stored: &[Anomaly]) -> Vec<Anomaly> {
        let is_found = |a: &Anomaly| self.write.anomalies.iter().any(|found| found.id == a.id);
        let is_gone = |a: &Anomaly| {
            let anew = self.write.anew.iter().any(|(project, from)| *project == a.project && a.detected_at >= *from);
            anew && a.feedback.is_none()
        };
        let feedback = |id: &str| stored.iter().find(|a| a.id == id).and_then(|a| a.feedback);
        let found = self.write.anomalies.iter().map(|a| Anomaly { feedback: feedback(&a.id), ..a.clone() });
        let found: Vec<Anomaly> = found.filter(|a| query.asks_for(a)).collect();
        let kept = stored.iter().filter(|a| !is_found(a) && !is_gone(a)).cloned();
        let mut all: Vec<Anomaly> = kept.chain(found).collect();
        all.sort_by(|a, b| b.detected_at.cmp(&a.detected_at).then_with(|| b.id.cmp(&a.id)));
        if let Some((at, id)) = &query.after {
            all.retain(|a| (a.detected_at, &a.id) < (*at, id));
        }
        all.truncate(query.limit);
        all
    }
}
