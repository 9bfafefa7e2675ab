//! Rollups: slices by minute, hour and day, and a cube by hour and day; their folding, writing and reading.
//!
//! Only closed spans that have a start are counted: calls, and the steps of workflows in slices of their own, which no
//! figure of calls reads. Invariant: they are written in the transaction of their rows, and a row that changes takes its
//! old contribution away, so they always equal a recount of the rows ever committed.

pub(super) mod activity;
mod bins;
pub(super) mod cell;
pub(super) mod contribution;
pub(super) mod floors;
pub(super) mod fold;
mod groups;
pub(super) mod measures;
pub(super) mod plan;
mod raw;
pub(super) mod spread;
pub(super) mod stats;
pub(super) mod step;
pub(super) mod steps;
pub(super) mod under;
pub(super) mod write;

use weir_core::time::{DAY, HOUR, MINUTE, Micros};

use crate::telemetry::Dimension;

/// How long minute slices are kept.
pub(super) const MINUTES_KEPT: Micros = 2 * DAY;
/// How long hour slices and the cube are kept.
pub(super) const HOURS_KEPT: Micros = 400 * DAY;

/// Granularity of slices; the discriminant is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Level {
    Minute = 0,
    Hour = 1,
    Day = 2,
}

impl Level {
    pub(super) const ALL: [Self; 3] = [Self::Minute, Self::Hour, Self::Day];

    pub(super) fn width(self) -> Micros {
        match self {
            Self::Minute => MINUTE,
            Self::Hour => HOUR,
            Self::Day => DAY,
        }
    }
}

/// The dimensions that have slices besides "all": every one but the project, which is part of every key.
pub(super) const SLICED: [Dimension; 6] = [
    Dimension::Model,
    Dimension::Provider,
    Dimension::Department,
    Dimension::PromptVersion,
    Dimension::Status,
    Dimension::Key,
];

/// Dimensions of the cube.
pub(super) const CUBED: usize = 1 + SLICED.len();

/// The stored number of a slice: 0 all, else the place in [`Dimension::ALL`] from 1.
pub(super) fn slice_number(dimension: Option<Dimension>) -> i64 {
    dimension.and_then(|d| Dimension::ALL.iter().position(|x| *x == d)).map_or(0, |at| at as i64 + 1)
}

/// The stored numbers of all slices.
pub(super) fn slice_numbers() -> impl Iterator<Item = i64> {
    (0..=Dimension::ALL.len() as i64).chain(step::numbers())
}

/// The start of the interval of that width that an instant lies in.
pub(super) fn align(at: Micros, width: Micros) -> Micros {
    at.saturating_sub(at.rem_euclid(width))
}
