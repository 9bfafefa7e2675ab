//! What can be taken out of a text: its sentences and the items of its lists.
//!
//! Not among them: headings, tables, bare JSON, paragraphs that read like code, those to which a mark points, marks and
//! gaps themselves; and unless told code blocks and sentences with inline code.

use std::collections::HashSet;
use std::ops::Range;

use super::super::blocks::{Kind, after_bullet, blocks, line_end};
use super::super::inline_code::{overlaps, spans};
use super::super::whitespace::looks_like_code;
use super::GAP;

/// Words after which a full stop seldom ends a sentence.
const ABBREVIATIONS: [&str; 14] =
    ["al", "approx", "cf", "dr", "eq", "etc", "fig", "mr", "mrs", "ms", "no", "prof", "st", "vs"];

/// Where the units of a text stand, in order, without the whitespace around them.
pub(super) fn units(text: &str, asks: bool, include_code: bool, referred: &HashSet<String>) -> Vec<Range<usize>> {
    let mut all = blocks(text);
    all.retain(|block| block.kind != Kind::Blank);
    let last = all.len().saturating_sub(1);
    let mut units = Vec::new();
    for (index, block) in all.into_iter().enumerate() {
        let part = text[block.range.clone()].trim_end();
        let range = block.range.start..block.range.start + part.len();
        if (asks && (index == 0 || index == last)) || referred.contains(part) {
            continue;
        }
        match block.kind {
            Kind::Paragraph if !looks_like_code(part) => paragraph(part, range.start, include_code, &mut units),
            Kind::Code if include_code => units.push(range),
            _ => {}
        }
    }
    units
}

fn paragraph(text: &str, start: usize, include_code: bool, units: &mut Vec<Range<usize>>) {
    let code = spans(text);
    let mut add = |range: Range<usize>| {
        let part = &text[range.clone()];
        let words = part.trim_start();
        let range = range.start + (part.len() - words.len())..range.start + part.trim_end().len();
        let stays = words.is_empty() || part.contains(GAP) || part.contains("[same as above: ");
        if !stays && (include_code || !overlaps(&code, &range)) {
            units.push(start + range.start..start + range.end);
        }
    };
    let mut at = 0;
    while at < text.len() {
        let first = text[at..line_end(text, at)].trim_start();
        let item = after_bullet(first).is_some();
        let mut end = line_end(text, at);
        if first.starts_with(['#', '|']) {
            at = end;
            continue;
        }
        while end < text.len() {
            let next = text[end..line_end(text, end)].trim_start();
            if next.starts_with(['#', '|']) || after_bullet(next).is_some() {
                break;
            }
            end = line_end(text, end);
        }
        if item {
            add(at..end);
        } else {
            let mut from = at;
            for to in sentence_ends(&text[at..end]) {
                if !overlaps(&code, &(at + to..at + to + 1)) {
                    add(from..at + to);
                    from = at + to;
                }
            }
            add(from..end);
        }
        at = end;
    }
}

/// The positions after the sentences of a text, except for the last one's.
fn sentence_ends(text: &str) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if !matches!(c, '.' | '!' | '?' | '。' | '！' | '？') {
            continue;
        }
        let closes =
            |c: char| matches!(c, '.' | '!' | '?' | '"' | '\'' | ')' | ']' | '”' | '’' | '»' | '」' | '*' | '_');
        let mut end = at + c.len_utf8();
        while let Some((at, c)) = chars.next_if(|(_, c)| closes(*c)) {
            end = at + c.len_utf8();
        }
        let rest = &text[end..];
        let next = rest.trim_start().chars().next();
        let apart = !c.is_ascii() || rest.starts_with(char::is_whitespace);
        if apart && next.is_some_and(|c| !c.is_lowercase()) && !(c == '.' && is_abbreviated(&text[..at])) {
            ends.push(end);
        }
    }
    ends
}

/// Whether a text before a full stop ends with an initial or an abbreviation.
fn is_abbreviated(before: &str) -> bool {
    let longest = ABBREVIATIONS.iter().map(|word| word.len()).max().unwrap_or(0);
    let word = before.len() - before.bytes().rev().take(longest + 1).take_while(u8::is_ascii_alphabetic).count();
    let word = &before[word..];
    word.len() == 1 || ABBREVIATIONS.iter().any(|known| known.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, asks: bool, include_code: bool) -> Vec<&str> {
        units(text, asks, include_code, &HashSet::new()).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn sentences_and_items() {
        let text = "# Title\nOne, e.g. this by Dr. Who. Two?  \"Three!\" 4 is.\n- item. One\n  more\n- `code`\n\n| a. B | c |\n";
        let expected = ["One, e.g. this by Dr. Who.", "Two?", "\"Three!\"", "4 is.", "- item. One\n  more"];
        assert_eq!(cut(text, false, false), expected);
        assert_eq!(cut("一。二！", false, false), ["一。", "二！"]);
    }

    #[test]
    fn code_and_questions_stay() {
        let text = "Do it.\n\nA `b. C` is. Else.\n\n```\nx\n```\n\nNow. Go.";
        assert_eq!(cut(text, true, false), ["Else."]);
        assert_eq!(cut(text, true, true), ["A `b. C` is.", "Else.", "```\nx\n```"]);
        assert_eq!(cut("A […] b.\n\n{\"a\": 1}", false, true), [""; 0]);
    }
}
