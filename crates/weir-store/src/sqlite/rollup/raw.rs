//! Figures from the rows themselves, where no rollup is fine enough; bounded.

use rusqlite::Connection;
use weir_core::span::SpanKind;
use weir_core::time::{MINUTE, Micros};

use super::super::names::NameTexts;
use super::super::seq;
use super::groups::Groups;
use super::measures::{MEASURED, Measures};
use super::stats::{Compiled, cube_value};
use super::{CUBED, align};
use crate::telemetry::StoreError;

/// Most rows that a query may read.
pub(super) const ROWS: usize = 200_000;

/// When the newest row starts, at the latest.
pub(super) fn newest(db: &Connection) -> Result<Micros, StoreError> {
    let newest: Option<i64> = db.query_row("SELECT max(seq) FROM spans", [], |row| row.get(0))?;
    Ok(newest.map_or(i64::MIN, |s| seq::millisecond_us(s).saturating_add(999)))
}

/// Adds the calls of a range.
pub(super) fn read(
    db: &Connection,
    query: &Compiled,
    from: Micros,
    to: Micros,
    groups: &mut Groups,
) -> Result<(), StoreError> {
    if from >= to {
        return Ok(());
    }
    let mut statement = db.prepare_cached(&format!(
        "SELECT start_us, kind, project, model, provider, department, prompt_name, prompt_version, key, {MEASURED} \
         FROM spans WHERE seq >= ?1 AND seq <= ?2 LIMIT {}",
        ROWS + 1
    ))?;
    let versions = Versions { db, texts: NameTexts::default() };
    let last = seq::floor(to) | ((1 << 20) - 1);
    let mut rows = statement.query((seq::floor(from), last))?;
    let mut read = 0;
    while let Some(row) = rows.next()? {
        read += 1;
        if read > ROWS {
            return Err(StoreError::Unsupported(format!(
                "this combination needs more than {ROWS} single calls: ask for whole hours, for buckets of at least one \
                 hour, for a shorter range, or for one dimension besides the project"
            )));
        }
        let int = |n: usize| row.get::<_, Option<i64>>(n);
        let kind = int(1)?.and_then(SpanKind::from_number);
        let Some(start) = int(0)?.filter(|start| (from..to).contains(start)) else { continue };
        if !matches!(kind, Some(SpanKind::Llm | SpanKind::Embedding)) {
            continue;
        }
        let Some((measures, status)) = Measures::of_row(db, &versions.texts, row, 9)? else { continue };
        let status = match status {
            Some(status) => versions.find(status.as_str())?,
            None => 0,
        };
        let number = |n: usize| int(n).map(Option::unwrap_or_default);
        let values: [i64; CUBED] = [
            number(2)?,
            number(3)?,
            number(4)?,
            number(5)?,
            versions.prompt_version(int(6)?, int(7)?)?,
            status,
            number(8)?,
        ];
        if let Some(sum) = query.sum_of(groups, align(start, MINUTE), |d| cube_value(&values, d)) {
            sum.add_call(&measures, query.detail);
        }
    }
    Ok(())
}

/// Texts that the rollups number and the rows do not.
struct Versions<'a> {
    db: &'a Connection,
    texts: NameTexts,
}

impl Versions<'_> {
    fn find(&self, text: &str) -> rusqlite::Result<i64> {
        Ok(NameTexts::find(self.db, text)?.unwrap_or_default())
    }

    fn prompt_version(&self, name: Option<i64>, version: Option<i64>) -> rusqlite::Result<i64> {
        let text = |id: i64| self.texts.text(self.db, id);
        match (name, version) {
            (None, None) => Ok(0),
            (Some(name), None) => Ok(name),
            (Some(name), Some(version)) => self.find(&format!("{}@{}", text(name)?, text(version)?)),
            (None, Some(version)) => self.find(&format!("@{}", text(version)?)),
        }
    }
}
