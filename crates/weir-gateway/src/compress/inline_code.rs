//! Inline code of Markdown: between two runs of backticks of the same length.

use std::collections::HashMap;
use std::ops::Range;

/// A run of backticks.
struct Run {
    start: usize,
    length: usize,
    /// A backslash before it takes its first backtick out of it where it would open a span, not where it closes one.
    escaped: bool,
}

/// Where inline code stands in a paragraph, in order.
pub(super) fn spans(text: &str) -> Vec<Range<usize>> {
    let runs = runs(text.as_bytes());
    let mut spans = Vec::new();
    let mut at = 0;
    let mut closers: HashMap<usize, Vec<usize>> = HashMap::new();
    for (index, run) in runs.iter().enumerate().rev() {
        closers.entry(run.length).or_default().push(index);
    }
    while let Some(run) = runs.get(at) {
        let opens = run.length - usize::from(run.escaped);
        let closer = closers.get_mut(&opens).filter(|_| opens > 0).and_then(|left| {
            while left.last().is_some_and(|index| *index <= at) {
                left.pop();
            }
            left.last().copied()
        });
        match closer.and_then(|index| runs.get(index).map(|close| (index, close))) {
            Some((index, close)) => {
                spans.push(run.start..close.start + close.length);
                at = index + 1;
            }
            None => at += 1,
        }
    }
    spans
}

fn runs(text: &[u8]) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| memchr::memchr(b'`', rest)) {
        let start = at + found;
        let length = text[start..].iter().take_while(|b| **b == b'`').count();
        let backslashes = text[at..start].iter().rev().take_while(|b| **b == b'\\').count();
        runs.push(Run { start, length, escaped: backslashes % 2 == 1 });
        at = start + length;
    }
    runs
}

/// Whether a range touches one of the spans.
pub(super) fn overlaps(spans: &[Range<usize>], range: &Range<usize>) -> bool {
    let next = spans.partition_point(|span| span.end <= range.start);
    spans.get(next).is_some_and(|span| span.start < range.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_need_runs_of_one_length() {
        let found = |text: &str| spans(text).into_iter().map(|span| text[span].to_owned()).collect::<Vec<_>>();
        assert_eq!(found("a `b` c ``d ` e`` `f"), ["`b`", "``d ` e``"]);
        assert_eq!(found(r"\` not `b  c` x"), ["`b  c`"]);
        assert_eq!(found(r"`a\` b"), [r"`a\`"]);
        assert_eq!(found("no code"), [""; 0]);
    }

    #[test]
    fn unclosed_runs_are_cheap() {
        let text: String = (1..1_200).map(|length| "`".repeat(length) + " ").collect();
        assert!(spans(&text).is_empty());
        assert_eq!(spans(&"` ".repeat(100_000)).len(), 50_000);
    }
}
