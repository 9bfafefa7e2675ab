//! The traffic, minute by minute: each request as its spans and what was said of it. Nothing but the conversations that go
//! on is held in memory.

use weir_core::score::Score;
use weir_core::span::Span;
use weir_core::time::{MINUTE, Micros};

use super::chance::Chance;
use super::people::{DEPARTMENTS, Sessions};
use super::requests::{World, request};
use super::scores::Scoring;

/// How long before the end the last request begins, so that all of them have ended then.
const MARGIN: Micros = MINUTE;

/// Where requests go.
pub(super) trait Sink {
    /// Takes the spans of a request, the root first, and its scores.
    ///
    /// # Errors
    /// When they cannot be stored.
    fn take(&mut self, spans: Vec<Span>, scores: Vec<Score>) -> anyhow::Result<()>;
}

/// Makes about so many calls, in the order of time, and gives them to a sink.
pub(super) fn make(world: &World, calls: u64, seed: u64, sink: &mut dyn Sink) -> anyhow::Result<()> {
    let range = &world.plan.range;
    let (first, last) = (range.start.div_euclid(MINUTE), (range.end - MARGIN).div_euclid(MINUTE));
    let weights = DEPARTMENTS.each_ref().map(|department| {
        let sum: f64 = (first..last).map(|minute| weight(world, &department.rhythm, minute)).sum();
        calls as f64 * department.share / department.calls_per_request() / sum.max(f64::MIN_POSITIVE)
    });
    let mut chance = Chance::new(seed, 0);
    let scoring = Scoring::new(calls);
    let mut sessions = DEPARTMENTS.each_ref().map(|_| Sessions::default());
    let mut unrest = [0.0; DEPARTMENTS.len()];
    for minute in first..last {
        for ((department, per_weight), (sessions, unrest)) in
            DEPARTMENTS.iter().zip(weights).zip(sessions.iter_mut().zip(&mut unrest))
        {
            // Restlessness that lasts about an hour.
            *unrest = 0.98 * *unrest + 0.02 * chance.normal();
            let mean = per_weight * weight(world, &department.rhythm, minute) * f64::exp(*unrest);
            for _ in 0..chance.poisson(mean) {
                let at = minute * MINUTE + (chance.between(0.0, 1.0) * MINUTE as f64) as Micros;
                let session = sessions.turn(department, at, &mut chance);
                let spans = request(world, department, &session, at, &mut chance);
                let scores = scoring.of(&spans, &mut chance);
                sink.take(spans, scores)?;
            }
        }
    }
    Ok(())
}

fn weight(world: &World, rhythm: &super::calendar::Rhythm, minute: i64) -> f64 {
    let at = minute * MINUTE;
    rhythm.at(at) * world.plan.growth(at)
}
