//! Blocks that stand again: the first one is kept, later ones become a mark with the first words of it.
//!
//! Blocks are equal when they are so byte for byte after whitespace is tidied. A run of blocks that stood in the same
//! order becomes one mark; within a run, short ones count too. A mark names its block by the fewest first words that
//! no other block above it begins with; where no number of words does, the block stays.
//!
//! Invariant: a mark is shorter than any block that is replaced, and names one that stays.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use super::blocks::{Kind, blocks};

/// Shorter blocks are not worth a mark. Longer than any mark.
const LEAST_BYTES: usize = 200;
/// Words and bytes that name a block, the shortest name first.
const NAMES: [(usize, usize); 3] = [(6, 48), (12, 80), (24, 112)];

/// What a mark replaces.
pub(super) struct Cut {
    /// Where, in the text that was read.
    pub range: Range<usize>,
    /// The mark.
    pub mark: String,
    /// How many blocks.
    blocks: usize,
}

impl Cut {
    /// As a change of the text.
    pub(super) fn edit(&self) -> (Range<usize>, &str) {
        (self.range.clone(), &self.mark)
    }
}

/// A block that stays.
#[derive(Clone, Copy)]
struct Kept<'t> {
    text: &'t str,
    passage: usize,
    /// Its number within its passage.
    ordinal: usize,
    kind: Kind,
}

/// The blocks read so far.
pub(super) struct Repeats<'t> {
    include_code: bool,
    hasher: RandomState,
    kept: Vec<Kept<'t>>,
    first: HashMap<&'t str, usize>,
    /// The block that begins with a name, by the name's hash; `None` where several do.
    names: HashMap<u64, Option<usize>>,
    referred: HashSet<String>,
    passages: usize,
}

impl<'t> Repeats<'t> {
    /// Nothing read yet.
    pub(super) fn new(include_code: bool) -> Self {
        Self {
            include_code,
            hasher: RandomState::new(),
            kept: Vec::new(),
            first: HashMap::new(),
            names: HashMap::new(),
            referred: HashSet::new(),
            passages: 0,
        }
    }

    /// Reads the next passage, and says what in it can be replaced, if it may be changed.
    pub(super) fn read(&mut self, text: &'t str, editable: bool) -> Vec<Cut> {
        let passage = self.passages;
        self.passages += 1;
        let all: Vec<(Kind, Range<usize>)> = blocks(text)
            .into_iter()
            .filter(|block| block.kind != Kind::Blank)
            .map(|block| (block.kind, block.range.start..block.range.start + text[block.range].trim_end().len()))
            .collect();
        let mut cuts = Vec::new();
        let mut at = 0;
        while let Some((kind, range)) = all.get(at) {
            let found = if editable { self.cut(text, &all[at..]) } else { None };
            if let Some(cut) = found {
                at += cut.blocks;
                cuts.push(cut);
            } else {
                self.keep(Kept { text: &text[range.clone()], passage, ordinal: at, kind: *kind });
                at += 1;
            }
        }
        cuts
    }

    /// The blocks that marks point to.
    pub(super) fn referred(self) -> HashSet<String> {
        self.referred
    }

    fn cut(&mut self, text: &'t str, blocks: &[(Kind, Range<usize>)]) -> Option<Cut> {
        let (kind, range) = blocks.first()?;
        let block = &text[range.clone()];
        if block.len() < LEAST_BYTES || !self.may_go(*kind) {
            return None;
        }
        let first = *self.first.get(block)?;
        let original = *self.kept.get(first)?;
        let name = NAMES
            .into_iter()
            .map(|size| name(block, size))
            .find(|name| self.names.get(&self.hasher.hash_one(name)).is_some_and(|only| *only == Some(first)))?;
        let same = |(at, (kind, range)): &(usize, &(Kind, Range<usize>))| {
            self.kept.get(first + at).is_some_and(|kept| {
                kept.passage == original.passage
                    && kept.ordinal == original.ordinal + at
                    && kept.kind == *kind
                    && self.may_go(*kind)
                    && kept.text == &text[range.clone()]
            })
        };
        let length = blocks.iter().enumerate().take_while(same).count();
        let end = blocks.get(length.checked_sub(1)?)?.1.end;
        let dots = if name.len() < block.len() { "…" } else { "" };
        let after = match length {
            1 => String::new(),
            2 => " and the paragraph after it".to_owned(),
            n => format!(" and the {} paragraphs after it", n - 1),
        };
        let kept = self.kept[first..first + length].iter().map(|kept| kept.text.to_owned());
        self.referred.extend(kept);
        Some(Cut { range: range.start..end, mark: format!("[same as above: \"{name}{dots}\"{after}]"), blocks: length })
    }

    fn may_go(&self, kind: Kind) -> bool {
        self.include_code || kind != Kind::Code
    }

    fn keep(&mut self, block: Kept<'t>) {
        let index = self.kept.len();
        let first = *self.first.entry(block.text).or_insert(index);
        let mut before = None;
        for name in NAMES.into_iter().map(|size| name(block.text, size)) {
            if before.as_ref() == Some(&name) {
                break;
            }
            let only = self.names.entry(self.hasher.hash_one(&name)).or_insert(Some(first));
            if *only != Some(first) {
                *only = None;
            }
            before = Some(name);
        }
        self.kept.push(block);
    }
}

/// The first words of a block.
fn name(block: &str, (words, bytes): (usize, usize)) -> String {
    let mut name = String::with_capacity(bytes);
    for word in block.split_whitespace().take(words) {
        let room = bytes.saturating_sub(name.len() + 1);
        if word.len() > room && !name.is_empty() {
            break;
        }
        if !name.is_empty() {
            name.push(' ');
        }
        name.push_str(&word[..word.floor_char_boundary(room)]);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str]) -> Vec<Vec<String>> {
        let mut repeats = Repeats::new(false);
        texts.iter().map(|text| repeats.read(text, true).into_iter().map(|cut| cut.mark).collect()).collect()
    }

    fn long(words: &str) -> String {
        format!("{words} {}", "and so it goes on ".repeat(14).trim_end())
    }

    #[test]
    fn runs_become_one_mark() {
        let text = format!("{}\n\nshort\n\n{}", long("The first one"), long("The second"));
        let marks = read(&[&text, &text, "short"]);
        let mark = "[same as above: \"The first one and so it…\" and the 2 paragraphs after it]";
        assert_eq!(marks, [vec![], vec![mark.to_owned()], vec![]]);
    }

    #[test]
    fn names_are_unambiguous_or_nothing_is_replaced() {
        let (one, two) = (long("a b c d e f g one"), long("a b c d e f g two"));
        let marks = read(&[&one, &two, &one]);
        assert!(marks[2][0].contains("\"a b c d e f g one and"), "{marks:?}");
        let (one, two) = (long("x") + " one", long("x") + " two");
        assert_eq!(read(&[&one, &two, &one])[2], [""; 0]);
    }

    #[test]
    fn code_stays() {
        let code = format!("```\n{}\n```", long("code"));
        assert_eq!(read(&[&code, &code])[1], [""; 0]);
        let mut repeats = Repeats::new(true);
        assert!(repeats.read(&code, true).is_empty());
        assert_eq!(repeats.read(&code, true).len(), 1);
    }

    #[test]
    fn the_longest_mark_is_shorter_than_the_shortest_block() {
        let name = NAMES[2].1;
        assert!("[same as above: \"…\" and the 1000000 paragraphs after it]".len() + name < LEAST_BYTES);
    }
}
