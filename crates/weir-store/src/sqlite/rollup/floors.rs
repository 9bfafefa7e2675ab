//! How far back the fine rollups reach. The database says it, so that readers and writers agree.

use rusqlite::Connection;
use weir_core::time::{DAY, HOUR, Micros};

use super::{HOURS_KEPT, MINUTES_KEPT, align};

/// What of the minute slices, and of the hour slices and the cube, is kept; before that they are not written.
#[derive(Clone, Copy, Debug)]
pub(in crate::sqlite) struct Floors {
    pub(in crate::sqlite) minute: Micros,
    pub(in crate::sqlite) hour: Micros,
}

impl Floors {
    /// Where they are due at an instant.
    pub(in crate::sqlite) fn due(now: Micros) -> Self {
        Self { minute: align(now - MINUTES_KEPT, HOUR), hour: align(now - HOURS_KEPT, DAY) }
    }

    /// As the database says; in a new one where they are due now, which is kept.
    pub(in crate::sqlite) fn begin(db: &Connection, now: Micros) -> rusqlite::Result<Self> {
        let Self { minute, hour } = Self::due(now);
        db.prepare_cached("INSERT OR IGNORE INTO state (key, value) VALUES ('minute_floor', ?1), ('hour_floor', ?2)")?
            .execute((minute, hour))?;
        Self::read(db, now)
    }

    /// As the database says; now where it does not.
    pub(in crate::sqlite) fn read(db: &Connection, now: Micros) -> rusqlite::Result<Self> {
        let floor = |key: &str| -> rusqlite::Result<Micros> {
            let value: Option<i64> =
                db.prepare_cached("SELECT max(value) FROM state WHERE key = ?1")?.query_row([key], |row| row.get(0))?;
            Ok(value.unwrap_or(now))
        };
        Ok(Self { minute: floor("minute_floor")?, hour: floor("hour_floor")? })
    }

    /// Whether they are to be moved up.
    pub(in crate::sqlite) fn are_low(db: &Connection, now: Micros) -> rusqlite::Result<bool> {
        let (stored, due) = (Self::read(db, now)?, Self::due(now));
        Ok(stored.minute < due.minute || stored.hour < due.hour)
    }

    /// Moves them up to where they are due now.
    pub(in crate::sqlite) fn raise(db: &Connection, now: Micros) -> rusqlite::Result<Self> {
        let Self { minute, hour } = Self::due(now);
        for (key, value) in [("minute_floor", minute), ("hour_floor", hour)] {
            db.prepare_cached("UPDATE state SET value = max(value, ?2) WHERE key = ?1")?.execute((key, value))?;
        }
        Self::read(db, now)
    }
}
