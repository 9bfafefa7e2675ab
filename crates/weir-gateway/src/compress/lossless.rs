//! The steps that lose nothing: whitespace and bare JSON within each passage, then blocks that stand again.
//!
//! JSON is made small before blocks are compared, so that the same object printed in two ways is found, and so that a
//! second pass finds nothing that the first one made. A passage whose new text has no fewer tokens keeps its old one.

use std::collections::HashSet;
use std::ops::Range;

use super::bare_json::minify;
use super::blocks::{Kind, blocks};
use super::passage::Passage;
use super::repeated::{Cut, Repeats};
use super::report::{Collector, What};
use super::{Counter, whitespace};

/// JSON below this length may be a list marker or a footnote.
const LEAST_JSON: usize = 16;

/// A passage's text without superfluous whitespace.
struct Tidy {
    text: String,
    /// JSON that became smaller: where it stood, and where it stands.
    json: Vec<(Range<usize>, Range<usize>)>,
}

/// Runs the steps over all passages. The answer holds the blocks to which marks point.
pub(super) fn run(
    passages: &mut [Passage],
    include_code: bool,
    counter: Counter<'_>,
    report: &mut Collector,
) -> HashSet<String> {
    let tidied: Vec<Option<Tidy>> = passages.iter().map(|p| p.rules.editable.then(|| tidy(&p.text))).collect();
    let mut repeats = Repeats::new(include_code);
    let mut cuts = Vec::with_capacity(passages.len());
    for (passage, tidied) in passages.iter().zip(&tidied) {
        let text = tidied.as_ref().map_or(&*passage.text, |tidied| &*tidied.text);
        cuts.push(repeats.read(text, passage.rules.editable && passage.rules.takes_marks));
    }
    let referred = repeats.referred();
    let mut changed = Vec::with_capacity(passages.len());
    for (tidied, cuts) in tidied.iter().zip(&cuts) {
        changed.push(tidied.as_ref().map(|tidied| super::splice::replace(&tidied.text, cuts.iter().map(Cut::edit))));
    }
    for (((passage, tidied), cuts), new) in passages.iter_mut().zip(&tidied).zip(&cuts).zip(changed) {
        if let (Some(tidied), Some(new)) = (tidied, new) {
            adopt(passage, new, tidied, cuts, counter, report);
        }
    }
    referred
}

/// Gives a passage its new text, if that is shorter, and reports why.
fn adopt(
    passage: &mut Passage,
    new: String,
    tidied: &Tidy,
    cuts: &[Cut],
    counter: Counter<'_>,
    report: &mut Collector,
) {
    if new == passage.text {
        return;
    }
    let old = std::mem::replace(&mut passage.text, new);
    let tokens = passage.count(counter);
    let Some(saved) = passage.tokens.checked_sub(tokens).filter(|saved| *saved > 0) else {
        passage.text = old;
        return;
    };
    passage.tokens = tokens;
    passage.changed = true;
    let mut explained = 0;
    for (before, after) in &tidied.json {
        let (before, after) = (&old[before.clone()], &tidied.text[after.clone()]);
        let tokens = counter.count(before).saturating_sub(counter.count(after)).min(saved - explained);
        explained += tokens;
        report.add(passage.message, What::Json, tokens, "");
    }
    for cut in cuts {
        let text = &tidied.text[cut.range.clone()];
        let tokens = counter.count(text).saturating_sub(counter.count(&cut.mark)).min(saved - explained);
        explained += tokens;
        report.add(passage.message, What::Repeated, tokens, text);
    }
    if saved > explained {
        report.add(passage.message, What::Whitespace, saved - explained, "");
    }
}

fn tidy(text: &str) -> Tidy {
    let mut tidy = Tidy { text: String::with_capacity(text.len()), json: Vec::new() };
    let blocks = blocks(text);
    if blocks.iter().all(|block| block.kind == Kind::Blank) {
        tidy.text.push_str(text);
        return tidy;
    }
    for block in blocks {
        let part = &text[block.range.clone()];
        match block.kind {
            Kind::Code => tidy.text.push_str(part),
            Kind::Blank => whitespace::blank(part, &mut tidy.text),
            Kind::Paragraph => whitespace::paragraph(part, &mut tidy.text),
            Kind::Json => {
                let value = part.trim();
                if value.len() < LEAST_JSON {
                    tidy.text.push_str(part);
                    continue;
                }
                let start = tidy.text.len();
                tidy.text.push_str(&part[..part.len() - part.trim_start().len()]);
                tidy.text.push_str(&minify(value));
                if tidy.text.len() - start < part.trim_end().len() {
                    tidy.json.push((block.range, start..tidy.text.len()));
                }
                if part.ends_with('\n') {
                    tidy.text.push('\n');
                }
            }
        }
    }
    tidy
}
