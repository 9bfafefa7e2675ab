pub(super) mod rows;
pub(super) mod rules;
mod write;

use weir_core::time::Micros;

use super::SqliteCatalog;
use crate::catalog::{
    AlertAck, AlertEvaluation, AlertHistoryQuery, AlertQuery, AlertRecord, AlertRuleProblem, AlertRulePut,
    AlertRuleRecord, AlertTransition, AlertWrite, Alerts, MAX_ALERT_MUTES, NewNotification,
};
use crate::telemetry::StoreError;

impl Alerts for SqliteCatalog {
    fn alert_rules(&self) -> Result<Vec<AlertRuleRecord>, StoreError> {
        self.read(rules::all)
    }

    fn put_alert_rule(
        &self,
        id: &str,
        document: &str,
        at: Micros,
        put: AlertRulePut,
    ) -> Result<AlertRuleRecord, AlertRuleProblem> {
        let (id, document) = (id.to_owned(), document.to_owned());
        self.write(move |db| rules::put(db, &id, &document, at, put))
    }

    fn delete_alert_rule(&self, id: &str) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.write(move |db| Ok(db.prepare_cached("DELETE FROM alert_rules WHERE id = ?1")?.execute([&id])? > 0))
    }

    fn put_alerts(&self, write: AlertWrite) -> Result<(), StoreError> {
        self.write(move |db| write::all(db, &write))
    }

    fn alerts(&self, query: &AlertQuery) -> Result<Vec<AlertRecord>, StoreError> {
        self.read(|db| rows::list(db, query))
    }

    fn every_alert(&self) -> Result<Vec<AlertRecord>, StoreError> {
        self.read(rows::every)
    }

    fn alert(&self, fingerprint: &str) -> Result<Option<AlertRecord>, StoreError> {
        self.read(|db| rows::one(db, fingerprint))
    }

    fn acknowledge(
        &self,
        fingerprint: &str,
        starts_us: Option<Micros>,
        ack: Option<AlertAck>,
        line: AlertTransition,
        notifications: Vec<NewNotification>,
    ) -> Result<Option<AlertRecord>, StoreError> {
        let fingerprint = fingerprint.to_owned();
        self.write(move |db| {
            let ack = ack.map(|ack| rows::json(&ack)).transpose()?;
            let changed = db
                .prepare_cached("UPDATE alerts SET ack = ?3 WHERE fingerprint = ?1 AND starts_us IS ?2")?
                .execute((&fingerprint, starts_us, ack))?;
            if changed == 0 {
                return Ok(None);
            }
            write::history(db, std::slice::from_ref(&line))?;
            super::notifications::put(db, &notifications)?;
            rows::one(db, &fingerprint)
        })
    }

    fn acknowledged(&self) -> Result<Vec<(String, Option<Micros>, AlertAck)>, StoreError> {
        self.read(|db| {
            let sql = "SELECT fingerprint, starts_us, ack FROM alerts WHERE ack IS NOT NULL";
            let mut statement = db.prepare_cached(sql)?;
            let mut rows = statement.query([])?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                if let Some(ack) = rows::ack(row.get(2)?)? {
                    all.push((row.get(0)?, row.get(1)?, ack));
                }
            }
            Ok(all)
        })
    }

    fn open_alerts(&self) -> Result<[u64; 3], StoreError> {
        self.read(|db| {
            let mut open = [0; 3];
            let sql = "SELECT severity, count(*) FROM alerts WHERE phase IN ('firing', 'no_data') GROUP BY 1";
            let mut statement = db.prepare_cached(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                if let Some(count) = open.get_mut(row.get::<_, i64>(0)?.unsigned_abs() as usize) {
                    *count = row.get::<_, i64>(1)?.unsigned_abs();
                }
            }
            Ok(open)
        })
    }

    fn alert_history(&self, query: &AlertHistoryQuery) -> Result<Vec<AlertTransition>, StoreError> {
        self.read(|db| rows::history(db, query))
    }

    fn alert_evaluations(&self) -> Result<Vec<AlertEvaluation>, StoreError> {
        self.read(rows::evaluations)
    }

    fn put_alert_mute(&self, id: &str, document: &str, ends_us: Micros, now: Micros) -> Result<(), StoreError> {
        let (id, document) = (id.to_owned(), document.to_owned());
        self.write(move |db| {
            db.prepare_cached("DELETE FROM alert_mutes WHERE ends_us <= ?1")?.execute([now])?;
            let count: i64 = db.query_row("SELECT count(*) FROM alert_mutes", [], |row| row.get(0))?;
            if count >= MAX_ALERT_MUTES as i64 {
                let why = format!("there are {MAX_ALERT_MUTES} silences already: delete some");
                return Err(StoreError::Unsupported(why));
            }
            db.prepare_cached("INSERT OR REPLACE INTO alert_mutes VALUES (?1, ?2, ?3)")?
                .execute((&id, &document, ends_us))?;
            Ok(())
        })
    }

    fn delete_alert_mute(&self, id: &str) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.write(move |db| Ok(db.prepare_cached("DELETE FROM alert_mutes WHERE id = ?1")?.execute([&id])? > 0))
    }

    fn alert_mutes(&self, now: Micros) -> Result<Vec<String>, StoreError> {
        self.read(|db| {
            let mut statement = db.prepare_cached("SELECT document FROM alert_mutes WHERE ends_us > ?1 ORDER BY id")?;
            Ok(statement.query_map([now], |row| row.get(0))?.collect::<Result<_, _>>()?)
        })
    }
}

#[cfg(test)]
mod tests;
