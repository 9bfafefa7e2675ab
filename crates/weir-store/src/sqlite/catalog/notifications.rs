use rusqlite::{Connection, Row};
use weir_core::time::Micros;

use super::SqliteCatalog;
use crate::catalog::{
    Attempt, ChannelDeliveries, ChannelTest, Delivery, MAX_NOTIFICATION, MAX_SETTLED, MAX_STANDING, MAX_WAITING,
    NewNotification, NotificationQuery, NotificationRecord, Notifications, Standing, StandingAlert,
};
use crate::telemetry::StoreError;

const WAITING: i64 = 0;
const DELIVERED: i64 = 1;
const GIVEN_UP: i64 = 2;
const COLUMNS: &str = "seq, id, channel, alert, body, created_us, state, attempts, next_try_us, settled_us, error";

/// Puts notifications into the outbox as a part of the caller's transaction, so that a change of an alert and what is
/// told of it are stored together or not at all.
pub(super) fn put(db: &Connection, notifications: &[NewNotification]) -> Result<(), StoreError> {
    let mut insert = db.prepare_cached(
        "INSERT OR IGNORE INTO notifications (id, channel, alert, body, created_us, state, attempts, next_try_us)
         VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, ?5)",
    )?;
    for new in notifications {
        if new.body.len() > MAX_NOTIFICATION {
            return Err(StoreError::Unsupported(format!(
                "the notification {} has {} bytes, which is more than {MAX_NOTIFICATION}",
                new.id,
                new.body.len()
            )));
        }
        insert.execute((&new.id, &new.channel, &new.alert, &new.body, new.created_us))?;
    }
    Ok(())
}

impl Notifications for SqliteCatalog {
    fn put_notifications(&self, notifications: Vec<NewNotification>) -> Result<(), StoreError> {
        self.write(move |db| put(db, &notifications))
    }

    fn due_notifications(
        &self,
        channel: &str,
        now: Micros,
        limit: usize,
    ) -> Result<Vec<NotificationRecord>, StoreError> {
        self.read(|db| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM notifications AS n WHERE state = 0 AND channel = ?1 AND next_try_us <= ?2
                 AND seq = (SELECT min(seq) FROM notifications WHERE state = 0 AND channel = ?1 AND alert = n.alert)
                 ORDER BY seq LIMIT ?3"
            ))?;
            Ok(statement.query_map((channel, now, most(limit)), record)?.collect::<Result<_, _>>()?)
        })
    }

    fn next_due(&self) -> Result<Vec<(String, Micros)>, StoreError> {
        self.read(|db| {
            // An alert's first one decides: the others wait for it.
            let mut statement = db.prepare_cached(
                "SELECT channel, min(next_try_us) FROM notifications AS n WHERE state = 0
                 AND seq = (SELECT min(seq) FROM notifications
                            WHERE state = 0 AND channel = n.channel AND alert = n.alert)
                 GROUP BY channel",
            )?;
            Ok(statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?)
        })
    }

    fn attempted(&self, seq: i64, at: Micros, attempt: Attempt) -> Result<(), StoreError> {
        self.write(move |db| attempted(db, seq, at, &attempt))
    }

    fn tidy_outbox(&self, channels: &[String], at: Micros) -> Result<Vec<(String, u64)>, StoreError> {
        let channels = serde_json::to_string(channels).unwrap_or_else(|_| "[]".to_owned());
        self.write(move |db| tidy(db, &channels, at))
    }

    fn standing_alerts(&self, channel: &str, told_by: Micros, limit: usize) -> Result<Vec<StandingAlert>, StoreError> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT alert, body, told_us FROM standing_alerts WHERE channel = ?1 AND told_us <= ?2
                 ORDER BY told_us, alert LIMIT ?3",
            )?;
            let rows = statement.query_map((channel, told_by, most(limit)), |row| {
                Ok(StandingAlert { alert: row.get(0)?, body: row.get(1)?, told_us: row.get(2)? })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn reminded(&self, channel: &str, alerts: Vec<String>, at: Micros) -> Result<(), StoreError> {
        let channel = channel.to_owned();
        self.write(move |db| {
            let mut update =
                db.prepare_cached("UPDATE standing_alerts SET told_us = ?3 WHERE channel = ?1 AND alert = ?2")?;
            for alert in &alerts {
                update.execute((&channel, alert, at))?;
            }
            Ok(())
        })
    }

    fn notifications(&self, query: &NotificationQuery<'_>) -> Result<Vec<NotificationRecord>, StoreError> {
        self.read(|db| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM notifications WHERE (?1 IS NULL OR channel = ?1) AND (?2 IS NULL OR alert = ?2)
                 AND (?3 IS NULL OR state = ?3) AND (?4 IS NULL OR seq < ?4) ORDER BY seq DESC LIMIT ?5"
            ))?;
            let rows = statement.query_map(
                (query.channel, query.alert, query.delivery.map(number), query.before, most(query.limit)),
                record,
            )?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn waiting_notifications(&self) -> Result<Vec<(String, u64)>, StoreError> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT channel, count(*) FROM notifications WHERE state = 0 GROUP BY channel ORDER BY channel",
            )?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.max(0) as u64)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn channel_deliveries(&self, channel: &str) -> Result<ChannelDeliveries, StoreError> {
        self.read(|db| deliveries(db, channel))
    }

    fn put_channel_test(&self, test: &ChannelTest) -> Result<(), StoreError> {
        let test = test.clone();
        self.write(move |db| {
            db.prepare_cached("INSERT OR REPLACE INTO channel_tests VALUES (?1, ?2, ?3, ?4, ?5)")?.execute((
                &test.channel,
                &test.target,
                test.tested_us,
                test.ok,
                &test.said,
            ))?;
            Ok(())
        })
    }

    fn channel_tests(&self) -> Result<Vec<ChannelTest>, StoreError> {
        self.read(tests_of)
    }
}

