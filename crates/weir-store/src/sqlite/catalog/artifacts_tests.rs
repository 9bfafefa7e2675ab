use super::*;

fn catalog() -> (tempfile::TempDir, SqliteCatalog) {
    let folder = tempfile::tempdir().unwrap();
    let catalog = SqliteCatalog::open(folder.path()).unwrap();
    (folder, catalog)
}

fn content(digest: &str) -> BlobRecord {
    BlobRecord { digest: digest.to_owned(), size: 7, place: None }
}

fn put(catalog: &SqliteCatalog, path: &str, digest: &str) -> PutArtifact {
    catalog.put_artifact(path, &content(digest), 5).unwrap()
}

fn names(catalog: &SqliteCatalog, folder: Option<&str>) -> Vec<String> {
    let entries = catalog.artifacts_in(folder, 100).unwrap().into_iter();
    entries.map(|e| format!("{}{}", e.name, if e.size.is_none() { "/" } else { "" })).collect()
}

#[test]
fn a_folder_lists_what_is_in_it_and_nothing_beside_it() {
    let (_folder, catalog) = catalog();
    for path in ["r/a/x/1", "r/a/x/2", "r/a/y", "r/a-b", "r/a0", "r/a.txt", "r2/z", "q", "r/ä/日", "r/a/x-/3"] {
        put(&catalog, path, "d");
    }
    assert_eq!(names(&catalog, None), ["q", "r/", "r2/"]);
    assert_eq!(names(&catalog, Some("r")), ["a/", "a-b", "a.txt", "a0", "ä/"]);
    assert_eq!(names(&catalog, Some("r/a")), ["x/", "x-/", "y"]);
    assert_eq!(names(&catalog, Some("r/a/x")), ["1", "2"]);
    assert_eq!(names(&catalog, Some("r/a/y")), [""; 0], "a file is no folder");
    assert_eq!(names(&catalog, Some("r/nothing")), [""; 0]);
    assert_eq!(catalog.artifacts_in(Some("r"), 2).unwrap().len(), 2);
    assert_eq!(catalog.artifacts_under("r/a").unwrap(), (4, 28));
    let file = catalog.artifact("r/a/y").unwrap().unwrap();
    assert_eq!((file.blob, file.modified_ms), (content("d"), 5));
}

#[test]
fn a_content_is_unused_when_its_last_file_goes() {
    let (_folder, catalog) = catalog();
    assert_eq!(put(&catalog, "a", "1"), PutArtifact::Put { unused: false });
    assert_eq!(put(&catalog, "b/c", "1"), PutArtifact::Put { unused: false });
    assert_eq!(put(&catalog, "a", "1"), PutArtifact::Put { unused: false }, "written again, the same");
    assert_eq!(put(&catalog, "a", "2"), PutArtifact::Put { unused: false });
    assert_eq!(put(&catalog, "b/c", "2"), PutArtifact::Put { unused: true });
    assert_eq!(catalog.unused_blobs("", 10).unwrap(), [content("1")]);
    assert_eq!(catalog.blob("2").unwrap(), Some((content("2"), 2)));
    assert_eq!(catalog.delete_artifacts("b").unwrap(), 1);
    assert_eq!(catalog.delete_artifacts("b").unwrap(), 0);
    assert_eq!(catalog.delete_artifacts("a").unwrap(), 1);
    assert_eq!(catalog.unused_blobs("1", 10).unwrap(), [content("2")]);
    put(&catalog, "a", "2");
    catalog.forget_blobs(&["2".into(), "1".into()]).unwrap();
    assert_eq!(catalog.blob("1").unwrap(), None);
    assert!(catalog.artifact("a").unwrap().is_some(), "what a file has is not forgotten");
}

#[test]
fn a_tree_goes_whole_and_its_neighbours_stay() {
    let (_folder, catalog) = catalog();
    for path in ["r/a/1", "r/a/b/2", "r/a/b/3", "r/a-", "r/a0", "r/ab"] {
        put(&catalog, path, "d");
    }
    assert_eq!(catalog.delete_artifacts("r/a").unwrap(), 3);
    assert_eq!(names(&catalog, Some("r")), ["a-", "a0", "ab"]);
    assert_eq!(catalog.blob("d").unwrap().unwrap().1, 3);
}

#[test]
fn a_name_is_a_file_or_a_folder() {
    let (_folder, catalog) = catalog();
    put(&catalog, "a/b/c", "1");
    assert_eq!(put(&catalog, "a/b", "1"), PutArtifact::IsFolder);
    assert_eq!(put(&catalog, "a/b/c/d/e", "1"), PutArtifact::UnderFile("a/b/c".into()));
    assert_eq!(catalog.blob("1").unwrap().unwrap().1, 1, "what is refused counts nowhere");
}

#[test]
fn uploads_are_found_until_they_end() {
    let (_folder, catalog) = catalog();
    let upload = UploadRecord { id: "u".into(), place: "p".into(), path: "a".into(), started_ms: 7 };
    catalog.put_upload(&upload).unwrap();
    assert!(catalog.is_place_used("p").unwrap() && !catalog.is_place_used("q").unwrap());
    assert_eq!(catalog.upload("u").unwrap(), Some(upload.clone()));
    assert_eq!(catalog.uploads_before(7, 9).unwrap(), []);
    assert_eq!(catalog.uploads_before(8, 9).unwrap(), [upload]);
    catalog.forget_upload("u").unwrap();
    assert_eq!(catalog.upload("u").unwrap(), None);
}
