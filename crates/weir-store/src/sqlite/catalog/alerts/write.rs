//! What evaluations came to, as a part of the caller's transaction.

use rusqlite::Connection;

use super::super::notifications;
use super::rows::number;
use crate::catalog::{AlertRecord, AlertTransition, AlertWrite, MAX_ALERT_HISTORY};
use crate::telemetry::StoreError;

pub(super) fn all(db: &Connection, write: &AlertWrite) -> Result<(), StoreError> {
    write.alerts.iter().try_for_each(|alert| put(db, alert))?;
    for fingerprint in &write.forgotten {
        db.prepare_cached("DELETE FROM alerts WHERE fingerprint = ?1")?.execute([fingerprint])?;
    }
    for rule in &write.gone {
        db.prepare_cached("DELETE FROM alert_evaluations WHERE rule = ?1")?.execute([rule])?;
    }
    let mut done = db.prepare_cached("INSERT OR REPLACE INTO alert_evaluations VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    for of in &write.evaluations {
        let [series, left_out] = [of.series, of.left_out].map(|n| i64::try_from(n).unwrap_or(i64::MAX));
        done.execute((&of.rule, of.evaluated_us, of.ran_us, of.took_us, series, &of.error, left_out))?;
    }
    history(db, &write.history)?;
    notifications::put(db, &write.notifications)
}

fn put(db: &Connection, alert: &AlertRecord) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO alerts (fingerprint, rule, project, phase, severity, starts_us, ends_us, evaluated_us, state, alert)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (fingerprint) DO UPDATE SET rule = ?2, project = ?3, phase = ?4, severity = ?5, starts_us = ?6,
           ends_us = ?7, evaluated_us = ?8, state = ?9, alert = ?10,
           ack = CASE WHEN starts_us IS ?6 THEN ack END",
    )?
    .execute((
        &alert.fingerprint,
        &alert.rule,
        &alert.project,
        &alert.phase,
        number(alert.severity),
        alert.starts_us,
        alert.ends_us,
        alert.evaluated_us,
        &alert.state,
        &alert.alert,
    ))?;
    Ok(())
}

pub(super) fn history(db: &Connection, lines: &[AlertTransition]) -> Result<(), StoreError> {
    if lines.is_empty() {
        return Ok(());
    }
    let mut insert = db.prepare_cached(
        "INSERT INTO alert_history (rule, fingerprint, at_us, phase, event, severity, value, threshold, summary, person)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    for line in lines {
        insert.execute((
            &line.rule,
            &line.fingerprint,
            line.at,
            &line.phase,
            &line.event,
            number(line.severity),
            line.value,
            line.threshold,
            &line.summary,
            &line.person,
        ))?;
    }
    db.prepare_cached("DELETE FROM alert_history WHERE seq <= (SELECT max(seq) FROM alert_history) - ?1")?
        .execute([MAX_ALERT_HISTORY])?;
    Ok(())
}
