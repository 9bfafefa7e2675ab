//! Dependencies between the crates go downward only.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

/// What each crate may depend on. A crate that is not listed may not exist.
const ALLOWED: &[(&str, &[&str])] = &[
    ("weir-core", &[]),
    ("weir-store", &["weir-core", "weir-tls"]),
    ("weir-gateway", &["weir-core", "weir-store", "weir-tls"]),
    ("weir-watch", &["weir-core", "weir-store", "weir-tls"]),
    ("weir-web", &["weir-core", "weir-store", "weir-gateway", "weir-watch", "weir-fronts"]),
    ("weir-fronts", &["weir-core", "weir-store"]),
    ("weir-export", &["weir-core", "weir-store", "weir-fronts", "weir-tls"]),
    (
        "weir",
        &[
            "weir-core",
            "weir-store",
            "weir-gateway",
            "weir-watch",
            "weir-web",
            "weir-fronts",
            "weir-export",
            "weir-tls",
        ],
    ),
    ("weir-sdk", &["weir-core", "weir-store", "weir-watch", "weir-fronts", "weir-tls"]),
    ("weir-python", &["weir-core", "weir-sdk"]),
    ("weir-tls", &[]),
    ("weir-testkit", &[]),
];

#[test]
fn crates_depend_only_downward() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version=1", "--offline", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let allowed: BTreeMap<_, _> = ALLOWED.iter().copied().collect();
    let mut wrong = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let Some(may) = allowed.get(name) else {
            wrong.push(format!("{name} is not in the list of crates"));
            continue;
        };
        for dependency in package["dependencies"].as_array().unwrap() {
            let on = dependency["name"].as_str().unwrap();
            let only_tests = dependency["kind"] == "dev" && on == "weir-testkit";
            if on.starts_with("weir") && !only_tests && !may.contains(&on) {
                wrong.push(format!("{name} -> {on}"));
            }
        }
    }
    assert!(wrong.is_empty(), "wrong edges between crates: {}", wrong.join(", "));
}
