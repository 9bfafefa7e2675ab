//! Writes changes into the stored cells: read, merge, write.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, ToSql};
use weir_core::sketch::Sketch;

use super::cell::{CELL_COLUMNS, Cell, Delta, NUMBERS, Numbers, add_numbers};
use super::floors::Floors;
use super::fold::Fold;
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
        let values = vec!["?"; keys + NUMBERS + 1].join(",");
        Ok(Self {
            read: db.prepare_cached(&format!("SELECT {CELL_COLUMNS} FROM {table} WHERE {matching}"))?,
            write: db
                .prepare_cached(&format!("INSERT OR REPLACE INTO {table} ({key}, {CELL_COLUMNS}) VALUES ({values})"))?,
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
        cell.sketch.merge(&delta.plus);
        cell.sketch.subtract(&delta.minus);
        if cell.numbers == Numbers::default() {
            self.delete.execute(rusqlite::params_from_iter(key))?;
            return Ok(());
        }
        let sketch = cell.sketch.encode();
        for (n, value) in key.iter().chain(&cell.numbers).enumerate() {
            self.write.raw_bind_parameter(n + 1, value)?;
        }
        self.write.raw_bind_parameter(self.keys + NUMBERS + 1, &sketch as &dyn ToSql)?;
        self.write.raw_execute()?;
        Ok(())
    }
}

/// The cell that stands in a row's columns from `at` on.
pub(in crate::sqlite) fn read_cell(row: &Row<'_>, at: usize) -> rusqlite::Result<Cell> {
    let mut cell = Cell::default();
    for (n, number) in cell.numbers.iter_mut().enumerate() {
        if let ValueRef::Integer(value) = row.get_ref(at + n)? {
            *number = value;
        }
    }
    if let ValueRef::Blob(bytes) = row.get_ref(at + NUMBERS)? {
        match Sketch::decode(bytes) {
            Some(sketch) => cell.sketch = sketch,
            None => tracing::warn!("a latency sketch cannot be read"),
        }
    }
    Ok(cell)
}
