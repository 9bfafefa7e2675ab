use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::mlflow::rig::Rig;

const FILES: &str = "/api/2.0/mlflow-artifacts/artifacts";

async fn put(rig: &Rig, path: &str, body: &'static str) -> StatusCode {
    rig.raw(Request::put(format!("{FILES}/{path}")).body(body.into()).unwrap()).await.0
}

async fn get(rig: &Rig, uri: &str) -> (StatusCode, String) {
    let (status, _, body) = rig.raw(Request::get(uri).body("".into()).unwrap()).await;
    (status, body)
}

async fn listed(rig: &Rig, path: &str) -> Value {
    let (status, body) = get(rig, &format!("{FILES}?path={path}")).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    serde_json::from_str(&body).unwrap()
}

#[tokio::test]
async fn a_file_goes_in_and_comes_out_and_away() {
    let rig = Rig::new();
    assert_eq!(put(&rig, "1/r/artifacts/d/a%20b.html", "<p>").await, StatusCode::OK);
    assert_eq!(put(&rig, "1/r/artifacts/z", "").await, StatusCode::OK);
    let request = Request::get(format!("{FILES}/1/r/artifacts/d/a%20b.html")).header("range", "bytes=1-");
    let (status, headers, body) = rig.raw(request.body("".into()).unwrap()).await;
    assert_eq!((status, body.as_str()), (StatusCode::PARTIAL_CONTENT, "p>"));
    for (name, value) in [
        ("content-type", "text/plain"),
        ("x-content-type-options", "nosniff"),
        ("content-disposition", "attachment; filename=\"a b.html\""),
        ("content-range", "bytes 1-2/3"),
    ] {
        assert_eq!(headers[name], value);
    }
    let same = Request::get(format!("{FILES}/1/r/artifacts/z")).header("if-none-match", "*").body("".into());
    assert_eq!(rig.raw(same.unwrap()).await.0, StatusCode::NOT_MODIFIED);
    let file = json!({"path": "z", "is_dir": false, "file_size": 0});
    let folder = json!({"path": "d", "is_dir": true});
    assert_eq!(listed(&rig, "1/r/artifacts").await, json!({"files": [folder, file]}));
    assert_eq!(listed(&rig, "1/r/artifacts/z").await, json!({}));
    assert_eq!(listed(&rig, "nothing").await, json!({}));
    for path in ["1/r/artifacts/", "1/r/artifacts/", "no"] {
        let gone = Request::delete(format!("{FILES}/{path}")).body("".into()).unwrap();
        assert_eq!(rig.raw(gone).await.0, StatusCode::OK, "{path}");
    }
    assert_eq!(listed(&rig, "").await, json!({}));
    let (status, body) = get(&rig, &format!("{FILES}/1/r/artifacts/z")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(body.contains("RESOURCE_DOES_NOT_EXIST") && body.contains("No such artifact: '1/r/artifacts/z'"), "{body}");
}

#[tokio::test]
async fn names_that_lead_elsewhere_are_refused_everywhere() {
    let rig = Rig::new();
    for name in ["%2e%2e/x", "a%00", "a%255cb", "%2fetc/passwd", "%c0%ae/x", "a//b", "C:/x", "file:%2f%2f/x"] {
        for method in [Method::PUT, Method::GET, Method::DELETE] {
            let request = Request::builder().method(method.clone()).uri(format!("{FILES}/{name}"));
            let (status, _, body) = rig.raw(request.body("x".into()).unwrap()).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{method} {name}");
            assert!(body.contains("INVALID_PARAMETER_VALUE\",\"message\":\"Invalid path"), "{body}");
        }
    }
    for uri in [format!("{FILES}?path=../x"), format!("{FILES}?path=%252e%252e/x")] {
        assert_eq!(get(&rig, &uri).await.0, StatusCode::BAD_REQUEST, "{uri}");
    }
    put(&rig, "a/b", "x").await;
    assert_eq!(put(&rig, "a", "x").await, StatusCode::BAD_REQUEST);
    let (status, body) = get(&rig, &format!("{FILES}/a")).await;
    assert!(status == StatusCode::BAD_REQUEST && body.contains("a directory, not a file: 'a'"), "{body}");
}

#[tokio::test]
async fn files_are_found_by_their_run() {
    let rig = Rig::new();
    let run = rig.done("runs/create", json!({"experiment_id": "0"})).await;
    let (id, root) = (run["run"]["info"]["run_id"].as_str().unwrap(), &run["run"]["info"]["artifact_uri"]);
    let upload = format!("/ajax-api/2.0/mlflow/upload-artifact?run_uuid={id}&path=d/a.txt");
    let request = |body: &'static str| Request::post(upload.clone()).body(body.into()).unwrap();
    assert_eq!(rig.raw(request("text")).await.0, StatusCode::OK);
    let (status, _, body) = rig.raw(request("")).await;
    assert!(status == StatusCode::BAD_REQUEST && body.contains("Request must specify data."), "{body}");
    let file = json!({"path": "d/a.txt", "is_dir": false, "file_size": 4});
    let (_, answer) = rig.get("artifacts/list", &[("run_id", id), ("path", "d")]).await;
    assert_eq!(answer, json!({"root_uri": root, "files": [file]}));
    let (_, answer) = rig.get("artifacts/list", &[("run_uuid", id)]).await;
    assert_eq!(answer["files"], json!([{"path": "d", "is_dir": true}]));
    let found = format!("/get-artifact?run_id={id}&path=d/a.txt");
    assert_eq!(get(&rig, &found).await, (StatusCode::OK, "text".to_owned()));
    assert_eq!(get(&rig, &format!("/get-artifact?run_id={id}&path=../x")).await.0, StatusCode::BAD_REQUEST);
    let (status, body) = get(&rig, "/get-artifact?run_id=nobody&path=a").await;
    assert!(status == StatusCode::NOT_FOUND && body.contains("Run with id=nobody not found"), "{body}");
    assert_eq!(get(&rig, "/model-versions/get-artifact?name=m&version=1&path=a").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_has_no_uploads_in_parts() {
    let rig = Rig::new();
    for what in ["create", "complete", "abort"] {
        let request = Request::post(format!("/api/2.0/mlflow-artifacts/mpu/{what}/1/r/artifacts"));
        let body = r#"{"path":"/home/a/x.bin","num_parts":2,"upload_id":"u","parts":[{"part_number":1}]}"#;
        let request = request.header("content-type", "application/json").body(body.into()).unwrap();
        let (status, _, body) = rig.raw(request).await;
        assert_eq!(status, StatusCode::NOT_IMPLEMENTED, "{body}");
        assert!(body.contains("\"message\":\"Multipart upload is not supported for the current artifact repository\""));
    }
    assert_eq!(get(&rig, "/api/2.0/mlflow-artifacts/presigned/1/x").await.0, StatusCode::NOT_IMPLEMENTED);
}
