//! Phone numbers, conservatively: ids, times, dates and decimals must stay.
//!
//! - international: `+` and 8 to 15 digits (ITU-T E.164), or `00` and groups;
//! - North America: `(NXX) NXX-XXXX`, `NXX-NXX-XXXX`, `NXX.NXX.XXXX`, each also after `1` (NANP; N is 2 to 9);
//! - national with a trunk `0` in the groups of France (`01 23 45 67 89`), Australia (`02 1234 5678`) and of countries
//!   with area codes of 3 to 5 digits (`030 1234567`, `020 7946 0958`, `0171/123456`).
//!
//! Digits without any separator count only after `+`.

use super::chars::{before, is_word, run_end};
use super::hits::{Hit, Label};

/// Most groups of one number.
const MOST: usize = 8;

/// Groups of digits that may be one number.
#[derive(Default)]
struct Groups {
    /// Start and end of each group.
    at: [(usize, usize); MOST],
    count: usize,
}

impl Groups {
    /// The groups from the digit at `start`, joined by one of ` -./` or by a parenthesis with a space or dash.
    fn read(text: &[u8], start: usize) -> Self {
        let mut groups = Self::default();
        let mut from = start;
        for place in &mut groups.at {
            let end = run_end(text, from, |b| b.is_ascii_digit());
            if text.get(end).copied().is_some_and(is_word) {
                break;
            }
            *place = (from, end);
            groups.count += 1;
            let joint = match text.get(end..) {
                Some([b')', b' ' | b'-', d, ..] | [b' ' | b'-', b'(', d, ..]) if d.is_ascii_digit() => 2,
                Some([b' ' | b'-' | b'.' | b'/' | b')' | b'(', d, ..]) if d.is_ascii_digit() => 1,
                _ => break,
            };
            from = end + joint;
        }
        groups
    }

    fn all(&self) -> &[(usize, usize)] {
        self.at.get(..self.count).unwrap_or_default()
    }
}

/// The number whose first group of digits begins at `start`, where another number may stand before it only if a space
/// is between.
pub(super) fn at(text: &[u8], start: usize) -> Option<Hit> {
    let prefix = before(text, start).filter(|b| matches!(b, b'+' | b'('));
    let from = start - usize::from(prefix.is_some());
    let previous = before(text, from);
    let continues = previous.is_some_and(is_word)
        || (matches!(previous, Some(b'-' | b'.' | b'/' | b',' | b':' | b'+'))
            && before(text, from - 1).is_some_and(|b| b.is_ascii_digit()));
    let groups = Groups::read(text, start);
    let groups = groups.all();
    if continues || groups.is_empty() {
        return None;
    }
    let end = if prefix == Some(b'+') { international(text, groups) } else { national(text, groups) }?;
    let opened = prefix == Some(b'(') && !text.get(start..end)?.contains(&b')');
    Some(Hit::new(if opened { start } else { from }, end, Label::PHONE))
}

fn international(text: &[u8], groups: &[(usize, usize)]) -> Option<usize> {
    let first = text.get(groups.first()?.0)?;
    if *first == b'0' {
        return None;
    }
    let mut digits = 0;
    let mut end = None;
    for group in groups {
        digits += group.1 - group.0;
        if digits > 15 {
            break;
        }
        if digits >= 8 {
            end = Some(group.1);
        }
    }
    end
}

fn national(text: &[u8], groups: &[(usize, usize)]) -> Option<usize> {
    let head = text.get(groups.first()?.0..)?;
    match head {
        [b'0', b'0', b'1'..=b'9', ..] => {
            let digits: usize = groups.iter().map(|g| g.1 - g.0).sum();
            let ends = groups.last()?.1;
            (groups.len() >= 3 && (11..=17).contains(&digits) && !goes_on(text, ends)).then_some(ends)
        }
        [b'0', b'1'..=b'9', ..] => trunk(text, groups),
        _ => north_america(text, groups),
    }
}

fn trunk(text: &[u8], groups: &[(usize, usize)]) -> Option<usize> {
    let len = |at: usize| groups.get(at).map_or(0, |g| g.1 - g.0);
    let shape = [len(0), len(1), len(2), len(3), len(4)];
    let count = match shape {
        [2, 2, 2, 2, 2] => 5,
        [2, 4, 4, ..] => 3,
        [3..=5, ..] => {
            // As many groups as make 9 to 12 digits; a dot joins decimals and versions, not these.
            let mut digits = len(0);
            let mut fits = 0;
            for (at, group) in groups.iter().enumerate().skip(1).take(4) {
                digits += len(at);
                if text.get(group.0 - 1) == Some(&b'.') || len(at) < 2 {
                    break;
                }
                if (9..=12).contains(&digits) {
                    fits = at + 1;
                }
            }
            fits
        }
        _ => 0,
    };
    let end = groups.get(count.checked_sub(1)?)?.1;
    (!goes_on(text, end)).then_some(end)
}

fn north_america(text: &[u8], groups: &[(usize, usize)]) -> Option<usize> {
    let groups = match groups {
        [(start, end), rest @ ..] if end - start == 1 && text.get(*start) == Some(&b'1') => rest,
        _ => groups,
    };
    let [area, exchange, line, ..] = groups else {
        return None;
    };
    let n = |g: &(usize, usize)| text.get(g.0).is_some_and(|d| (b'2'..=b'9').contains(d));
    let shape = [area, exchange, line].map(|g| g.1 - g.0) == [3, 3, 4] && n(area) && n(exchange);
    // Three numbers in a row are no phone number: something but spaces must join the groups.
    let joint = (text.get(area.1)?, text.get(line.0 - 1)?);
    let joined = matches!(joint, (b')', b' ' | b'-' | b'.') | (b'-', b'-') | (b'.', b'.') | (b' ', b'-'));
    (shape && joined && !goes_on(text, line.1)).then_some(line.1)
}

/// Whether digits go on after a number, so that it is a part of something else.
fn goes_on(text: &[u8], end: usize) -> bool {
    matches!(text.get(end..), Some([b'-' | b'.' | b'/' | b':' | b',', d, ..]) if d.is_ascii_digit())
}
