//! The load generator against the fake provider: its counts are what the benchmarks rest on.
#![expect(clippy::unwrap_used, reason = "helpers of tests stand outside the test functions")]

use std::process::{Command, Output};

use serde_json::Value;
use weir_testkit::fake::FakeProvider;

fn load(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weir-loadgen")).args(arguments).output().unwrap()
}

async fn report(arguments: Vec<String>) -> Value {
    let output = tokio::task::spawn_blocking(move || load(&arguments.iter().map(String::as_str).collect::<Vec<_>>()))
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn words(fake: &FakeProvider, rest: &str) -> Vec<String> {
    let mut words = vec!["--url".to_owned(), fake.url("/v1/chat/completions")];
    words.extend(rest.split(' ').map(str::to_owned));
    words
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_request_is_counted_once() {
    let fake = FakeProvider::start().await;
    let plain = report(words(&fake, "--requests 203 --connections 7 --threads 2 --vary")).await;
    assert_eq!(
        (plain["requests"].as_u64(), plain["ok"].as_u64(), plain["errors"].as_u64()),
        (Some(203), Some(203), Some(0))
    );
    assert_eq!((fake.stats().requests, fake.stats().connections), (203, 7));

    let streams = report(words(&fake, "--requests 20 --connections 2 --stream --model m!chunks=3,delay=5")).await;
    assert_eq!(streams["ok"], 20);
    let first = streams["first_event_us"]["p50"].as_u64().unwrap();
    assert!(first + 8_000 < streams["latency_us"]["p50"].as_u64().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn each_kind_of_failure_has_its_count() {
    let fake = FakeProvider::start().await;
    for (model, member) in [
        ("m!status=500", "http_errors"),
        ("m!truncate", "incomplete"),
        ("m!cut", "io_errors"),
        ("m!reset", "io_errors"),
        ("m!midstream-error", "incomplete"),
        ("m!stall", "timeouts"),
    ] {
        let report = report(words(&fake, &format!("--requests 3 --stream --timeout 0.1 --model {model}"))).await;
        assert_eq!((report["ok"].as_u64(), report[member].as_u64()), (Some(0), Some(3)), "{model}: {report}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_open_loop_counts_the_wait_for_a_connection() {
    let fake = FakeProvider::start().await;
    // 100 a second at a target that can do 50: requests queue, and their latency grows with the queue.
    let report =
        report(words(&fake, "--rate 100 --spacing uniform --requests 40 --duration 5 --model m!first=20")).await;
    assert_eq!(report["ok"], 40);
    assert!(report["latency_us"]["max"].as_u64().unwrap() > 300_000, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn ids_of_finished_answers_are_written() {
    let fake = FakeProvider::start().await;
    let path = std::env::temp_dir().join(format!("weir-loadgen-ids-{}", std::process::id()));
    let mut arguments = words(&fake, "--requests 5 --ids");
    arguments.push(path.display().to_string());
    report(arguments).await;
    let ids = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(ids.lines().filter(|line| line.starts_with("req_fake") && line.ends_with(" complete")).count(), 5);
}

#[test]
fn other_machines_are_refused() {
    let output = load(&["--url", "http://192.0.2.1/v1/chat/completions", "--requests", "1"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("only loopback targets"));
}