/// How deliveries to a channel go.
pub(super) fn deliveries(db: &Connection, channel: &str) -> Result<ChannelDeliveries, StoreError> {
    let waiting: i64 = db
        .prepare_cached("SELECT count(*) FROM notifications WHERE state = 0 AND channel = ?1")?
        .query_row([channel], |row| row.get(0))?;
    let mut last = db.prepare_cached("SELECT max(settled_us) FROM notifications WHERE channel = ?1 AND state = ?2")?;
    let mut last = |state: i64| last.query_row((channel, state), |row| row.get::<_, Option<Micros>>(0));
    let (delivered_us, given_up_us) = (last(DELIVERED)?, last(GIVEN_UP)?);
    let given_up: i64 = db
        .prepare_cached("SELECT count(*) FROM notifications WHERE channel = ?1 AND state = ?2")?
        .query_row((channel, GIVEN_UP), |row| row.get(0))?;
    let mut errors = db.prepare_cached(
        "SELECT error FROM notifications WHERE channel = ?1 AND error IS NOT NULL
         AND (state = 0 OR (state = 2 AND settled_us > ?2)) ORDER BY seq DESC LIMIT 1",
    )?;
    let mut errors = errors.query_map((channel, delivered_us.unwrap_or(Micros::MIN)), |row| row.get(0))?;
    let error = errors.next().transpose()?;
    let (waiting, given_up) = (waiting.max(0) as u64, given_up.max(0) as u64);
    Ok(ChannelDeliveries { waiting, delivered_us, given_up, given_up_us, error })
}

