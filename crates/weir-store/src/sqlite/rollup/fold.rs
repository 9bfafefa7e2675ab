//! Folds a batch's calls and steps into changes of cells, in memory. `Id` is a number of the dictionary, or one of the batch
//! before the writer has looked the texts up; 0 is absence.

use std::collections::HashMap;
use std::hash::Hash;

use weir_core::time::Micros;

use super::cell::Delta;
use super::measures::Measures;
use super::under::Under;
use super::{CUBED, Level, SLICED, align, slice_number};

/// Key of a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::sqlite) struct SliceKey<Id> {
    pub(in crate::sqlite) level: Level,
    pub(in crate::sqlite) dim: i64,
    pub(in crate::sqlite) t: Micros,
    pub(in crate::sqlite) project: Id,
    pub(in crate::sqlite) value: Id,
}

/// Key of a cube cell.
pub(in crate::sqlite) type CubeKey<Id> = (Level, Micros, [Id; CUBED]);

/// Levels that the cube has.
const CUBE_LEVELS: [Level; 2] = [Level::Hour, Level::Day];

/// Changes to cells.
#[derive(Clone, Debug)]
pub(in crate::sqlite) struct Fold<Id> {
    pub(in crate::sqlite) slices: HashMap<SliceKey<Id>, Delta>,
    pub(in crate::sqlite) cube: HashMap<CubeKey<Id>, Delta>,
}

impl<Id> Default for Fold<Id> {
    fn default() -> Self {
        Self { slices: HashMap::new(), cube: HashMap::new() }
    }
}

impl<Id: Copy + Eq + Hash + Default> Fold<Id> {
    /// Adds a span to the minute slices, a call also to the hour cube; [`Fold::spread`] then fills the coarser levels.
    pub(in crate::sqlite) fn add_minutes(&mut self, start: Micros, under: &Under<Id>, measures: &Measures) {
        self.each_slice(Level::Minute, start, under, |cell| cell.add(measures));
        if let Under::Call(values) = under {
            let hour = align(start, Level::Hour.width());
            self.cube.entry((Level::Hour, hour, *values)).or_default().add(measures);
        }
    }

    /// Derives hour and day slices from the minutes, and the day cube from the hours.
    pub(in crate::sqlite) fn spread(&mut self) {
        for (from, to) in [(Level::Minute, Level::Hour), (Level::Hour, Level::Day)] {
            let mut coarse: HashMap<SliceKey<Id>, Delta> = HashMap::new();
            for (key, delta) in self.slices.iter().filter(|(key, _)| key.level == from) {
                let key = SliceKey { level: to, t: align(key.t, to.width()), ..*key };
                coarse.entry(key).or_default().merge(delta);
            }
            self.slices.extend(coarse);
        }
        let mut days: HashMap<CubeKey<Id>, Delta> = HashMap::new();
        for ((_, t, values), delta) in &self.cube {
            days.entry((Level::Day, align(*t, Level::Day.width()), *values)).or_default().merge(delta);
        }
        self.cube.extend(days);
    }

    /// Adds a span on every level, or takes it away.
    pub(in crate::sqlite) fn correct(&mut self, start: Micros, under: &Under<Id>, measures: &Measures, add: bool) {
        let change = |cell: &mut Delta| if add { cell.add(measures) } else { cell.take_away(measures) };
        for level in Level::ALL {
            self.each_slice(level, start, under, change);
        }
        if let Under::Call(values) = under {
            for level in CUBE_LEVELS {
                change(self.cube.entry((level, align(start, level.width()), *values)).or_default());
            }
        }
    }

    fn each_slice(&mut self, level: Level, start: Micros, under: &Under<Id>, change: impl Fn(&mut Delta)) {
        let t = align(start, level.width());
        let values = match under {
            Under::Call(values) => values,
            Under::Step { dim, project, value } => {
                let key = SliceKey { level, dim: *dim, t, project: *project, value: *value };
                return change(self.slices.entry(key).or_default());
            }
        };
        let [project, sliced @ ..] = values;
        let all = SliceKey { level, dim: 0, t, project: *project, value: Id::default() };
        change(self.slices.entry(all).or_default());
        for (dimension, value) in SLICED.iter().zip(sliced) {
            let key = SliceKey { dim: slice_number(Some(*dimension)), value: *value, ..all };
            change(self.slices.entry(key).or_default());
        }
    }

    /// The same with other ids.
    pub(in crate::sqlite) fn translate<To: Copy + Eq + Hash + Default>(&self, id: impl Fn(Id) -> To) -> Fold<To> {
        let slices = self.slices.iter().map(|(key, delta)| {
            let SliceKey { level, dim, t, project, value } = *key;
            (SliceKey { level, dim, t, project: id(project), value: id(value) }, delta.clone())
        });
        let cube = self.cube.iter().map(|((level, t, values), delta)| ((*level, *t, values.map(&id)), delta.clone()));
        Fold { slices: slices.collect(), cube: cube.collect() }
    }
}
