//! The room that the data folder takes, and what is stored.

use std::path::Path;

use weir_core::error::{Code, Error};
use weir_core::filter::Filter;
use weir_core::time::{Micros, to_rfc3339};
use weir_store::activity::Activity;
use weir_store::artifacts::ArtifactPlace;
use weir_store::telemetry::{OrderBy, SpanQuery, StoreError, Telemetry, TimeRange};
use weir_web::api::{StorageAnswer, StoragePart, StoredProject, read};

/// Most files that are looked at; beyond it sizes are those of the files so far.
const MOST_FILES: u64 = 200_000;
/// How deep folders are looked into.
const DEPTH: usize = 8;
/// Most projects that are counted, and most that are listed.
const COUNTED: usize = 10_000;
const LISTED: usize = 50;

/// What the parts of a data folder hold. The files of a database go together.
const PARTS: [(&str, &str); 6] = [
    ("telemetry.db", "calls, traces, scores and figures"),
    ("catalog.db", "runs, models, prompts, datasets, alerts, anomalies"),
    ("cache.db", "cached answers"),
    ("journal", "calls on their way to the store"),
    ("artifacts", "contents of artifacts"),
    ("files", "uploaded files and batches"),
];

/// Measures it. Blocks.
pub(super) fn measure<S: Telemetry + Activity>(
    store: &S,
    data: &Path,
    artifacts: &ArtifactPlace,
) -> Result<StorageAnswer, Error> {
    let mut parts = folder(data).map_err(|e| {
        Error::new(Code::StoreUnavailable, format!("the data folder {} cannot be read: {e}", data.display()))
    })?;
    let artifacts_elsewhere = match artifacts {
        ArtifactPlace::Objects(objects) => Some(format!("s3://{}/{}", objects.bucket, objects.prefix)),
        ArtifactPlace::Folder(_) => None,
    };
    if let ArtifactPlace::Folder(artifacts) = artifacts
        && !artifacts.starts_with(data)
    {
        let mut part =
            StoragePart { name: artifacts.display().to_string(), about: about("artifacts"), ..Default::default() };
        count(artifacts, DEPTH, &mut part);
        parts.push(part);
    }
    parts.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    // The first two are the files themselves.
    let tables = store.sizes().map_err(read::refusal)?.into_iter().skip(2);
    let tables =
        tables.map(|table| StoragePart { name: table.name, bytes: table.bytes, ..Default::default() }).collect();
    let spans = store.project_spans(TimeRange::default(), COUNTED).map_err(read::refusal)?;
    let calls = spans.iter().map(|span| span.calls).sum();
    let projects = spans.into_iter().take(LISTED).map(|span| StoredProject {
        project: span.project,
        calls: span.calls,
        first: to_rfc3339(span.first),
        last: to_rfc3339(span.last),
    });
    let end = |ascending| edge(store, ascending).map(|at| at.map(to_rfc3339)).map_err(read::refusal);
    Ok(StorageAnswer {
        folder: data.canonicalize().unwrap_or_else(|_| data.to_owned()).display().to_string(),
        bytes: parts.iter().map(|part| part.bytes).sum(),
        parts,
        tables,
        artifacts_elsewhere,
        calls,
        oldest: end(true)?,
        newest: end(false)?,
        projects: projects.collect(),
    })
}

/// The start of the oldest or the newest span.
fn edge(store: &dyn Telemetry, ascending: bool) -> Result<Option<Micros>, StoreError> {
    let page = store.spans(&SpanQuery {
        range: TimeRange::default(),
        filter: Filter::And(Vec::new()),
        order: OrderBy::Start,
        ascending,
        limit: 1,
        cursor: None,
        with_payload: false,
    })?;
    Ok(page.spans.first().and_then(|span| span.start_us))
}

fn about(name: &str) -> String {
    PARTS.iter().find(|(known, _)| *known == name).map_or_else(String::new, |(_, about)| (*about).to_owned())
}

