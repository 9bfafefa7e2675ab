//! Sums by group, bucket after bucket.

use std::collections::{HashMap, HashSet};

use weir_core::time::Micros;

use super::CUBED;
use super::cell::Sum;
use crate::telemetry::Figures;
use weir_core::call_sums::CallSums;

/// A combination of values in the order of `group_by`, the rest 0; 0 is absence.
pub(super) type GroupKey = [i64; CUBED];

/// The sums of one group.
#[derive(Default)]
pub(super) struct Group {
    pub(super) key: GroupKey,
    pub(super) total: Sum,
    pub(super) series: Vec<(Micros, Figures)>,
    /// Instead of the series, where buckets are to be added up further.
    pub(super) cells: Vec<(Micros, CallSums)>,
    /// The bucket that is being summed up, and whether it has anything.
    open: Sum,
    touched: bool,
}

/// Sums by group. Cells come in the order of time, so that only one bucket of each group is held as sums.
#[derive(Default)]
pub(super) struct Groups {
    places: HashMap<GroupKey, usize>,
    groups: Vec<Group>,
    /// The group of the cell before.
    last: Option<(GroupKey, usize)>,
    bucket: Option<Micros>,
    touched: Vec<usize>,
    summable: bool,
    /// The groups that are wanted; all where it is not said.
    only: Option<HashSet<GroupKey>>,
}

impl Groups {
    /// Groups whose buckets can be added up further.
    pub(super) fn summable() -> Self {
        Self { summable: true, ..Self::default() }
    }

    /// Leaves all other groups out.
    pub(super) fn keep_only(&mut self, keys: HashSet<GroupKey>) {
        self.only = Some(keys);
    }

    /// The sum for a cell of a group and bucket, `None` where it is left out; without buckets it is the group's total.
    pub(super) fn sum(&mut self, key: GroupKey, bucket: Option<Micros>) -> Option<&mut Sum> {
        if bucket != self.bucket {
            self.close();
            self.bucket = bucket;
        }
        let place = match self.last {
            Some((last, place)) if last == key => place,
            _ => {
                if self.only.as_ref().is_some_and(|only| !only.contains(&key)) {
                    return None;
                }
                let groups = &mut self.groups;
                let place = *self.places.entry(key).or_insert_with(|| {
                    groups.push(Group { key, ..Group::default() });
                    groups.len() - 1
                });
                self.last = Some((key, place));
                place
            }
        };
        let group = self.groups.get_mut(place)?;
        if bucket.is_none() {
            return Some(&mut group.total);
        }
        if !group.touched {
            group.touched = true;
            self.touched.push(place);
        }
        Some(&mut group.open)
    }

    /// All of them.
    pub(super) fn finish(mut self) -> Vec<Group> {
        self.close();
        self.groups
    }

    /// Ends the bucket at hand.
    fn close(&mut self) {
        let Some(bucket) = self.bucket else { return };
        for place in self.touched.drain(..) {
            if let Some(group) = self.groups.get_mut(place) {
                debug_assert!(group.series.last().is_none_or(|(t, _)| *t < bucket), "cells out of order");
                if self.summable {
                    group.cells.push((bucket, group.open.sums()));
                } else {
                    group.series.push((bucket, group.open.figures()));
                }
                group.total.add(&group.open);
                group.open.clear();
                group.touched = false;
            }
        }
    }
}
