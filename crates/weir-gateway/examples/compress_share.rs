//! What prompt compression saves on named texts, and what it costs: `cargo run --release -p weir-gateway --example
//! compress_share`.
//!
//! The English is the documentation of the crates that Weir is built from (paragraphs of their doc comments, without
//! headings, examples and lists of links), which is there wherever it is built. Nothing in it was chosen.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};
use weir_gateway::compress::{Input, compress};
use weir_gateway::config::CompressConfig;

const MODEL: &str = "gpt-4o";
const QUESTION: &str = "How is an error reported, and what does the caller have to do about it?";

fn main() {
    let paragraphs = documentation(1 << 20);
    println!(
        "{:<44} {:>8} {:>8} {:>7} {:>7} {:>7} {:>7} {:>7} {:>9}",
        "text", "before", "after", "saved", "space", "repeat", "json", "extract", "ms/call"
    );
    let lossless = CompressConfig { min_tokens: 0, ..Default::default() };
    let half = CompressConfig { target_ratio: Some(0.5), ..lossless.clone() };
    let half_with_code = CompressConfig { include_code: true, ..half.clone() };
    let pages = pages(&paragraphs, 64 << 10);
    row("1 documentation, 64 KiB", &chat(&pages), &lossless);
    row("1 ..., sources as they stand, 64 KiB", &chat(&raw_source(64 << 10)), &lossless);
    row("2 tool result, pretty JSON, 200 rows", &tool_result(), &lossless);
    row("3 RAG, 12 of 40 chunks stand twice", &rag(&paragraphs), &lossless);
    row("4 chat about code, nine tenths code", &code_chat(&paragraphs), &lossless);
    row("1 documentation, half", &chat(&pages), &half);
    row("1 ..., inline code may go", &chat(&pages), &half_with_code);
    row("3 RAG, half", &rag(&paragraphs), &half_with_code);
    row("4 chat about code, half", &code_chat(&paragraphs), &half);
    let long = self::pages(&paragraphs, 1 << 20);
    row("1 MiB of documentation", &chat(&long), &lossless);
    row("1 MiB of documentation, half", &chat(&long), &half_with_code);
    for piece in ["\n", "{", "[\n", "` ", "A word. "] {
        let name = format!("1 MiB of {piece:?}");
        row(&name, &chat(&piece.repeat((1 << 20) / piece.len())), &half_with_code);
    }
}

/// Prints one row; the time is the least of five calls.
fn row(name: &str, messages: &str, config: &CompressConfig) {
    let mut least = f64::MAX;
    let mut done = None;
    for _ in 0..5 {
        let begun = Instant::now();
        done = compress(Input::Chat(messages), MODEL, config).ok();
        least = least.min(begun.elapsed().as_secs_f64() * 1e3);
    }
    let Some(done) = done else {
        println!("{name:<44} left alone");
        return;
    };
    let report = done.report;
    let share = |tokens: u64| format!("{:.1}%", 100.0 * tokens as f64 / report.tokens_before.max(1) as f64);
    let saved = report.saved;
    println!(
        "{name:<44} {:>8} {:>8} {:>7} {:>7} {:>7} {:>7} {:>7} {least:>9.2}{}",
        report.tokens_before,
        report.tokens_after,
        share(report.tokens_before - report.tokens_after),
        share(saved.whitespace),
        share(saved.repeated),
        share(saved.json),
        share(saved.extracted),
        if report.target_missed { "  target missed" } else { "" }
    );
}

/// A text, an answer to it, and a question.
fn chat(text: &str) -> String {
    let user = |text: &str| json!({"role": "user", "content": text});
    Value::from(vec![user(text), json!({"role": "assistant", "content": "I have read it."}), user(QUESTION)])
        .to_string()
}

/// Two hundred rows as a program prints them, with names, numbers, lists and texts.
fn tool_result() -> String {
    let rows: Vec<Value> = (0..200)
        .map(|n| {
            json!({
                "id": 10_000 + n, "name": format!("order-{n}"), "total": f64::from(n) * 1.25, "paid": n % 3 == 0,
                "items": [{"sku": format!("A{n}"), "count": n % 5}, {"sku": format!("B{n}"), "count": 1}],
                "note": "to be delivered to the door at the back"
            })
        })
        .collect();
    let text = serde_json::to_string_pretty(&json!({"rows": rows, "next": null})).unwrap_or_default();
    let call = json!({"role": "assistant", "content": null, "tool_calls": [{"id": "c", "type": "function",
        "function": {"name": "orders", "arguments": "{ }"}}]});
    let result = json!({"role": "tool", "tool_call_id": "c", "content": text});
    Value::from(vec![json!({"role": "user", "content": "Which orders are unpaid?"}), call, result]).to_string()
}

