//! What the time of the day and of the week let expect.
//!
//! The past is kept in slots of time, as wide as the series' own interval but at least five minutes, for four weeks. Expected is the
//! median of the slots at the same time (and beside it) of the last 7 days, or of the last 4 weeks where that has lately been
//! nearer. Where there is no such history the mean of the last values takes its place.

use weir_core::time::{DAY, MINUTE, Micros};

use crate::statistics::{Moments, median};

/// A slot is at least so wide.
const WIDTH_MIN: Micros = 5 * MINUTE;
/// A season has at least so many slots.
const SLOTS_MIN: i64 = 5;
/// Intervals from which the slots' width is learned.
const INTERVALS: usize = 32;
const DAYS: i64 = 7;
const WEEKS: i64 = 4;
/// Values of the short mean, and residuals of the smoothed one.
pub(super) const SHORT: usize = 12;
/// The week is believed where its error is below this share of the day's.
const CLEARLY: f64 = 0.9;

#[derive(Clone, Debug)]
pub(super) struct Season {
    learning: Vec<(Micros, f64)>,
    /// The width of a slot; 0 until it is learned.
    width: Micros,
    origin: Micros,
    /// The slot of the newest value, and how many of its values are in the mean.
    newest: i64,
    within: f64,
    slots: Vec<f64>,
    scratch: Vec<f64>,
    short: Vec<f64>,
    day: Moments,
    week: Moments,
    recent: Moments,
}

/// What was expected of a value, before it was known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    /// By the season; `None` where there is none, or too little history.
    pub(super) season: Option<f64>,
    /// Whether the series can have a season at all: its slots are narrow enough, or that is not known yet.
    pub(super) possible: bool,
    /// The best forecast: the season's or the mean of the last values, whichever has lately been nearer.
    pub(super) best: f64,
}

impl Season {
    pub(super) fn new() -> Self {
        let fading = || Moments::fading(f64::INFINITY);
        Self {
            learning: Vec::new(),
            width: 0,
            origin: 0,
            newest: -1,
            within: 0.0,
            slots: Vec::new(),
            scratch: Vec::new(),
            short: Vec::new(),
            day: fading(),
            week: fading(),
            recent: fading(),
        }
    }

    /// Takes a value at a time that is not before the last one; tells what was expected of it. `None` for the first.
    pub(super) fn push(&mut self, time: Micros, value: f64) -> Option<Expected> {
        let recent = (!self.short.is_empty()).then(|| super::shift::mean(&self.short));
        let (day, week) = self.at(time);
        let (day_error, week_error) = (self.day.error(), self.week.error());
        let season = match (day, week) {
            (_, Some(week)) if week_error < CLEARLY * day_error => Some(week),
            (day, _) => day,
        };
        let expected = recent.map(|recent| {
            let nearer = day_error.min(week_error) < self.recent.error();
            let possible = self.width == 0 || self.span(7) >= SLOTS_MIN;
            Expected { season, possible, best: season.filter(|_| nearer).unwrap_or(recent) }
        });
        // The root tames what is far off, so that one spike does not decide which forecast is the best.
        let judge = |errors: &mut Moments, forecast: Option<f64>| {
            if let Some(forecast) = forecast {
                errors.push((value - forecast).abs().sqrt());
            }
        };
        judge(&mut self.day, day);
        judge(&mut self.week, week);
        judge(&mut self.recent, recent);
        self.store(time, value);
        if self.short.len() == SHORT {
            self.short.remove(0);
        }
        self.short.push(value);
        expected
    }

    /// Slots of so many days; 0 where slots are wider than that.
    fn span(&self, days: i64) -> i64 {
        if self.width > 0 { days * DAY / self.width } else { 0 }
    }

    /// What the same time of the last days, and of the last weeks, lets expect.
    fn at(&mut self, time: Micros) -> (Option<f64>, Option<f64>) {
        if self.width == 0 {
            return (None, None);
        }
        (self.median_of(time, 1, DAYS, 6), self.median_of(time, 7, WEEKS, 3))
    }

    fn median_of(&mut self, time: Micros, days: i64, periods: i64, least: usize) -> Option<f64> {
        if self.span(days) < SLOTS_MIN {
            return None;
        }
        self.scratch.clear();
        for k in 1..=periods {
            let slot = self.slot(time.saturating_sub(k * days * DAY));
            for near in [slot - 1, slot, slot + 1] {
                if let Some(v) = self.kept(near) {
                    self.scratch.push(v);
                }
            }
        }
        if self.scratch.len() < least { None } else { median(&mut self.scratch) }
    }

    fn slot(&self, time: Micros) -> i64 {
        // A time stands in the middle of its slot, so that jitter leaves it there.
        time.saturating_sub(self.origin).saturating_add(self.width / 2).div_euclid(self.width.max(1))
    }

    fn kept(&self, slot: i64) -> Option<f64> {
        let length = self.slots.len() as i64;
        if slot < 0 || slot > self.newest || slot <= self.newest - length {
            return None;
        }
        self.slots.get(usize::try_from(slot % length.max(1)).ok()?).copied().filter(|v| v.is_finite())
    }

    fn store(&mut self, time: Micros, value: f64) {
        if self.width > 0 {
            self.put(time, value);
            return;
        }
        self.learning.push((time, value));
        if self.learning.len() <= INTERVALS {
            return;
        }
        let mut intervals: Vec<f64> = self
            .learning
            .windows(2)
            .filter_map(|pair| match pair {
                [(a, _), (b, _)] => Some(b.saturating_sub(*a) as f64),
                _ => None,
            })
            .filter(|d| *d > 0.0)
            .collect();
        self.width = (median(&mut intervals).unwrap_or(0.0) as Micros).max(WIDTH_MIN);
        self.origin = self.learning.first().map_or(time, |(t, _)| *t);
        let length = if self.span(7) >= SLOTS_MIN { self.span(7 * WEEKS) + 2 } else { 1 };
        self.slots = vec![f64::NAN; usize::try_from(length).unwrap_or(1)];
        // About two days of errors decide which forecast is the best.
        let memory = 2.0 * self.span(1).max(24) as f64;
        for errors in [&mut self.day, &mut self.week, &mut self.recent] {
            *errors = Moments::fading(memory);
        }
        for (t, v) in std::mem::take(&mut self.learning) {
            self.put(t, v);
        }
    }

    fn put(&mut self, time: Micros, value: f64) {
        let slot = self.slot(time);
        let length = self.slots.len() as i64;
        if slot > self.newest {
            let gap = (slot - self.newest).min(length);
            for empty in (slot - gap + 1)..=slot {
                if let Some(place) = usize::try_from(empty % length.max(1)).ok().and_then(|i| self.slots.get_mut(i)) {
                    *place = f64::NAN;
                }
            }
            self.newest = slot;
            self.within = 0.0;
        }
        self.within += 1.0;
        let within = self.within;
        if let Some(place) = usize::try_from(self.newest % length.max(1)).ok().and_then(|i| self.slots.get_mut(i)) {
            *place = if within > 1.0 { *place + (value - *place) / within } else { value };
        }
    }
}

impl Moments {
    /// The mean error; infinite before any.
    fn error(&self) -> f64 {
        if self.count() > 0.0 { self.mean() } else { f64::INFINITY }
    }
}
