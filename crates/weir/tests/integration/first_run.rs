//! A newcomer's first ten minutes: everything that the README shows, run as it stands there.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::server::{Server, WEIR, command};

const README: &str = include_str!("../../../../README.md");

fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    README.split(fence.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

fn text(output: &Output) -> String {
    let all = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&all).into_owned()
}

#[test]
fn the_first_call_of_the_readme_works() {
    let server = Server::start("");
    let script = blocks("sh").into_iter().find(|block| block.contains("demo/echo")).unwrap();
    let (call, rest) = script.split_once("./target").unwrap();
    let here =
        |script: &str| script.replace("http://127.0.0.1:8080", &server.url).replace("./target/release/weir", WEIR);
    let run = |script: &str| {
        let output =
            Command::new("bash").args(["-euc", &here(script)]).current_dir(server.folder.path()).output().unwrap();
        assert!(output.status.success(), "{script}\n{}", text(&output));
        text(&output)
    };
    assert!(run(call).contains("[demo] You said: Hello"));
    // The record follows the answer within a moment.
    let deadline = Instant::now() + Duration::from_secs(10);
    let shown = loop {
        let shown = run(&format!("./target{rest}"));
        if shown.contains("demo/echo") || Instant::now() > deadline {
            break shown;
        }
        std::thread::yield_now();
    };
    for wanted in ["demo/echo", "it", "total", "llm_requests_total{model=\"demo/echo\",status=\"success\"} 1"] {
        assert!(shown.contains(wanted), "{wanted} is missing in\n{shown}");
    }
}

#[test]
fn a_server_is_asked_where_the_machine_knows_no_authority() {
    let server = Server::start("");
    for arguments in [&["alerts", "--url", &server.url][..], &["import", "mlflow", "--from", &server.url]] {
        let folder = tempfile::tempdir().unwrap();
        let mut asking = command(folder.path());
        let output = asking
            .args(arguments)
            .env("SSL_CERT_FILE", folder.path().join("none"))
            .env("SSL_CERT_DIR", folder.path())
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    }
}

#[test]
fn the_configuration_of_the_readme_is_valid() {
    let folder = tempfile::tempdir().unwrap();
    let toml = blocks("toml").concat();
    std::fs::write(folder.path().join("weir.toml"), toml).unwrap();
    let mut check = command(folder.path());
    let output = check.arg("check-config").env("LOCAL_KEY", "a").env("CHECKOUT_KEY", "b").output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).contains("model smart: local/gpt-4o x3, demo/echo x1 then demo/lorem"), "{}", text(&output));
}

#[test]
fn the_configuration_of_the_example_is_valid() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/llmops-api"));
    let output = command(folder).arg("check-config").output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
}

#[test]
fn a_server_that_others_can_reach_wants_keys() {
    let folder = tempfile::tempdir().unwrap();
    let output = command(folder.path()).args(["serve", "--listen", "0.0.0.0:0"]).output().unwrap();
    assert!(!output.status.success());
    assert!(text(&output).contains("weir key new"), "{}", text(&output));
}

#[test]
fn every_link_of_the_documentation_leads_somewhere() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../"));
    let docs = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let docs = docs.filter(|path| path.extension().is_some_and(|e| e == "md"));
    let others = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "examples/llmops-api/README.md"];
    for page in docs.chain(others.map(|page| root.join(page))) {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let leads = link.is_empty() || link.starts_with("http") || page.parent().unwrap().join(link).exists();
            assert!(leads, "{}: {link}", page.display());
        }
    }
}
