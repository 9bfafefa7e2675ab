//! Whitespace that says nothing to a language model.
//!
//! What goes: spaces, tabs and carriage returns at the ends of lines, all but one of several blank lines, and all but
//! one of several spaces between words. What stays, because it may mean something: the indentation of a line; tabs
//! between words (an empty cell of a table); spaces that align columns, which is assumed of a paragraph in which one
//! column follows a run in at least two lines and half of those that have runs (the cells of Markdown's `|` rows need
//! no alignment); what reads like code without a fence; inline
//! code; and the space at the very end of a text, where a completion goes on. Line breaks stay, hard-wrapped
//! paragraphs too: they may be verses, addresses or logs.
//!
//! Invariant: doing it twice changes nothing more.

use std::collections::HashMap;
use std::ops::Range;

use super::blocks::{after_bullet, line_end};
use super::inline_code::{overlaps, spans};

/// Appends a paragraph without superfluous whitespace.
pub(super) fn paragraph(text: &str, out: &mut String) {
    let code = spans(text);
    let keep_runs = looks_like_code(text) || is_aligned(text, &code);
    for (line, content) in lines(text) {
        let indent = text[line.start..content].len() - text[line.start..content].trim_start().len();
        out.push_str(&text[line.start..line.start + indent]);
        let row = text[line.start..content].trim_start().starts_with('|');
        let mut at = line.start + indent;
        for run in runs(text, at..content) {
            if overlaps(&code, &run) || (keep_runs && !row) {
                continue;
            }
            out.push_str(&text[at..run.start + 1]);
            at = run.end;
        }
        out.push_str(&text[at..content]);
        let rest = &text[content..line.end];
        if rest.is_empty() || overlaps(&code, &(content..line.end)) {
            out.push_str(rest);
        } else if rest.ends_with('\n') {
            out.push('\n');
        } else {
            out.push_str(if rest.trim_start_matches(' ').is_empty() { " " } else { rest });
        }
    }
}

/// Appends what is left of blank lines.
pub(super) fn blank(text: &str, out: &mut String) {
    if text.contains('\n') {
        out.push('\n');
    }
}

/// Whether most lines of a paragraph are such as code has.
pub(super) fn looks_like_code(text: &str) -> bool {
    let (mut all, mut code) = (0_usize, 0_usize);
    for line in text.lines() {
        let words = line.trim();
        all += 1;
        let indented = line.starts_with([' ', '\t']) && after_bullet(words).is_none();
        code += usize::from(indented || words.starts_with('<') || words.ends_with([';', '{', '}', '(', ')', '[', ']']));
    }
    all >= 2 && code * 2 > all
}

/// Each line with its line break, and where its text ends.
fn lines(text: &str) -> impl Iterator<Item = (Range<usize>, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at;
        at = (start < text.len()).then(|| line_end(text, start))?;
        let content = text[start..at].trim_end_matches(['\n', '\r', ' ', '\t']);
        Some((start..at, start + content.len()))
    })
}

/// Runs of two and more spaces.
fn runs(text: &str, within: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut at = within.start;
    std::iter::from_fn(move || {
        let start = at + text[at..within.end].find("  ")?;
        at = start + text[start..within.end].bytes().take_while(|b| *b == b' ').count();
        Some(start..at)
    })
    // Beside a tab, spaces are part of an alignment.
    .filter(|run| !text[..run.start].ends_with('\t') && !text[run.end..].starts_with('\t'))
}

fn is_between_sentences(text: &str, run: &Range<usize>) -> bool {
    run.len() == 2 && text[..run.start].ends_with(['.', '!', '?', ':'])
}

/// Whether spaces align columns: words after a run that begin below each other, or numbers that end so.
fn is_aligned(text: &str, code: &[Range<usize>]) -> bool {
    let mut columns: HashMap<(bool, usize), usize> = HashMap::new();
    let mut with_runs = 0_usize;
    for (line, content) in lines(text) {
        let words = text[line.start..content].trim_start();
        if words.starts_with('|') {
            continue;
        }
        let (mut column, mut at, mut any) = (0, line.start, false);
        for run in runs(text, content - words.len()..content) {
            if overlaps(code, &run) || is_between_sentences(text, &run) {
                continue;
            }
            column += text[at..run.end].chars().count();
            at = run.end;
            any = true;
            *columns.entry((false, column)).or_default() += 1;
            let word = text[at..content].split(' ').next().unwrap_or_default();
            if word.trim_start_matches(['+', '-', '$', '€', '£']).starts_with(|c: char| c.is_ascii_digit()) {
                *columns.entry((true, column + word.chars().count())).or_default() += 1;
            }
        }
        with_runs += usize::from(any);
    }
    columns.values().max().is_some_and(|most| *most >= 2 && most * 2 >= with_runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tidy(text: &str) -> String {
        let mut out = String::new();
        paragraph(text, &mut out);
        let mut again = String::new();
        paragraph(&out, &mut again);
        assert_eq!(out, again);
        out
    }

    #[test]
    fn runs_and_line_ends() {
        assert_eq!(tidy("One  two.   Three \t\r\n  four    five  "), "One two. Three\n  four five ");
        assert_eq!(tidy("Tab\t\tstays  \n"), "Tab\t\tstays\n");
    }

    #[test]
    fn inline_code_and_columns_stay() {
        assert_eq!(tidy("a  `b  c  \nd`  e\n"), "a `b  c  \nd` e\n");
        assert_eq!(tidy("NAME   AGE\nx      1  \ny      2\n"), "NAME   AGE\nx      1\ny      2\n");
        assert_eq!(tidy("|  a   |  b |\n|  c   |    |\n"), "| a | b |\n| c | |\n");
        assert_eq!(tidy("if (x)   {\n  y  = 1;\n}\n"), "if (x)   {\n  y  = 1;\n}\n");
    }
}
