//! Writes changes into the stored cells: read, merge, write.

use rusqlite::{Connection, Row};
use weir_core::sketch::Sketch;

use super::cell::{Cell, Delta, NUMBERS, Numbers, add_numbers, cell_columns, read_numbers};
use super::floors::Floors;
use super::fold::Fold;
use super::spread::{SPREADS, blob, encode_logs, logs_of, unreadable};
use super::{CUBED, Level};

/// Applies a batch's changes, within the writer's transaction.
pub(in crate::sqlite) fn apply(db: &Connection, fold: &Fold<i64>, floors: Floors) -> rusqlite::Result<()> {
    let slice = "level, dim, t, project, value";
    let mut table = Table::new(db, "rollup", slice, 5)?;
    // In the order of the key, so that neighbouring cells share their page.
    let mut slices: Vec<_> = fold.slices.iter().collect();
    slices.sort_unstable_by_key(|(key, _)| **key);
    for (key, delta) in slices {
        let kept = match key.level {
            Level::Minute => key.t >= floors.minute,
            Level::Hour => key.t >= floors.hour,
            Level::Day => true,
        };
        if kept && !delta.is_nothing() {
            table.change(&[key.level as i64, key.dim, key.t, key.project, key.value], delta)?;
        }
    }
    let names = "level, t, project, model, provider, department, prompt_version, status, key";
    let mut table = Table::new(db, "cube", names, 2 + CUBED)?;
    let mut cube: Vec<_> = fold.cube.iter().collect();
    cube.sort_unstable_by_key(|(key, _)| **key);
    for ((level, t, values), delta) in cube {
        if *t >= floors.hour && !delta.is_nothing() {
            let [a, b, c, d, e, f, g] = *values;
            table.change(&[*level as i64, *t, a, b, c, d, e, f, g], delta)?;
        }
    }
    Ok(())
}

/// The statements for one table of cells.
struct Table<'c> {
    read: rusqlite::CachedStatement<'c>,
    write: rusqlite::CachedStatement<'c>,
    delete: rusqlite::CachedStatement<'c>,
    keys: usize,
}

impl<'c> Table<'c> {
    fn new(db: &'c Connection, table: &str, key: &str, keys: usize) -> rusqlite::Result<Self> {
        let matching: Vec<String> =
            key.split(", ").enumerate().map(|(n, column)| format!("{column} = ?{}", n + 1)).collect();
        let matching = matching.join(" AND ");
        let values = vec!["?"; keys + NUMBERS + SPREADS].join(",");
        let columns = cell_columns();
        Ok(Self {
            read: db.prepare_cached(&format!("SELECT {columns} FROM {table} WHERE {matching}"))?,
            write: db
                .prepare_cached(&format!("INSERT OR REPLACE INTO {table} ({key}, {columns}) VALUES ({values})"))?,
            delete: db.prepare_cached(&format!("DELETE FROM {table} WHERE {matching}"))?,
            keys,
        })
    }

    fn change(&mut self, key: &[i64], delta: &Delta) -> rusqlite::Result<()> {
        let mut cell = Cell::default();
        {
            let mut rows = self.read.query(rusqlite::params_from_iter(key))?;
            if let Some(row) = rows.next()? {
                cell = read_cell(row, 0)?;
            }
        }
        add_numbers(&mut cell.numbers, &delta.numbers);
        if cell.known {
            cell.spread.merge(&delta.plus);
            cell.spread.subtract(&delta.minus);
        } else {
            cell.spread.latency.merge(&delta.plus.latency);
            cell.spread.latency.subtract(&delta.minus.latency);
        }
        if cell.numbers == Numbers::default() {
            self.delete.execute(rusqlite::params_from_iter(key))?;
            return Ok(());
        }
        for (n, value) in key.iter().chain(&cell.numbers).enumerate() {
            self.write.raw_bind_parameter(n + 1, value)?;
        }
        let some = |sketch: &Sketch| (!sketch.is_empty()).then(|| sketch.encode());
        let spread = &cell.spread;
        let blobs = [
            Some(spread.latency.encode()),
            some(&spread.ttft),
            some(&spread.output_rate),
            cell.known.then(|| encode_logs(&spread.logs)),
        ];
        for (n, blob) in blobs.iter().enumerate() {
            self.write.raw_bind_parameter(self.keys + NUMBERS + n + 1, blob)?;
        }
        self.write.raw_execute()?;
        Ok(())
    }
}

/// The cell that stands in a row's columns from `at` on.
pub(in crate::sqlite) fn read_cell(row: &Row<'_>, at: usize) -> rusqlite::Result<Cell> {
    let mut cell = Cell { numbers: read_numbers(row, at)?, ..Cell::default() };
    let at = at + NUMBERS;
    let spread = &mut cell.spread;
    for (n, sketch) in [&mut spread.latency, &mut spread.ttft, &mut spread.output_rate].into_iter().enumerate() {
        if let Some(bytes) = blob(row, at + n)? {
            match Sketch::decode(bytes) {
                Some(stored) => *sketch = stored,
                None => unreadable(),
            }
        }
    }
    cell.known = blob(row, at + 3)?.is_some();
    cell.spread.logs = logs_of(row, at + 3)?;
    Ok(cell)
}