/// Two retrievals in one conversation: 26 chunks of three paragraphs under headings, then 14 of which 12 stood before.
fn rag(paragraphs: &[String]) -> String {
    let chunks: Vec<String> = paragraphs.chunks(3).take(28).map(|chunk| chunk.join("\n\n")).collect();
    let context = |picked: &[usize]| {
        let part = |n: &usize| Some(format!("### Source {n}\n\n{}", chunks.get(*n)?));
        let parts: Vec<String> = picked.iter().filter_map(part).collect();
        json!({"role": "user", "content": format!("Context:\n\n{}", parts.join("\n\n"))})
    };
    let first: Vec<usize> = (0..26).collect();
    let second: Vec<usize> = (7..19).chain(26..28).collect();
    let answer = json!({"role": "assistant", "content": "It is returned to the caller."});
    let question = json!({"role": "user", "content": QUESTION});
    Value::from(vec![context(&first), answer.clone(), context(&second), answer, question]).to_string()
}

/// A chat with this crate's own sources in fences, and a paragraph before each.
fn code_chat(paragraphs: &[String]) -> String {
    let mut messages = Vec::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/compress");
    for (n, file) in sources(&folder).into_iter().take(6).enumerate() {
        let code = fs::read_to_string(file).unwrap_or_default();
        let prose = paragraphs.get(n).map_or("", String::as_str);
        messages.push(json!({"role": "user", "content": format!("{prose}  \n\n```rust\n{code}\n```\n")}));
        messages.push(json!({"role": "assistant", "content": "I have read it."}));
    }
    messages.push(json!({"role": "user", "content": QUESTION}));
    Value::from(messages).to_string()
}

/// Paragraphs until there are so many bytes.
fn pages(paragraphs: &[String], most: usize) -> String {
    let mut text = String::new();
    for paragraph in paragraphs {
        if text.len() + paragraph.len() > most {
            break;
        }
        text.push_str(paragraph);
        text.push_str("\n\n");
    }
    text
}

/// Doc comments as they stand, with their lines, lists and examples.
fn raw_source(most: usize) -> String {
    let mut text = String::new();
    for file in crates() {
        for line in fs::read_to_string(file).unwrap_or_default().lines().map(str::trim) {
            if let Some(line) = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")) {
                text.push_str(line.strip_prefix(' ').unwrap_or(line));
                text.push('\n');
            }
        }
        text.push('\n');
        if text.len() > most {
            break;
        }
    }
    text
}

/// Paragraphs of doc comments, each once, in the order of the crates' names.
fn documentation(most: usize) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let mut size = 0;
    for file in crates() {
        let text = fs::read_to_string(file).unwrap_or_default();
        let (mut words, mut fenced) = (String::new(), false);
        for line in text.lines().map(str::trim).chain([""]) {
            let doc = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")).map(str::trim);
            fenced = doc.is_some_and(|doc| fenced != doc.starts_with("```"));
            match doc {
                Some(doc) if !doc.is_empty() && !fenced && !doc.starts_with(['#', '[', '|', '<', '`']) => {
                    words.push_str(doc);
                    words.push(' ');
                }
                _ => {
                    let paragraph = std::mem::take(&mut words).trim().to_owned();
                    if paragraph.len() > 120 && seen.insert(paragraph.clone()) {
                        size += paragraph.len();
                        all.push(paragraph);
                    }
                }
            }
        }
        if size > most {
            break;
        }
    }
    all
}

/// The sources of the crates on this machine.
fn crates() -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cargo"))).unwrap_or_default();
    let registries = fs::read_dir(home.join("registry/src")).into_iter().flatten().flatten();
    registries.flat_map(|registry| sources(&registry.path())).collect()
}

/// All Rust files below a folder, in order, at most 50,000.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop().filter(|_| found.len() < 50_000) {
        let mut entries: Vec<_> =
            fs::read_dir(next).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        entries.sort();
        found.extend(entries.iter().filter(|path| path.extension().is_some_and(|e| e == "rs")).cloned());
        open.extend(entries.into_iter().rev().filter(|path| path.is_dir()));
    }
    found
}