/// The last test of each channel.
pub(super) fn tests_of(db: &Connection) -> Result<Vec<ChannelTest>, StoreError> {
    let mut statement =
        db.prepare_cached("SELECT channel, target, tested_us, ok, said FROM channel_tests ORDER BY channel")?;
    let rows = statement.query_map([], |row| {
        Ok(ChannelTest {
            channel: row.get(0)?,
            target: row.get(1)?,
            tested_us: row.get(2)?,
            ok: row.get(3)?,
            said: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn attempted(db: &Connection, seq: i64, at: Micros, attempt: &Attempt) -> Result<(), StoreError> {
    let mut update = db.prepare_cached(
        "UPDATE notifications SET attempts = attempts + 1, state = ?2, next_try_us = coalesce(?3, next_try_us),
         settled_us = ?4, error = coalesce(?5, error) WHERE seq = ?1 AND state = 0",
    )?;
    let changed = match attempt {
        Attempt::Delivered(_) => update.execute((seq, DELIVERED, None::<i64>, Some(at), None::<&str>))?,
        Attempt::Failed { next_try_us, error } => {
            update.execute((seq, WAITING, Some(next_try_us), None::<i64>, Some(error.as_str())))?
        }
        Attempt::GivenUp { error } => update.execute((seq, GIVEN_UP, None::<i64>, Some(at), Some(error.as_str())))?,
        Attempt::Unwanted => {
            db.prepare_cached("DELETE FROM notifications WHERE seq = ?1 AND state = ?2")?.execute((seq, WAITING))?
        }
    };
    match attempt {
        Attempt::Delivered(Standing::Remind) if changed > 0 => db
            .prepare_cached(
                "INSERT OR REPLACE INTO standing_alerts
                 SELECT channel, alert, body, ?2 FROM notifications WHERE seq = ?1",
            )?
            .execute((seq, at))?,
        Attempt::Delivered(Standing::Forget) if changed > 0 => db
            .prepare_cached(
                "DELETE FROM standing_alerts
                 WHERE (channel, alert) IN (SELECT channel, alert FROM notifications WHERE seq = ?1)",
            )?
            .execute([seq])?,
        _ => 0,
    };
    Ok(())
}

/// `channels` is a JSON array of names.
fn tidy(db: &Connection, channels: &str, at: Micros) -> Result<Vec<(String, u64)>, StoreError> {
    let mut given_up = Vec::new();
    let mut waiting = db.prepare_cached(
        "SELECT channel, count(*), channel IN (SELECT value FROM json_each(?1)) FROM notifications WHERE state = 0
         GROUP BY channel",
    )?;
    let counts: Vec<(String, i64, bool)> =
        waiting.query_map([channels], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect::<Result<_, _>>()?;
    for (channel, count, known) in counts {
        let (too_many, why) = match known {
            true => (count - most(MAX_WAITING), "too many were waiting for the channel"),
            false => (count, "no channel of this name is configured any longer"),
        };
        if too_many > 0 {
            db.prepare_cached(
                "UPDATE notifications SET state = 2, settled_us = ?3, error = ?4 WHERE seq IN
                 (SELECT seq FROM notifications WHERE state = 0 AND channel = ?1 ORDER BY seq LIMIT ?2)",
            )?
            .execute((&channel, too_many, at, why))?;
            given_up.push((channel, too_many as u64));
        }
    }
    let mut settled = db.prepare_cached("SELECT DISTINCT channel FROM notifications WHERE state > 0")?;
    let names: Vec<String> = settled.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for channel in names {
        db.prepare_cached(
            "DELETE FROM notifications WHERE seq IN (SELECT seq FROM notifications WHERE channel = ?1 AND state > 0
             ORDER BY seq DESC LIMIT -1 OFFSET ?2)",
        )?
        .execute((channel, most(MAX_SETTLED)))?;
    }
    db.prepare_cached("DELETE FROM standing_alerts WHERE channel NOT IN (SELECT value FROM json_each(?1))")?
        .execute([channels])?;
    db.prepare_cached(
        "DELETE FROM standing_alerts WHERE (channel, alert) IN
         (SELECT channel, alert FROM standing_alerts ORDER BY told_us DESC LIMIT -1 OFFSET ?1)",
    )?
    .execute([most(MAX_STANDING)])?;
    Ok(given_up)
}

fn number(delivery: Delivery) -> i64 {
    match delivery {
        Delivery::Waiting => WAITING,
        Delivery::Delivered => DELIVERED,
        Delivery::GivenUp => GIVEN_UP,
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<NotificationRecord> {
    Ok(NotificationRecord {
        seq: row.get(0)?,
        new: NewNotification {
            id: row.get(1)?,
            channel: row.get(2)?,
            alert: row.get(3)?,
            body: row.get(4)?,
            created_us: row.get(5)?,
        },
        delivery: match row.get(6)? {
            WAITING => Delivery::Waiting,
            DELIVERED => Delivery::Delivered,
            _ => Delivery::GivenUp,
        },
        attempts: row.get(7)?,
        next_try_us: row.get(8)?,
        settled_us: row.get(9)?,
        error: row.get(10)?,
    })
}

fn most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "notifications_tests.rs"]
mod tests;