/// The parts of a folder: what is known by name, and the rest as `other`.
fn folder(data: &Path) -> std::io::Result<Vec<StoragePart>> {
    let mut parts: Vec<StoragePart> = Vec::new();
    for entry in std::fs::read_dir(data)? {
        let entry = entry?;
        let file = entry.file_name().to_string_lossy().into_owned();
        // `telemetry.db-wal` and `-shm` are of `telemetry.db`.
        let known = PARTS.iter().find(|(name, _)| file == *name || (name.ends_with(".db") && file.starts_with(name)));
        let name = known.map_or("other", |(name, _)| *name);
        let place = parts.iter().position(|part| part.name == name).unwrap_or_else(|| {
            parts.push(StoragePart { name: name.to_owned(), about: about(name), ..Default::default() });
            parts.len() - 1
        });
        if let Some(part) = parts.get_mut(place) {
            count(&entry.path(), DEPTH, part);
        }
    }
    Ok(parts)
}

/// Adds a file, or what is in a folder. What cannot be read, or goes meanwhile, counts nothing; links are not followed.
fn count(path: &Path, depth: usize, part: &mut StoragePart) {
    let Ok(meta) = std::fs::symlink_metadata(path) else { return };
    if meta.is_file() {
        part.files += 1;
        part.bytes += meta.len();
        return;
    }
    let Ok(entries) = std::fs::read_dir(path) else { return };
    for entry in entries.flatten() {
        if part.files >= MOST_FILES || depth == 0 {
            part.more = true;
            return;
        }
        count(&entry.path(), depth - 1, part);
    }
}

#[cfg(test)]
mod tests {
    use weir_core::id::{SpanId, SpanKey, TraceId};
    use weir_core::merge::SpanWrite;
    use weir_core::span::{Span, SpanKind};
    use weir_store::ingest::WriteEngine;
    use weir_store::sqlite::SqliteStore;

    use super::*;

    #[test]
    fn each_part_of_the_folder_is_measured_and_the_stored_calls_are_counted() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(dir.path()).unwrap();
        let at = |start_us: i64| {
            let key = SpanKey { trace: TraceId::new(), span: SpanId::new() };
            let (kind, project) = (Some(SpanKind::Llm), Some("shop".to_owned()));
            let (start_us, end_us) = (Some(start_us), Some(start_us + 1_000));
            SpanWrite::create(Span { kind, project, start_us, end_us, ..Span::new(key) }, 1)
        };
        const DAY: i64 = 86_400_000_000;
        store.commit(&store.prepare(vec![at(20 * DAY), at(21 * DAY), at(25 * DAY + 5)]).unwrap(), None).unwrap();
        std::fs::create_dir_all(dir.path().join("artifacts/ab")).unwrap();
        std::fs::write(dir.path().join("artifacts/ab/cd"), [0; 100]).unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        std::fs::write(elsewhere.path().join("x"), [0; 9]).unwrap();
        let measured = || measure(&store, dir.path(), &ArtifactPlace::Folder(elsewhere.path().to_owned())).unwrap();
        let other =
            |answer: &StorageAnswer| answer.parts.iter().find(|part| part.name == "other").map_or(0, |p| p.bytes);
        // The store's lock is there already.
        let before = other(&measured());
        std::fs::write(dir.path().join("notes"), [0; 7]).unwrap();

        let answer = measured();
        let of = |name: &str| answer.parts.iter().find(|part| part.name == name).unwrap();
        assert_eq!((of("artifacts").bytes, of("artifacts").files), (100, 1));
        assert_eq!(other(&answer), before + 7);
        assert_eq!(of(&elsewhere.path().display().to_string()).bytes, 9);
        assert!(of("telemetry.db").bytes > 0 && answer.tables.iter().all(|table| table.bytes > 0));
        assert_eq!(answer.bytes, answer.parts.iter().map(|part| part.bytes).sum::<u64>());
        assert_eq!((answer.calls, answer.projects.len()), (3, 1));
        assert_eq!(answer.oldest.as_deref(), Some("1970-01-21T00:00:00.000000Z"));
        assert_eq!(answer.newest.as_deref(), Some("1970-01-26T00:00:00.000005Z"));
    }
}
