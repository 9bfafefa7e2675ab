use std::convert::Infallible;
use std::path::Path;
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};

use super::*;
use crate::sqlite::SqliteCatalog;

struct Place {
    folder: tempfile::TempDir,
    store: Arc<ArtifactStore>,
}

fn open(folder: &Path, max_size: Option<u64>) -> Result<Arc<ArtifactStore>, StoreError> {
    let catalog = Arc::new(SqliteCatalog::open(folder)?);
    let options = ArtifactOptions { place: ArtifactPlace::Folder(folder.join("artifacts")), max_size };
    Ok(Arc::new(ArtifactStore::open(catalog, &options, Clock::fixed(5_000))?))
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path(), None).unwrap();
        Self { folder, store }
    }

    async fn put(&self, name: &str, pieces: Vec<Vec<u8>>) -> Result<(), ArtifactError> {
        let body = stream::iter(pieces.into_iter().map(|p| Ok::<_, Infallible>(Bytes::from(p))));
        self.store.put(&path(name), None, body).await
    }

    async fn get(&self, name: &str) -> Option<Vec<u8>> {
        let opened = self.store.open_file(&path(name)).await.unwrap()?;
        let size = opened.record.blob.size;
        Some(collect(opened, 0..size).await)
    }

    /// Files on the disk, temporary ones too.
    fn files(&self) -> usize {
        count(&self.folder.path().join("artifacts")) - 1
    }
}

fn count(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    entries.map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
}

async fn collect(opened: Opened, range: std::ops::Range<u64>) -> Vec<u8> {
    let pieces: Vec<_> = opened.bytes(range).await.unwrap().collect().await;
    pieces.into_iter().flat_map(|piece| piece.unwrap().to_vec()).collect()
}

fn path(name: &str) -> ArtifactPath {
    ArtifactPath::parse(name).unwrap()
}

