//! Golden spans: `golden/otlp/DIALECT/CASE.otlp.json` in, `CASE.spans.json` out. `WEIR_BLESS=1` writes them. And what
//! holds of any span whatever.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use weir_core::span::Span;

use super::super::decode::{self, Encoding};
use super::map;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/otlp");

/// A span as people read it: what is JSON within texts is shown as JSON.
fn shown(span: &Span) -> Value {
    let mut shown = serde_json::to_value(span).unwrap();
    let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    shown["details"] = parse(span.details.as_deref().unwrap());
    let attributes = span.attributes.iter().map(|(name, json)| (name.clone(), parse(json)));
    shown["attributes"] = Value::Object(attributes.collect());
    shown
}

fn cases() -> Vec<PathBuf> {
    let folders = std::fs::read_dir(GOLDEN).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let files = folders.flat_map(|folder| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
    let mut cases: Vec<_> = files.filter(|path| path.to_str().unwrap().ends_with(".otlp.json")).collect();
    cases.sort();
    cases
}

#[test]
fn golden_spans() {
    let bless = std::env::var_os("WEIR_BLESS").is_some();
    let cases = cases();
    assert!(cases.len() >= 40, "{}", cases.len());
    let mut stale = Vec::new();
    for path in cases {
        let decoded = decode::traces(&std::fs::read(&path).unwrap(), Encoding::Json).unwrap();
        assert_eq!(decoded.rejected.count, 0, "{}", path.display());
        let spans: Vec<_> = decoded.items.into_iter().map(|wire| shown(&map(wire).span)).collect();
        let made = serde_json::to_string_pretty(&json!(spans)).unwrap() + "\n";
        let held = path.to_str().unwrap().replace(".otlp.json", ".spans.json");
        if bless {
            std::fs::write(&held, &made).unwrap();
        }
        if std::fs::read_to_string(&held).unwrap_or_default() != made {
            stale.push(Path::new(&held).file_name().unwrap().to_owned());
        }
    }
    assert!(stale.is_empty(), "other spans come of it; run WEIR_BLESS=1 cargo test -p weir-fronts: {stale:?}");
}
