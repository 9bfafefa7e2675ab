//! Taking out the least relevant sentences until a target is met.
//!
//! Sentences go from the lowest score up; those that stay keep their order, and each gap is marked. The tokens of a
//! sentence are first taken as its share of its text's bytes; then the changed texts are counted, and more is taken
//! where that was too little.
//!
//! Kept besides what [`units`] keeps: sentences shorter than what a gap is worth, and the first one of each message of
//! the assistant.
//!
//! Invariant: the same request and options give the same text; what is no unit stays byte for byte.

mod score;
mod units;

use std::collections::HashSet;
use std::ops::Range;

use super::Counter;
use super::blocks::{Kind, blocks};
use super::passage::Passage;
use super::report::{Collector, What};
use super::request::Request;
use super::splice::replace;
use score::{Sentence, scores};
use units::units;

/// What stands where sentences were.
pub(super) const GAP: &str = "[…]";
/// Tokens that it takes, mostly.
const GAP_TOKENS: f64 = 2.0;
/// Shorter sentences are not worth a gap.
const LEAST_TOKENS: f64 = 2.0 * GAP_TOKENS;
/// Rounds of taking and counting. The amount asked for doubles each time, so that the last is never reached by a text
/// whose tokens are anything like evenly spread.
const ROUNDS: u32 = 16;

/// A sentence that can go.
struct Unit {
    passage: usize,
    range: Range<usize>,
    /// Its share of its text's tokens.
    tokens: f64,
    /// Whether only whitespace is between it and the unit before.
    adjoins: bool,
    gone: bool,
}

/// Takes sentences out until the request has at most `target` tokens. Answers whether it has.
pub(super) fn run(
    request: &mut Request,
    target: u64,
    options: (bool, &HashSet<String>),
    counter: Counter<'_>,
    report: &mut Collector,
) -> bool {
    let before = request.tokens();
    if before <= target {
        return true;
    }
    let mut cutter = Cutter::new(request, options);
    let mut order = cutter.order(request).into_iter();
    let mut total = before;
    for round in 0..ROUNDS {
        let need = (total.saturating_sub(target) as f64) * f64::from(1_u32 << round);
        let took = cutter.take(&mut order, need);
        if !took {
            break;
        }
        total = cutter.apply(request, counter);
        if total <= target {
            break;
        }
    }
    cutter.report(request, report);
    total <= target
}

struct Cutter {
    units: Vec<Unit>,
    /// The text and the tokens of each passage before.
    bases: Vec<(String, u64)>,
}

impl Cutter {
    fn new(request: &Request, (include_code, referred): (bool, &HashSet<String>)) -> Self {
        let mut all: Vec<Unit> = Vec::new();
        for (index, passage) in request.passages.iter().enumerate() {
            if !(passage.rules.editable && passage.rules.extractable) {
                continue;
            }
            let whole = (passage.text.len() + passage.tail.len()).max(1) as f64;
            // What follows the editable part is the question's last paragraph.
            let asks = passage.rules.asks;
            let mut before: Option<usize> = None;
            // An assistant's message keeps its first sentence: one that is nothing but a gap would be imitated.
            let kept = usize::from(!passage.rules.takes_marks);
            for range in units(&passage.text, asks, include_code, referred).into_iter().skip(kept) {
                let tokens = passage.tokens as f64 * range.len() as f64 / whole;
                if tokens < LEAST_TOKENS {
                    continue;
                }
                let adjoins = before.is_some_and(|end| passage.text[end..range.start].trim().is_empty());
                before = Some(range.end);
                all.push(Unit { passage: index, range, tokens, adjoins, gone: false });
            }
        }
        let bases = request.passages.iter().map(|passage| (String::new(), passage.tokens)).collect();
        Self { units: all, bases }
    }

