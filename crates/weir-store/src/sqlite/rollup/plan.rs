//! Splits a range of time into the coarsest pieces that slices have.

use weir_core::time::{DAY, HOUR, MINUTE, Micros};

use super::floors::Floors;
use super::{Level, align};

/// A piece of a range, read from one level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sqlite) struct Piece {
    pub(in crate::sqlite) level: Level,
    pub(in crate::sqlite) from: Micros,
    pub(in crate::sqlite) to: Micros,
}

/// Rounds a range outwards to what is kept there: minutes, before the first minute slices hours, before those days.
pub(in crate::sqlite) fn round(from: Micros, to: Micros, floors: Floors) -> (Micros, Micros) {
    (align(from, grain(from, floors)), align_up(to, grain(to.saturating_sub(1), floors)))
}

fn grain(at: Micros, floors: Floors) -> Micros {
    if at >= floors.minute {
        MINUTE
    } else if at >= floors.hour {
        HOUR
    } else {
        DAY
    }
}

pub(in crate::sqlite) fn align_up(at: Micros, width: Micros) -> Micros {
    let down = align(at, width);
    if down == at { at } else { down.saturating_add(width) }
}

/// Pieces of a rounded range, none coarser than `coarsest`, in order of time. `None` when a part of it is only kept
/// coarser than that.
pub(in crate::sqlite) fn pieces(from: Micros, to: Micros, coarsest: Level, floors: Floors) -> Option<Vec<Piece>> {
    let mut out = Vec::new();
    split(from, to, coarsest, &mut out);
    let kept = |p: &Piece| match p.level {
        Level::Minute => p.from >= floors.minute,
        Level::Hour => p.from >= floors.hour,
        Level::Day => true,
    };
    out.iter().all(kept).then_some(out)
}

fn split(from: Micros, to: Micros, level: Level, out: &mut Vec<Piece>) {
    if from >= to {
        return;
    }
    let finer = match level {
        Level::Day => Some(Level::Hour),
        Level::Hour => Some(Level::Minute),
        Level::Minute => None,
    };
    let (inner_from, inner_to) = (align_up(from, level.width()), align(to, level.width()));
    match finer {
        Some(finer) if inner_from >= inner_to => split(from, to, finer, out),
        Some(finer) => {
            split(from, inner_from, finer, out);
            out.push(Piece { level, from: inner_from, to: inner_to });
            split(inner_to, to, finer, out);
        }
        None => out.push(Piece { level, from, to }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pieces_cover_the_range_once(from in 0i64..20 * 1440, len in 1i64..20 * 1440, floor_h in 0i64..480, floor_d in 0i64..20) {
            let floors = Floors { minute: floor_h.max(floor_d * 24) * HOUR, hour: floor_d * DAY };
            let (from, to) = round(from * MINUTE, (from + len) * MINUTE, floors);
            let pieces = pieces(from, to, Level::Day, floors).unwrap();
            prop_assert_eq!(pieces.first().unwrap().from, from);
            prop_assert_eq!(pieces.last().unwrap().to, to);
            prop_assert!(pieces.windows(2).all(|w| w[0].to == w[1].from));
            for p in pieces {
                prop_assert!(p.from % p.level.width() == 0 && p.to % p.level.width() == 0 && p.from < p.to);
            }
        }
    }
}
