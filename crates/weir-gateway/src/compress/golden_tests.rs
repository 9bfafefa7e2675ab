//! Runs every file of `golden/compress/`: `input` (`{"chat": ...}`, `{"system": ..., "messages": ...}` or
//! `{"prompt": ...}`), `options`, and byte by byte the `output` (`system` and `main`, each absent where it stays) with
//! its `report`. `WEIR_BLESS=1` rewrites the last two.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Compressed, Input, compress};
use crate::config::CompressConfig;

#[derive(Deserialize)]
struct Case {
    about: String,
    options: Box<RawValue>,
    input: BTreeMap<String, Box<RawValue>>,
    #[serde(default)]
    output: BTreeMap<String, Box<RawValue>>,
    report: Option<Box<RawValue>>,
}

fn run(case: &Case) -> Compressed {
    let options: CompressConfig = serde_json::from_str(case.options.get()).unwrap();
    let get = |name: &str| case.input.get(name).map(|raw| raw.get());
    let input = match (get("chat"), get("prompt"), get("messages")) {
        (Some(messages), None, None) => Input::Chat(messages),
        (None, Some(prompt), None) => Input::Prompt(prompt),
        (None, None, Some(messages)) => Input::Messages { system: get("system"), messages },
        other => panic!("one kind of input, not {other:?}"),
    };
    compress(input, "gpt-4o", &options).unwrap()
}

fn rewritten(case: &Case, done: &Compressed) -> String {
    let mut text = String::from("{\n");
    let list = |members: Vec<String>| format!("{{\n    {}\n  }}", members.join(",\n    "));
    let input = case.input.iter().map(|(name, raw)| format!("\"{name}\": {}", raw.get())).collect();
    let output = [("system", &done.system), ("main", &done.main)];
    let output = output.iter().filter_map(|(name, text)| Some(format!("\"{name}\": {}", text.as_ref()?))).collect();
    let report = serde_json::to_string_pretty(&done.report).unwrap().replace('\n', "\n  ");
    let about = serde_json::Value::from(case.about.as_str());
    writeln!(text, "  \"about\": {about},\n  \"options\": {},", case.options.get()).unwrap();
    writeln!(text, "  \"input\": {},\n  \"output\": {},", list(input), list(output)).unwrap();
    writeln!(text, "  \"report\": {report}\n}}").unwrap();
    text
}

#[test]
fn golden() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/compress");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 10, "only {} cases", files.len());
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let case: Case = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let done = run(&case);
        if std::env::var_os("WEIR_BLESS").is_some() {
            fs::write(&file, rewritten(&case, &done)).unwrap();
            continue;
        }
        let expected = |name: &str| case.output.get(name).map(|raw| raw.get().to_owned());
        assert_eq!(done.main, expected("main"), "{}", file.display());
        assert_eq!(done.system, expected("system"), "{}", file.display());
        let report: serde_json::Value = serde_json::from_str(case.report.as_ref().unwrap().get()).unwrap();
        assert_eq!(serde_json::to_value(&done.report).unwrap(), report, "{}", file.display());
    }
}