    /// The units' indexes, the least relevant first; of equal ones the later first.
    fn order(&self, request: &Request) -> Vec<usize> {
        let mut per_passage = vec![0_usize; request.passages.len()];
        self.units.iter().for_each(|unit| per_passage[unit.passage] += 1);
        let mut at = 0;
        let mut sentences = Vec::with_capacity(self.units.len());
        for (index, unit) in self.units.iter().enumerate() {
            let first = index == 0 || self.units[index - 1].passage != unit.passage;
            at = if first { 0 } else { at + 1 };
            let passage = &request.passages[unit.passage];
            let position = 1.0 - at as f64 / per_passage[unit.passage].max(1) as f64;
            let recency = passage.message.map_or(1.0, |m| (m + 1) as f64 / request.messages.max(1) as f64);
            sentences.push(Sentence { text: &passage.text[unit.range.clone()], position, recency });
        }
        let scores = scores(&sentences, request.passages.iter().flat_map(question));
        let mut order: Vec<usize> = (0..self.units.len()).collect();
        order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]).then(b.cmp(a)));
        order
    }

    /// Marks units as gone until so many tokens should be. Answers whether there was one.
    fn take(&mut self, order: &mut impl Iterator<Item = usize>, need: f64) -> bool {
        let mut took = 0.0;
        let mut any = false;
        while took < need {
            let Some(index) = order.next() else { break };
            any = true;
            self.units[index].gone = true;
            let left = self.units[index].adjoins && self.units[index - 1].gone;
            let right = self.units.get(index + 1).is_some_and(|next| next.adjoins && next.gone);
            // A gap between two gaps makes one of three.
            let gaps = 1.0 - f64::from(u8::from(left)) - f64::from(u8::from(right));
            took += self.units[index].tokens - GAP_TOKENS * gaps;
        }
        any
    }

    /// Gives the passages their texts without what is gone. Answers the request's tokens then.
    fn apply(&mut self, request: &mut Request, counter: Counter<'_>) -> u64 {
        for (index, gaps) in self.gaps() {
            let (base, tokens) = &mut self.bases[index];
            let passage = &mut request.passages[index];
            if base.is_empty() {
                base.clone_from(&passage.text);
            }
            passage.text = replace(base, gaps.into_iter().map(|gap| (gap, GAP)));
            passage.tokens = passage.count(counter);
            if passage.tokens >= *tokens {
                passage.text.clone_from(base);
                passage.tokens = *tokens;
            }
        }
        request.tokens()
    }

    /// Where sentences are gone, by passage, adjoining ones as one gap.
    fn gaps(&self) -> Vec<(usize, Vec<Range<usize>>)> {
        let mut all: Vec<(usize, Vec<Range<usize>>)> = Vec::new();
        let mut open = false;
        for unit in &self.units {
            if !unit.gone {
                open = false;
                continue;
            }
            match all.last_mut() {
                Some((passage, gaps)) if *passage == unit.passage => match gaps.last_mut() {
                    Some(gap) if open && unit.adjoins => gap.end = unit.range.end,
                    _ => gaps.push(unit.range.clone()),
                },
                _ => all.push((unit.passage, vec![unit.range.clone()])),
            }
            open = true;
        }
        all
    }

    /// Reports each gap, with its share of the tokens that its passage lost.
    fn report(&self, request: &mut Request, report: &mut Collector) {
        for (index, gaps) in self.gaps() {
            let (base, before) = &self.bases[index];
            let passage = &mut request.passages[index];
            let lost = before.saturating_sub(passage.tokens);
            if lost == 0 {
                continue;
            }
            passage.changed = true;
            let bytes: usize = gaps.iter().map(Range::len).sum();
            let (mut seen, mut told) = (0_usize, 0_u64);
            for gap in gaps {
                seen += gap.len();
                let until = (u128::from(lost) * seen as u128 / bytes.max(1) as u128) as u64;
                report.add(passage.message, What::Extracted, until - told, &base[gap]);
                told = until;
            }
        }
    }
}

/// The texts that tell what is asked: all of a turn that stays, or the paragraphs of it that do.
fn question(passage: &Passage) -> Vec<&str> {
    if !passage.rules.asks {
        return Vec::new();
    }
    if !passage.rules.editable {
        return vec![&passage.text];
    }
    let mut texts = vec![&*passage.tail];
    let mut paragraphs = blocks(&passage.text).into_iter().filter(|block| block.kind != Kind::Blank);
    if let Some(first) = paragraphs.next() {
        texts.push(&passage.text[first.range]);
    }
    if let Some(last) = paragraphs.next_back() {
        texts.push(&passage.text[last.range]);
    }
    texts
}
