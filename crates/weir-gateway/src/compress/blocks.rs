//! A text as blocks of lines: blank lines, paragraphs, code, bare JSON.
//!
//! What is code is decided generously, because code is not touched: everything within a fence (` ``` ` or `~~~`, also
//! indented, quoted or in a list, and to the end of the text where it is not closed), and every line indented by four
//! columns or a tab, also where Markdown would take it for the continuation of a list.
//!
//! Invariant: the blocks cover the text without holes; each but the last ends after a line break.

use std::ops::Range;

use super::bare_json::Finder;

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Lines of nothing but whitespace.
    Blank,
    /// Lines without a blank one between.
    Paragraph,
    /// A fenced code block with its fences, or indented code.
    Code,
    /// A JSON object or array that begins on a line of its own and ends one.
    Json,
}

/// Some lines of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// What it is.
    pub kind: Kind,
    /// Where it stands, its last line break included.
    pub range: Range<usize>,
}

/// Cuts a text into blocks.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let mut all: Vec<Block> = Vec::new();
    let mut json = Finder::new(text);
    let mut at = 0;
    while at < text.len() {
        let end = line_end(text, at);
        let line = &text[at..end];
        let (kind, end) = if line.trim().is_empty() {
            (Kind::Blank, end)
        } else if let Some(fence) = Fence::opened_by(line) {
            (Kind::Code, fence.end(text, end))
        } else if is_indented(line) {
            (Kind::Code, indented_end(text, end))
        } else if let Some(end) = json.end(at) {
            (Kind::Json, end)
        } else {
            (Kind::Paragraph, end)
        };
        match all.last_mut() {
            Some(last) if last.kind == kind && matches!(kind, Kind::Blank | Kind::Paragraph) => last.range.end = end,
            _ => all.push(Block { kind, range: at..end }),
        }
        at = end;
    }
    all
}

/// The position after the line that holds `at`.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    memchr::memchr(b'\n', &text.as_bytes()[at..]).map_or(text.len(), |found| at + found + 1)
}

/// Whether a line begins with four columns of whitespace.
fn is_indented(line: &str) -> bool {
    let spaces = line.bytes().take_while(|b| *b == b' ').count();
    spaces >= 4 || line.as_bytes().get(spaces) == Some(&b'\t')
}

/// The end of indented code of which a line ends at `at`; blank lines belong to it only within.
fn indented_end(text: &str, at: usize) -> usize {
    let (mut end, mut next) = (at, at);
    while next < text.len() {
        let line_end = line_end(text, next);
        let line = &text[next..line_end];
        let blank = line.trim().is_empty();
        if !blank && (!is_indented(line) || Fence::opened_by(line).is_some()) {
            break;
        }
        next = line_end;
        if !blank {
            end = next;
        }
    }
    end
}

/// What opened a fenced code block.
struct Fence {
    mark: char,
    length: usize,
}

impl Fence {
    fn opened_by(line: &str) -> Option<Self> {
        let start = after_containers(line);
        let mark = start.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let info = start.trim_start_matches(mark);
        let length = start.len() - info.len();
        // "```x```" on one line is inline code.
        (length >= 3 && !(mark == '`' && info.contains('`'))).then_some(Self { mark, length })
    }

    fn end(&self, text: &str, mut at: usize) -> usize {
        while at < text.len() {
            let end = line_end(text, at);
            let line = text[at..end].trim_start_matches([' ', '\t', '>']).trim_end();
            at = end;
            if line.len() >= self.length && line.trim_start_matches(self.mark).is_empty() {
                break;
            }
        }
        at
    }
}

/// A line without the marks of quotes and list items before its text.
fn after_containers(line: &str) -> &str {
    let mut rest = line.trim_start_matches([' ', '\t']);
    loop {
        let inner = match rest.strip_prefix('>') {
            Some(quoted) => quoted,
            None => match after_bullet(rest) {
                Some(item) => item,
                None => return rest,
            },
        };
        rest = inner.trim_start_matches([' ', '\t']);
    }
}

/// What follows the mark of a list item.
pub(super) fn after_bullet(line: &str) -> Option<&str> {
    let digits = line.bytes().take(10).take_while(u8::is_ascii_digit).count();
    let rest = line.get(digits..)?;
    let rest = if digits > 0 { rest.strip_prefix(['.', ')'])? } else { rest.strip_prefix(['-', '*', '+'])? };
    rest.starts_with([' ', '\t']).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(Kind, &str)> {
        blocks(text).into_iter().map(|block| (block.kind, &text[block.range])).collect()
    }

    #[test]
    fn blocks_cover_the_text() {
        use Kind::{Blank, Code, Json, Paragraph};
        let text =
            "One\ntwo\n\n \n```rust\nx\n\n```\n{\"a\": 1,\n    \"b\": 2}\nThree\n    code\n\n\tmore\n\n1. ```\n[1]\n";
        let expected = vec![
            (Paragraph, "One\ntwo\n"),
            (Blank, "\n \n"),
            (Code, "```rust\nx\n\n```\n"),
            (Json, "{\"a\": 1,\n    \"b\": 2}\n"),
            (Paragraph, "Three\n"),
            (Code, "    code\n\n\tmore\n"),
            (Blank, "\n"),
            (Code, "1. ```\n[1]\n"),
        ];
        assert_eq!(kinds(text), expected);
    }

    #[test]
    fn fences_close_with_their_own_mark() {
        let text = "~~~~\n~~~\n```\n~~~~~  \nafter";
        assert_eq!(kinds(text), [(Kind::Code, "~~~~\n~~~\n```\n~~~~~  \n"), (Kind::Paragraph, "after")]);
        assert_eq!(kinds("> ```\n> x\n> ```\nafter").len(), 2);
        assert_eq!(kinds("```inline``` code")[0].0, Kind::Paragraph);
    }
}
