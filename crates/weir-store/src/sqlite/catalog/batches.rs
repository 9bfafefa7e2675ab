use rusqlite::{Connection, OptionalExtension, Row};
use weir_core::time::Micros;

use super::SqliteCatalog;
use crate::catalog::{BatchPut, BatchRecord, Batches, FileDeleted, FileQuery, FileRecord};
use crate::telemetry::StoreError;

const FILE: &str = "id, owner, purpose, filename, bytes, created_us, expires_us";

impl Batches for SqliteCatalog {
    fn put_file(&self, file: &FileRecord) -> Result<(), StoreError> {
        self.transact(|db| insert_file(db, file))
    }

    fn file(&self, id: &str) -> Result<Option<FileRecord>, StoreError> {
        let db = self.db.lock();
        let sql = format!("SELECT {FILE} FROM files WHERE id = ?1");
        Ok(db.prepare_cached(&sql)?.query_row([id], file_of).optional()?)
    }

    fn files(&self, query: &FileQuery<'_>) -> Result<Vec<FileRecord>, StoreError> {
        let (beyond, order) = if query.ascending { (">", "ASC") } else { ("<", "DESC") };
        let sql = format!(
            "SELECT {FILE} FROM files WHERE (?1 IS NULL OR owner = ?1) AND (?2 IS NULL OR purpose = ?2)
             AND (?3 IS NULL OR id {beyond} ?3) ORDER BY id {order} LIMIT ?4"
        );
        let db = self.db.lock();
        let mut statement = db.prepare_cached(&sql)?;
        let rows = statement.query_map((query.owner, query.purpose, query.after, most(query.limit)), file_of)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn expired_files(&self, now: Micros, limit: usize) -> Result<Vec<FileRecord>, StoreError> {
        let sql = format!(
            "SELECT {FILE} FROM files WHERE expires_us <= ?1
             AND NOT EXISTS (SELECT 1 FROM batches WHERE open AND input_file = files.id) ORDER BY expires_us LIMIT ?2"
        );
        let db = self.db.lock();
        let mut statement = db.prepare_cached(&sql)?;
        let rows = statement.query_map((now, most(limit)), file_of)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn delete_file(&self, id: &str) -> Result<FileDeleted, StoreError> {
        self.transact(|db| {
            let user: Option<String> = db
                .query_row("SELECT id FROM batches WHERE open AND input_file = ?1 LIMIT 1", [id], |row| row.get(0))
                .optional()?;
            if let Some(batch) = user {
                return Ok(FileDeleted::InUse(batch));
            }
            let deleted = db.execute("DELETE FROM files WHERE id = ?1", [id])?;
            Ok(if deleted > 0 { FileDeleted::Yes } else { FileDeleted::No })
        })
    }

    fn file_bytes(&self, least: u64) -> Result<u64, StoreError> {
        let db = self.db.lock();
        let bytes: i64 =
            db.query_row("SELECT coalesce(sum(max(bytes, ?1)), 0) FROM files", [least as i64], |row| row.get(0))?;
        Ok(bytes as u64)
    }

    fn put_batch(&self, batch: &BatchRecord, most: usize, most_of_owner: usize) -> Result<BatchPut, StoreError> {
        self.transact(|db| {
            let input: bool =
                db.query_row("SELECT EXISTS (SELECT 1 FROM files WHERE id = ?1)", [&batch.input_file], |row| {
                    row.get(0)
                })?;
            if !input {
                return Ok(BatchPut::NoInput);
            }
            let (open, of_owner): (i64, i64) = db.query_row(
                "SELECT count(*), coalesce(sum(owner = ?1), 0) FROM batches WHERE open",
                [&batch.owner],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            // The owner's own bound first: that is what the owner can do something about.
            if of_owner as u64 >= most_of_owner as u64 {
                return Ok(BatchPut::TooManyOfOwner);
            }
            if open as u64 >= most as u64 {
                return Ok(BatchPut::TooMany);
            }
            write_batch(db, batch)?;
            Ok(BatchPut::Created)
        })
    }

    fn batch(&self, id: &str) -> Result<Option<BatchRecord>, StoreError> {
        read_batch(&self.db.lock(), id)
    }

    fn batches(&self, owner: Option<&str>, after: Option<&str>, limit: usize) -> Result<Vec<BatchRecord>, StoreError> {
        let db = self.db.lock();
        let mut statement = db.prepare_cached(
            "SELECT record FROM batches WHERE (?1 IS NULL OR owner = ?1) AND (?2 IS NULL OR id < ?2)
             ORDER BY id DESC LIMIT ?3",
        )?;
        let rows = statement.query_map((owner, after, most(limit)), |row| row.get::<_, String>(0))?;
        rows.map(|json| parsed(&json?)).collect()
    }

    fn open_batches(&self) -> Result<Vec<BatchRecord>, StoreError> {
        let db = self.db.lock();
        let mut statement = db.prepare_cached("SELECT record FROM batches WHERE open ORDER BY id")?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        rows.map(|json| parsed(&json?)).collect()
    }

    fn change_batch(
        &self,
        id: &str,
        files: &[FileRecord],
        change: &mut dyn FnMut(&mut BatchRecord),
    ) -> Result<Option<BatchRecord>, StoreError> {
        self.transact(|db| {
            let Some(mut batch) = read_batch(db, id)? else { return Ok(None) };
            change(&mut batch);
            write_batch(db, &batch)?;
            for file in files {
                insert_file(db, file)?;
            }
            Ok(Some(batch))
        })
    }

    fn delete_batches(&self, before: Micros) -> Result<u64, StoreError> {
        let deleted =
            self.transact(|db| Ok(db.execute("DELETE FROM batches WHERE created_us < ?1 AND NOT open", [before])?))?;
        Ok(deleted as u64)
    }
}

fn most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn insert_file(db: &Connection, file: &FileRecord) -> Result<(), StoreError> {
    let sql = format!("INSERT OR REPLACE INTO files ({FILE}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    db.prepare_cached(&sql)?.execute((
        &file.id,
        &file.owner,
        &file.purpose,
        &file.filename,
        file.bytes as i64,
        file.created_us,
        file.expires_us,
    ))?;
    Ok(())
}

fn file_of(row: &Row<'_>) -> rusqlite::Result<FileRecord> {
    Ok(FileRecord {
        id: row.get(0)?,
        owner: row.get(1)?,
        purpose: row.get(2)?,
        filename: row.get(3)?,
        bytes: row.get::<_, i64>(4)? as u64,
        created_us: row.get(5)?,
        expires_us: row.get(6)?,
    })
}

fn write_batch(db: &Connection, batch: &BatchRecord) -> Result<(), StoreError> {
    let record = serde_json::to_string(batch)
        .map_err(|e| StoreError::Unavailable(format!("a batch cannot be written as JSON: {e}")))?;
    db.prepare_cached("INSERT OR REPLACE INTO batches VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?.execute((
        &batch.id,
        &batch.owner,
        batch.status.as_str(),
        !batch.status.has_ended(),
        &batch.input_file,
        batch.created_us,
        record,
    ))?;
    Ok(())
}

fn read_batch(db: &Connection, id: &str) -> Result<Option<BatchRecord>, StoreError> {
    let json: Option<String> =
        db.prepare_cached("SELECT record FROM batches WHERE id = ?1")?.query_row([id], |row| row.get(0)).optional()?;
    json.map(|json| parsed(&json)).transpose()
}

fn parsed(json: &str) -> Result<BatchRecord, StoreError> {
    serde_json::from_str(json).map_err(|e| StoreError::Incompatible(format!("a stored batch cannot be read: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::BatchStatus;

    fn file(id: &str, owner: &str, purpose: &str) -> FileRecord {
        FileRecord {
            id: id.into(),
            owner: owner.into(),
            purpose: purpose.into(),
            filename: "in.jsonl".into(),
            bytes: 10,
            created_us: 1,
            expires_us: Some(100),
        }
    }

    fn batch(id: &str, owner: &str, input: &str) -> BatchRecord {
        BatchRecord { id: id.into(), owner: owner.into(), input_file: input.into(), ..BatchRecord::default() }
    }

    fn ids(files: &[FileRecord]) -> Vec<&str> {
        files.iter().map(|f| f.id.as_str()).collect()
    }

    #[test]
    fn files_are_listed_page_by_page_for_their_owner() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = SqliteCatalog::open(folder.path()).unwrap();
        for (id, owner, purpose) in
            [("f1", "a", "batch"), ("f2", "b", "batch"), ("f3", "a", "user_data"), ("f4", "a", "batch")]
        {
            catalog.put_file(&file(id, owner, purpose)).unwrap();
        }
        let list = |query: FileQuery<'_>| catalog.files(&query).unwrap();
        let all = FileQuery { limit: 10, ..FileQuery::default() };
        assert_eq!(ids(&list(all)), ["f4", "f3", "f2", "f1"]);
        assert_eq!(ids(&list(FileQuery { owner: Some("a"), ascending: true, ..all })), ["f1", "f3", "f4"]);
        assert_eq!(ids(&list(FileQuery { owner: Some("a"), purpose: Some("batch"), ..all })), ["f4", "f1"]);
        assert_eq!(ids(&list(FileQuery { after: Some("f3"), limit: 1, ..all })), ["f2"]);
        assert_eq!(catalog.file("f2").unwrap(), Some(file("f2", "b", "batch")));
        assert_eq!(catalog.file_bytes(4).unwrap(), 40);
        assert_eq!(catalog.delete_file("f2").unwrap(), FileDeleted::Yes);
        assert_eq!(catalog.delete_file("f2").unwrap(), FileDeleted::No);
    }

    #[test]
    fn an_input_stays_while_its_batch_is_under_way() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = SqliteCatalog::open(folder.path()).unwrap();
        catalog.put_file(&file("f1", "a", "batch")).unwrap();
        assert_eq!(catalog.put_batch(&batch("b1", "a", "f9"), 5, 5).unwrap(), BatchPut::NoInput);
        assert_eq!(catalog.put_batch(&batch("b1", "a", "f1"), 1, 1).unwrap(), BatchPut::Created);
        assert_eq!(catalog.put_batch(&batch("b2", "b", "f1"), 1, 1).unwrap(), BatchPut::TooMany);
        assert_eq!(catalog.delete_file("f1").unwrap(), FileDeleted::InUse("b1".into()));
        assert!(catalog.expired_files(200, 10).unwrap().is_empty());
        let outputs = [file("f2", "a", "batch_output")];
        let ended = catalog.change_batch("b1", &outputs, &mut |b| b.status = BatchStatus::Completed).unwrap().unwrap();
        assert_eq!(ended.status, BatchStatus::Completed);
        assert_eq!(ids(&catalog.expired_files(200, 10).unwrap()), ["f1", "f2"]);
        assert!(catalog.expired_files(99, 10).unwrap().is_empty());
        assert_eq!(catalog.delete_file("f1").unwrap(), FileDeleted::Yes);
        assert_eq!(catalog.change_batch("b9", &[], &mut |_| ()).unwrap(), None);
    }

    #[test]
    fn one_owner_leaves_room_for_others() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = SqliteCatalog::open(folder.path()).unwrap();
        catalog.put_file(&file("f1", "a", "batch")).unwrap();
        let put = |id: &str, owner: &str| catalog.put_batch(&batch(id, owner, "f1"), 3, 2).unwrap();
        assert_eq!([put("b1", "a"), put("b2", "a")], [BatchPut::Created, BatchPut::Created]);
        assert_eq!(put("b3", "a"), BatchPut::TooManyOfOwner);
        assert_eq!(put("b4", "b"), BatchPut::Created);
        assert_eq!(put("b5", "b"), BatchPut::TooMany);
        catalog.change_batch("b1", &[], &mut |b| b.status = BatchStatus::Completed).unwrap();
        assert_eq!(put("b6", "a"), BatchPut::Created);
    }

    #[test]
    fn batches_survive_and_the_open_ones_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let made =
            BatchRecord { created_us: 5, metadata: Some([("k".into(), "v".into())].into()), ..batch("b2", "b", "f1") };
        {
            let catalog = SqliteCatalog::open(folder.path()).unwrap();
            catalog.put_file(&file("f1", "a", "batch")).unwrap();
            for batch in [batch("b1", "a", "f1"), made.clone(), batch("b3", "a", "f1")] {
                assert_eq!(catalog.put_batch(&batch, 9, 9).unwrap(), BatchPut::Created);
            }
            catalog.change_batch("b3", &[], &mut |b| b.status = BatchStatus::Failed).unwrap();
        }
        let catalog = SqliteCatalog::open(folder.path()).unwrap();
        assert_eq!(catalog.batch("b2").unwrap(), Some(made));
        let names = |list: Vec<BatchRecord>| list.into_iter().map(|b| b.id).collect::<Vec<_>>();
        assert_eq!(names(catalog.open_batches().unwrap()), ["b1", "b2"]);
        assert_eq!(names(catalog.batches(Some("a"), None, 9).unwrap()), ["b3", "b1"]);
        assert_eq!(names(catalog.batches(None, Some("b3"), 1).unwrap()), ["b2"]);
        assert_eq!(catalog.delete_batches(9).unwrap(), 1);
        assert_eq!(names(catalog.batches(None, None, 9).unwrap()), ["b2", "b1"]);
    }
}
