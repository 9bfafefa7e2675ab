//! The tree of artifacts. A path's key sorts its folder's files together, so that a folder is listed by one jump for
//! everything that it holds, however much is below that.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteCatalog;
use crate::catalog::{ArtifactEntry, ArtifactRecord, Artifacts, BlobRecord, PutArtifact, UploadRecord};
use crate::telemetry::StoreError;

impl Artifacts for SqliteCatalog {
    fn artifact(&self, path: &str) -> Result<Option<ArtifactRecord>, StoreError> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT b.digest, b.size, b.place, a.modified_ms FROM artifacts AS a
                 JOIN blobs AS b ON b.digest = a.digest WHERE a.path = ?1",
            )?;
            let record = |row: &Row<'_>| Ok(ArtifactRecord { blob: blob(row)?, modified_ms: row.get(3)? });
            Ok(statement.query_row([path], record).optional()?)
        })
    }

    fn artifacts_in(&self, folder: Option<&str>, most: usize) -> Result<Vec<ArtifactEntry>, StoreError> {
        self.read(|db| {
            let mut entries = list(db, folder, most)?;
            // `a-b` sorts before `a/c`, and so before the folder `a`.
            entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
            Ok(entries)
        })
    }

    fn artifacts_under(&self, path: &str) -> Result<(u64, u64), StoreError> {
        self.read(|db| {
            let (mut files, mut bytes) = (0, 0);
            for (from, to) in ranges(path) {
                let mut statement = db.prepare_cached(
                    "SELECT count(*), coalesce(sum(b.size), 0) FROM artifacts AS a
                     JOIN blobs AS b ON b.digest = a.digest WHERE a.path >= ?1 AND a.path < ?2",
                )?;
                let (n, size) = statement.query_row([from, to], |row| Ok((number(row, 0)?, number(row, 1)?)))?;
                files += n;
                bytes += size;
            }
            Ok((files, bytes))
        })
    }

    fn put_artifact(&self, path: &str, blob: &BlobRecord, modified_ms: i64) -> Result<PutArtifact, StoreError> {
        let (path, blob) = (path.to_owned(), blob.clone());
        self.write(move |db| put(db, &path, &blob, modified_ms))
    }

    fn delete_artifacts(&self, path: &str) -> Result<u64, StoreError> {
        let path = path.to_owned();
        self.write(move |db| delete(db, &path))
    }

    fn blob(&self, digest: &str) -> Result<Option<(BlobRecord, u64)>, StoreError> {
        self.read(|db| {
            let mut statement = db.prepare_cached("SELECT digest, size, place, refs FROM blobs WHERE digest = ?1")?;
            Ok(statement.query_row([digest], |row| Ok((blob(row)?, number(row, 3)?))).optional()?)
        })
    }

    fn is_place_used(&self, place: &str) -> Result<bool, StoreError> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM blobs WHERE place = ?1)
                 OR EXISTS (SELECT 1 FROM artifact_uploads WHERE place = ?1)",
            )?;
            Ok(statement.query_row([place], |row| row.get(0))?)
        })
    }

    fn unused_blobs(&self, after: &str, most: usize) -> Result<Vec<BlobRecord>, StoreError> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT digest, size, place FROM blobs WHERE refs = 0 AND digest > ?1 ORDER BY digest LIMIT ?2",
            )?;
            let rows = statement.query_map(params![after, limit(most)], blob)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn forget_blobs(&self, digests: &[String]) -> Result<(), StoreError> {
        if digests.is_empty() {
            return Ok(());
        }
        let digests = digests.to_vec();
        self.write(move |db| {
            let mut statement = db.prepare_cached("DELETE FROM blobs WHERE digest = ?1 AND refs = 0")?;
            digests.iter().try_for_each(|digest| statement.execute([digest]).map(drop))?;
            Ok(())
        })
    }

    fn put_upload(&self, upload: &UploadRecord) -> Result<(), StoreError> {
        let upload = upload.clone();
        self.write(move |db| {
            db.prepare_cached("INSERT INTO artifact_uploads (id, place, path, started_ms) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![upload.id, upload.place, upload.path, upload.started_ms])?;
            Ok(())
        })
    }

    fn upload(&self, id: &str) -> Result<Option<UploadRecord>, StoreError> {
        self.read(|db| {
            let mut statement =
                db.prepare_cached("SELECT id, place, path, started_ms FROM artifact_uploads WHERE id = ?1")?;
            Ok(statement.query_row([id], upload).optional()?)
        })
    }

    fn forget_upload(&self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(move |db| {
            db.prepare_cached("DELETE FROM artifact_uploads WHERE id = ?1")?.execute([&id])?;
            Ok(())
        })
    }

    fn uploads_before(&self, started_ms: i64, most: usize) -> Result<Vec<UploadRecord>, StoreError> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT id, place, path, started_ms FROM artifact_uploads WHERE started_ms < ?1 LIMIT ?2",
            )?;
            let rows = statement.query_map(params![started_ms, limit(most)], upload)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or_default())
}