fn noise(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

#[tokio::test]
async fn what_is_put_comes_back_whole_and_in_part() {
    let place = Place::new();
    let bytes = noise(3_000_017);
    place.put("1/r/artifacts/a", bytes.chunks(70_001).map(<[u8]>::to_vec).collect()).await.unwrap();
    place.put("1/r/artifacts/empty", vec![]).await.unwrap();
    assert_eq!(place.get("1/r/artifacts/a").await.unwrap(), bytes);
    assert_eq!(place.get("1/r/artifacts/empty").await.unwrap(), b"");
    assert_eq!(place.get("1/r/artifacts").await, None);
    let opened = place.store.open_file(&path("1/r/artifacts/a")).await.unwrap().unwrap();
    assert_eq!(opened.record.modified_ms, 5);
    assert_eq!(collect(opened, 262_143..1_000_000).await, bytes[262_143..1_000_000]);
    assert_eq!(place.store.file(&path("1/r/artifacts/empty")).unwrap().unwrap().blob.digest, EMPTY);
}

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[tokio::test]
async fn equal_contents_are_there_once_and_go_with_the_last_file() {
    let place = Place::new();
    for name in ["a/1", "a/2", "b"] {
        place.put(name, vec![b"same".to_vec()]).await.unwrap();
    }
    assert_eq!(place.files(), 1);
    assert_eq!(place.store.delete(&path("a")).await.unwrap(), 2);
    assert_eq!(place.get("b").await.unwrap(), b"same");
    assert_eq!(place.store.delete(&path("b")).await.unwrap(), 1);
    assert_eq!(place.files(), 0);
    assert_eq!(place.store.delete(&path("b")).await.unwrap(), 0);
    place.put("b", vec![b"same".to_vec()]).await.unwrap();
    assert_eq!(place.get("b").await.unwrap(), b"same");
}

#[tokio::test]
async fn a_file_that_is_replaced_is_read_to_its_end_by_who_has_it_open() {
    let place = Place::new();
    place.put("a", vec![noise(600_000)]).await.unwrap();
    let opened = place.store.open_file(&path("a")).await.unwrap().unwrap();
    place.put("a", vec![b"new".to_vec()]).await.unwrap();
    place.store.sweep().await.unwrap();
    assert_eq!(place.files(), 1);
    assert_eq!(collect(opened, 0..600_000).await, noise(600_000));
    assert_eq!(place.get("a").await.unwrap(), b"new");
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let place = Place::new();
    place.put("a", vec![b"old".to_vec()]).await.unwrap();
    let pieces = [Ok(Bytes::from(noise(2_000_000))), Err("reset")];
    let refused = place.store.put(&path("a"), None, stream::iter(pieces)).await.unwrap_err();
    assert!(matches!(&refused, ArtifactError::BrokeOff { got: 2_000_000, why } if why == "reset"), "{refused}");
    // A sender that goes away drops the work.
    let endless = stream::iter([Ok::<_, Infallible>(Bytes::from(noise(2_000_000)))]).chain(stream::pending());
    let put = tokio::time::timeout(Duration::from_millis(20), place.store.put(&path("b"), None, endless)).await;
    assert!(put.is_err());
    assert_eq!(place.get("a").await.unwrap(), b"old");
    assert_eq!(place.get("b").await, None);
}

#[tokio::test]
async fn what_a_kill_leaves_goes_at_the_next_start_and_at_a_sweep() {
    let place = Place::new();
    place.put("a", vec![b"kept".to_vec()]).await.unwrap();
    let root = place.folder.path().join("artifacts");
    std::fs::write(root.join("tmp/half"), b"half").unwrap();
    // Its bytes got their place, and the tree never heard of it.
    let stray = root.join("00").join("0".repeat(62));
    std::fs::create_dir_all(stray.parent().unwrap()).unwrap();
    std::fs::write(&stray, b"stray").unwrap();
    let Place { folder, store } = place;
    drop(store);
    let place = Place { store: open(folder.path(), None).unwrap(), folder };
    assert_eq!(place.files(), 2, "the temporary one is gone");
    assert_eq!(place.store.sweep_strays(false).await.unwrap(), Swept::default(), "it may be an upload under way");
    let old = SystemTime::now() - Duration::from_secs(7_200);
    std::fs::File::options().write(true).open(&stray).unwrap().set_modified(old).unwrap();
    let found = Swept { contents: 1, bytes: 5 };
    assert_eq!(place.store.sweep_strays(true).await.unwrap(), found);
    assert_eq!(place.files(), 2);
    assert_eq!(place.store.sweep_strays(false).await.unwrap(), found);
    assert_eq!(place.files(), 1);
    assert_eq!(place.get("a").await.unwrap(), b"kept");
}

#[tokio::test]
async fn the_largest_size_counts_with_and_without_a_length() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Some(10)).unwrap();
    let body = |n: usize| stream::iter(vec![Ok::<_, Infallible>(Bytes::from(vec![0; 6])); n]);
    assert!(matches!(store.put(&path("a"), Some(11), body(0)).await, Err(ArtifactError::TooLarge(10))));
    assert!(matches!(store.put(&path("a"), None, body(2)).await, Err(ArtifactError::TooLarge(10))));
    store.put(&path("a"), None, body(1)).await.unwrap();
}

#[tokio::test]
async fn a_folder_has_one_owner() {
    let place = Place::new();
    let refused = open(place.folder.path(), None).unwrap_err().to_string();
    assert!(refused.contains("in use by process"), "{refused}");
}

#[tokio::test]
async fn a_file_and_a_folder_cannot_share_a_name() {
    let place = Place::new();
    place.put("a/b", vec![b"x".to_vec()]).await.unwrap();
    assert!(matches!(place.put("a", vec![b"y".to_vec()]).await, Err(ArtifactError::IsFolder)));
    assert!(matches!(place.put("a/b/c", vec![]).await, Err(ArtifactError::UnderFile(file)) if file == "a/b"));
    place.store.sweep_strays(false).await.unwrap();
}
