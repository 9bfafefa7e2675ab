//! A round of the worker: what is due is judged, and written in few transactions.

use std::sync::Arc;
use std::time::Instant;

use weir_core::time::Micros;
use weir_store::catalog::AlertEvaluation;
use weir_store::telemetry::StoreError;

use super::super::course::{Names, advance, end};
use super::super::data::{Data, Loaded, load};
use super::super::observe::points;
use super::super::rule::Rule;
use super::super::rule_set::Listed;
use super::super::series::{NoData, Policy, Quiet};
use super::super::stretch::{of_now, of_past};
use super::super::told;
use super::alerter::Alerter;
use super::book::{Draft, Page};
use super::mutes::Hush;
use super::records;
use weir_core::time::HOUR;

/// Rules whose evaluations are written in one transaction.
const TOGETHER: usize = 64;
/// An instant so long ago is read in buckets: of then no minutes may be kept.
const RECENT: Micros = 12 * HOUR;
/// How far back what was missed is made up for: the server was down, or its store.
pub(super) const MISSED: Micros = 6 * HOUR;

/// What an evaluation needs to know beside its rule.
#[derive(Clone, Copy)]
pub(super) struct Moment<'a> {
    pub(super) hush: &'a Hush,
    pub(super) url: &'a str,
    pub(super) channels: Option<&'a std::collections::BTreeSet<String>>,
    pub(super) now: Micros,
    /// Whether a later instant is judged at once: what goes on is not told again then.
    pub(super) late: bool,
}

impl Alerter {
    /// Evaluates what is due, and ends alerts of rules that are gone.
    pub(super) fn round(&self) -> Result<(), StoreError> {
        let mut book = self.book.lock();
        book.load(self.catalog.as_ref())?;
        let (rules, setup) = {
            let force = self.force.read();
            (force.rules.clone(), force.setup.clone())
        };
        let now = self.clock.now();
        let due = |listed: &Arc<Listed>| {
            let rule = listed.active()?;
            let at = rule.due(now);
            let judged = book.pages.get(&rule.id).and_then(|page| page.evaluated);
            judged.is_none_or(|judged| judged < at).then(|| (rule.clone(), at))
        };
        let due: Vec<(Rule, Micros)> = rules.iter().filter_map(due).collect();
        for listed in rules.iter().filter(|listed| listed.active().is_none()) {
            if let Some(page) = book.pages.get_mut(&listed.id) {
                page.paused = true;
            }
        }
        let gone: Vec<String> = book.pages.keys().filter(|id| rules.get(id).is_none()).cloned().collect();
        if due.is_empty() && gone.is_empty() {
            return Ok(());
        }
        let hush = Hush::read(self.catalog.as_ref(), now)?;
        let moment = Moment { hush: &hush, url: &setup.url, channels: setup.channels.as_ref(), now, late: false };
        let mut draft = Draft::default();
        for id in gone {
            if let Some(page) = book.pages.get(&id).cloned() {
                self.end(&id, page, &moment, &mut draft)?;
            }
        }
        for (rule, at) in due {
            let page = book.pages.get(&rule.id).cloned().unwrap_or_default();
            self.evaluate(&rule, page, at, &moment, &mut draft)?;
            if draft.pages.len() >= TOGETHER {
                draft.commit(self.catalog.as_ref(), &mut book, self.told.as_ref())?;
            }
            if self.is_stopping() {
                break;
            }
        }
        draft.commit(self.catalog.as_ref(), &mut book, self.told.as_ref())
    }