fn blob(row: &Row<'_>) -> rusqlite::Result<BlobRecord> {
    Ok(BlobRecord { digest: row.get(0)?, size: number(row, 1)?, place: row.get(2)? })
}

fn upload(row: &Row<'_>) -> rusqlite::Result<UploadRecord> {
    Ok(UploadRecord { id: row.get(0)?, place: row.get(1)?, path: row.get(2)?, started_ms: row.get(3)? })
}

/// The keys of a path: its own, and those below it. `0` comes right after `/`, and NUL is in no path.
fn ranges(path: &str) -> [(String, String); 2] {
    [(path.to_owned(), format!("{path}\0")), (format!("{path}/"), format!("{path}0"))]
}

fn list(db: &Connection, folder: Option<&str>, most: usize) -> Result<Vec<ArtifactEntry>, StoreError> {
    let start = folder.map_or_else(String::new, |folder| format!("{folder}/"));
    let mut from = start.clone();
    let mut entries = Vec::new();
    let mut statement = db.prepare_cached(
        "SELECT a.path, b.size FROM artifacts AS a JOIN blobs AS b ON b.digest = a.digest
         WHERE a.path >= ?1 ORDER BY a.path LIMIT 1",
    )?;
    while entries.len() < most {
        let next = statement.query_row([&from], |row| Ok((row.get::<_, String>(0)?, number(row, 1)?)));
        let Some((path, size)) = next.optional()? else { break };
        let Some(rest) = path.strip_prefix(&start) else { break };
        match rest.split_once('/') {
            Some((name, _)) => {
                from = format!("{start}{name}0");
                entries.push(ArtifactEntry { name: name.to_owned(), size: None });
            }
            None => {
                from = format!("{path}\0");
                entries.push(ArtifactEntry { name: rest.to_owned(), size: Some(size) });
            }
        }
    }
    Ok(entries)
}

fn put(db: &Connection, path: &str, blob: &BlobRecord, modified_ms: i64) -> Result<PutArtifact, StoreError> {
    let exists = "SELECT EXISTS (SELECT 1 FROM artifacts WHERE path >= ?1 AND path < ?2)";
    let [_, (from, to)] = ranges(path);
    if db.prepare_cached(exists)?.query_row([&from, &to], |row| row.get(0))? {
        return Ok(PutArtifact::IsFolder);
    }
    for (at, _) in path.match_indices('/') {
        let above = &path[..at];
        let is_file = "SELECT EXISTS (SELECT 1 FROM artifacts WHERE path = ?1)";
        if db.prepare_cached(is_file)?.query_row([above], |row| row.get(0))? {
            return Ok(PutArtifact::UnderFile(above.to_owned()));
        }
    }
    let before: Option<String> = db
        .prepare_cached("SELECT digest FROM artifacts WHERE path = ?1")?
        .query_row([path], |row| row.get(0))
        .optional()?;
    // What no file has may stand elsewhere now.
    db.prepare_cached(
        "INSERT INTO blobs (digest, size, place, refs) VALUES (?1, ?2, ?3, 1)
         ON CONFLICT (digest) DO UPDATE SET place = iif(refs = 0, excluded.place, place), refs = refs + 1",
    )?
    .execute(params![blob.digest, i64::try_from(blob.size).unwrap_or(i64::MAX), blob.place])?;
    db.prepare_cached(
        "INSERT INTO artifacts (path, digest, modified_ms) VALUES (?1, ?2, ?3)
         ON CONFLICT (path) DO UPDATE SET digest = excluded.digest, modified_ms = excluded.modified_ms",
    )?
    .execute(params![path, blob.digest, modified_ms])?;
    let Some(before) = before else { return Ok(PutArtifact::Put { unused: false }) };
    let left: i64 = db
        .prepare_cached("UPDATE blobs SET refs = refs - 1 WHERE digest = ?1 RETURNING refs")?
        .query_row([&before], |row| row.get(0))?;
    Ok(PutArtifact::Put { unused: left == 0 })
}

/// Takes a path and what is below it out of the tree.
pub(super) fn delete(db: &Connection, path: &str) -> Result<u64, StoreError> {
    let mut files = 0;
    for (from, to) in ranges(path) {
        db.prepare_cached(
            "UPDATE blobs SET refs = refs - gone.n
             FROM (SELECT digest, count(*) AS n FROM artifacts WHERE path >= ?1 AND path < ?2 GROUP BY digest) AS gone
             WHERE blobs.digest = gone.digest",
        )?
        .execute([&from, &to])?;
        let deleted = db.prepare_cached("DELETE FROM artifacts WHERE path >= ?1 AND path < ?2")?.execute([from, to])?;
        files += u64::try_from(deleted).unwrap_or_default();
    }
    Ok(files)
}

#[cfg(test)]
#[path = "artifacts_tests.rs"]
mod tests;
