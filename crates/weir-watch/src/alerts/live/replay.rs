//! Evaluates a rule at instants of the past, as the worker would have done then: states change, and people are told. To
//! try a rule and its channels with what has happened.

use weir_core::time::Micros;
use weir_store::catalog::AlertEvaluation;

use super::super::course::Names;
use super::super::data::{Loaded, load};
use super::super::dry_run::SPAN;
use super::super::stretch::of_past;
use super::alerter::Alerter;
use super::ask::AskError;
use super::book::Draft;
use super::mutes::Hush;
use super::round::Moment;

/// How much of the past may be evaluated.
pub const MAX_REPLAY: Micros = SPAN;
/// Instants that are written in one transaction.
const TOGETHER: usize = 256;

/// How far an evaluation of the past came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// The first instant that was judged.
    pub from: Micros,
    /// The last one.
    pub to: Micros,
    /// How many.
    pub evaluations: u64,
}

impl Alerter {
    /// Evaluates a rule at each of its instants in a range that it was not evaluated at yet. Without a begin only at the
    /// last one.
    ///
    /// # Errors
    /// There is no such rule, it cannot be evaluated, or there is no such instant.
    pub fn replay(&self, id: &str, from: Option<Micros>, to: Option<Micros>) -> Result<Replayed, AskError> {
        let (rules, setup) = {
            let force = self.force.read();
            (force.rules.clone(), force.setup.clone())
        };
        let listed = rules.get(id).ok_or_else(|| AskError::NoRule(id.to_owned()))?;
        let rule = listed.rule.as_ref().map_err(|problem| AskError::Problem(problem.clone()))?;
        let now = self.clock.now();
        let last = rule.due(to.unwrap_or(now.saturating_add(rule.offset)).min(now).saturating_add(rule.offset));
        let first = from.unwrap_or(last);
        let first = first + (-first).rem_euclid(rule.every);
        if now - first > MAX_REPLAY {
            return Err(AskError::Wrong("from", "it must not be longer ago than 14d".into()));
        }
        let mut book = self.book.lock();
        book.load(self.catalog.as_ref())?;
        let mut page = book.pages.get(id).cloned().unwrap_or_default();
        if first > last {
            return Err(AskError::Wrong("to", "the rule has no instant in that range".into()));
        }
        if let Some(judged) = page.evaluated.filter(|judged| *judged >= first) {
            let why = format!(
                "the rule was already evaluated up to {}: name a later time, or switch the rule off before it is first evaluated",
                weir_core::time::to_rfc3339(judged)
            );
            return Err(AskError::Wrong("from", why));
        }
        let Loaded { mut data, left_out } =
            load(rule, self.reads.as_ref(), &of_past(rule, first, last), (first, last))?;
        let hush = Hush::read(self.catalog.as_ref(), now)?;
        let moment = Moment { hush: &hush, url: &setup.url, channels: setup.channels.as_ref(), now, late: false };
        let mut draft = Draft::default();
        let (mut at, mut evaluations, mut names) = (first, 0, Names::default());
        while at <= last {
            let series = self.judge(rule, &mut page, &mut names, &mut data, at, &moment, &mut draft)?;
            evaluations += 1;
            page.evaluated = Some(at);
            if evaluations % TOGETHER as u64 == 0 || at + rule.every > last {
                draft.write.evaluations.push(AlertEvaluation {
                    rule: id.to_owned(),
                    evaluated_us: at,
                    ran_us: now,
                    series,
                    left_out,
                    ..AlertEvaluation::default()
                });
                draft.pages.push((id.to_owned(), Some(page.clone())));
                draft.commit(self.catalog.as_ref(), &mut book, self.told.as_ref())?;
            }
            at += rule.every;
        }
        Ok(Replayed { from: first, to: last, evaluations })
    }
}