    /// Judges an instant of a rule, and those before it that were missed.
    fn evaluate(
        &self,
        rule: &Rule,
        page: Page,
        at: Micros,
        moment: &Moment<'_>,
        draft: &mut Draft,
    ) -> Result<(), StoreError> {
        let began = Instant::now();
        let mut page = page;
        let mut first = first_missed(rule, &page, at);
        let read = |first: Micros| {
            let is_now = first == at && moment.now - at <= RECENT;
            let stretches = if is_now { of_now(rule, at) } else { of_past(rule, first, at) };
            load(rule, self.reads.as_ref(), &stretches, (first, at))
        };
        let mut data = read(first);
        if first < at && matches!(data, Err(StoreError::Unsupported(_))) {
            // All of it at once is too much.
            first = at;
            data = read(at);
        }
        let outcome = match data {
            Ok(Loaded { mut data, left_out }) => {
                let (mut instant, mut names) = (first, Names::default());
                loop {
                    let moment = Moment { late: instant < at, ..*moment };
                    let series = self.judge(rule, &mut page, &mut names, &mut data, instant, &moment, draft)?;
                    instant += rule.every;
                    if instant > at {
                        break Ok((series, left_out));
                    }
                }
            }
            // The store is down for all: nothing is judged, the instant is tried again.
            Err(error @ StoreError::Unavailable(_)) => return Err(error),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = &outcome {
            tracing::debug!(rule = rule.id, error, "an alert rule cannot be evaluated");
        }
        let took = began.elapsed();
        (self.meter)(took, outcome.is_ok());
        page.evaluated = Some(at);
        page.paused = false;
        let (series, left_out) = outcome.as_ref().copied().unwrap_or_default();
        draft.write.evaluations.push(AlertEvaluation {
            rule: rule.id.clone(),
            evaluated_us: at,
            ran_us: moment.now,
            took_us: Micros::try_from(took.as_micros()).unwrap_or(Micros::MAX),
            series,
            left_out,
            error: outcome.err(),
        });
        draft.pages.push((rule.id.clone(), Some(page)));
        Ok(())
    }

    /// Judges an instant by what was read; how many series there are.
    #[expect(clippy::too_many_arguments, reason = "what an instant is judged by, and where that is noted")]
    pub(super) fn judge(
        &self,
        rule: &Rule,
        page: &mut Page,
        names: &mut Names,
        data: &mut Data,
        at: Micros,
        moment: &Moment<'_>,
        draft: &mut Draft,
    ) -> Result<u64, StoreError> {
        let seen = points(rule, data, at);
        let series = seen.len() as u64;
        let quiet = |name: &str, held: &super::super::course::Held| {
            let quiet = moment.hush.quiet(rule, name, held, at);
            Quiet { acknowledged: quiet.acknowledged || moment.late, ..quiet }
        };
        let steps = advance(rule, &mut page.course, names, seen, &quiet, at);
        let channels = known(&rule.doc.channels, moment);
        for step in steps {
            let alert = told::alert(rule, &step.fingerprint, &step.held, moment.url);
            records::put(draft, rule, &step, &alert, &channels, (at, moment.now)).map_err(|e| unwritten(&e))?;
        }
        page.channels.clone_from(&rule.doc.channels);
        page.notify_on.clone_from(&rule.policy.notify_on);
        Ok(series)
    }

    /// Ends the alerts of a rule that is gone.
    fn end(&self, id: &str, page: Page, moment: &Moment<'_>, draft: &mut Draft) -> Result<(), StoreError> {
        let Page { mut course, channels, notify_on, .. } = page;
        let channels = known(&channels, moment);
        let policy =
            Policy { pending: 0, keep_firing: 0, no_data: NoData::Keep, min_samples: 0, renotify: None, notify_on };
        for step in end(&policy, &mut course, moment.now) {
            let before = self.catalog.alert(&step.fingerprint)?;
            let Some(mut alert) = before.and_then(|r| serde_json::from_str::<crate::notify::AlertJson>(&r.alert).ok())
            else {
                draft.write.forgotten.push(step.fingerprint);
                continue;
            };
            alert.state = step.held.series.phase.as_str().to_owned();
            alert.ends_at = step.held.series.ends_at;
            alert.summary = format!("over: the rule {} was deleted", alert.rule);
            records::close(draft, &step, &alert, &channels, moment.now).map_err(|e| unwritten(&e))?;
        }
        draft.write.gone.push(id.to_owned());
        draft.pages.push((id.to_owned(), None));
        Ok(())
    }
}

/// The first instant after the one that was judged last, at most [`MISSED`] ago; a rule that was switched off has missed
/// nothing.
fn first_missed(rule: &Rule, page: &Page, at: Micros) -> Micros {
    let Some(judged) = page.evaluated.filter(|_| !page.paused) else { return at };
    let up = |instant: Micros| instant + (-instant).rem_euclid(rule.every);
    up((judged + 1).max(at - MISSED)).min(at)
}

/// The channels that there are.
fn known(named: &[String], moment: &Moment<'_>) -> Vec<String> {
    let is = |channel: &&String| moment.channels.is_none_or(|known| known.contains(*channel));
    named.iter().filter(is).cloned().collect()
}

fn unwritten(error: &serde_json::Error) -> StoreError {
    StoreError::Unsupported(format!("an alert has no JSON: {error}"))
}
