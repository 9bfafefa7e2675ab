//! How much a sentence matters.
//!
//! A sentence's score is a sum of features, each from 0 to 1, as in MEAD (Radev, Jing, Styś and Tam, "Centroid-based
//! summarization of multiple documents", 2004), with the overlap with the question in the place of the overlap with the
//! first sentence:
//!
//! ```text
//! score = 0.40 question + 0.30 centroid + 0.15 density + 0.10 position + 0.05 recency
//!
//! question  Σ idf(w) over the words that the sentence shares with the last user turn, over the largest such sum
//! centroid  Σ (1 + ln tf(w)) idf(w) over its distinct words, over √(their number), over the largest such value
//! density   the share of its words that have a digit or begin large without beginning it: numbers and names
//! position  1 for the first sentence of its text, falling evenly towards 0
//! recency   1 for the last message, falling evenly towards 0
//! idf(w)    ln(1 + n / df(w)), with n sentences, df of which have the word (Spärck Jones 1972)
//! tf(w)     occurrences in all sentences (Luhn 1958: what a text repeats is what it is about)
//! ```
//!
//! Words are runs of letters and digits, in lower case; ideographs and kana are words each. No list of stop words is
//! needed, as words of every sentence weigh least. The weights were set by hand. Invariant: equal input, equal scores.

use std::collections::HashMap;

/// A sentence and where it stands.
pub(super) struct Sentence<'t> {
    /// Its text.
    pub text: &'t str,
    /// 1 for the first of its text, falling to 0.
    pub position: f64,
    /// 1 for the last message, falling to 0.
    pub recency: f64,
}

/// A sentence's words.
struct Words {
    /// Distinct ones.
    ids: Vec<usize>,
    density: f64,
}

/// The scores of sentences, given what was asked.
pub(super) fn scores<'t>(sentences: &[Sentence<'t>], question: impl IntoIterator<Item = &'t str>) -> Vec<f64> {
    let mut vocabulary = Vocabulary::default();
    let read: Vec<Words> = sentences.iter().map(|sentence| vocabulary.read(sentence.text)).collect();
    let asked = vocabulary.asked(question);
    let idf: Vec<f64> = vocabulary.df.iter().map(|df| (1.0 + sentences.len() as f64 / f64::from(*df)).ln()).collect();
    let question: Vec<f64> =
        read.iter().map(|words| words.ids.iter().filter(|id| asked[**id]).map(|id| idf[*id]).sum()).collect();
    let weight = |id: &usize| (1.0 + f64::from(vocabulary.tf[*id]).ln()) * idf[*id];
    let centroid: Vec<f64> = read
        .iter()
        .map(|words| words.ids.iter().map(weight).sum::<f64>() / (words.ids.len().max(1) as f64).sqrt())
        .collect();
    let (most_asked, most_central) = (largest(&question), largest(&centroid));
    let features = sentences.iter().zip(read.iter().zip(question.iter().zip(&centroid)));
    features
        .map(|(sentence, (words, (question, centroid)))| {
            0.40 * question / most_asked
                + 0.30 * centroid / most_central
                + 0.15 * words.density
                + 0.10 * sentence.position
                + 0.05 * sentence.recency
        })
        .collect()
}

/// The largest value, or 1 where all are 0.
fn largest(values: &[f64]) -> f64 {
    let most = values.iter().copied().fold(0.0, f64::max);
    if most > 0.0 { most } else { 1.0 }
}

/// All words, numbered as they come.
#[derive(Default)]
struct Vocabulary {
    ids: HashMap<String, usize>,
    tf: Vec<u32>,
    df: Vec<u32>,
}

impl Vocabulary {
    fn read(&mut self, text: &str) -> Words {
        let mut ids = Vec::new();
        let mut notable = 0_usize;
        words(text, |word, large| {
            notable += usize::from((large && !ids.is_empty()) || word.bytes().any(|b| b.is_ascii_digit()));
            let id = match self.ids.get(word) {
                Some(id) => *id,
                None => {
                    self.ids.insert(word.to_owned(), self.tf.len());
                    self.tf.push(0);
                    self.df.push(0);
                    self.tf.len() - 1
                }
            };
            self.tf[id] = self.tf[id].saturating_add(1);
            ids.push(id);
        });
        let density = notable as f64 / ids.len().max(1) as f64;
        ids.sort_unstable();
        ids.dedup();
        for id in &ids {
            self.df[*id] = self.df[*id].saturating_add(1);
        }
        Words { ids, density }
    }

    /// Which of the words were asked.
    fn asked<'t>(&self, question: impl IntoIterator<Item = &'t str>) -> Vec<bool> {
        let mut asked = vec![false; self.tf.len()];
        for text in question {
            words(text, |word, _| {
                if let Some(id) = self.ids.get(word) {
                    asked[*id] = true;
                }
            });
        }
        asked
    }
}

/// Hands over each word in lower case, and whether it begins large.
fn words(text: &str, mut each: impl FnMut(&str, bool)) {
    let mut word = String::new();
    let mut large = false;
    for c in text.chars() {
        let alone = matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}');
        if (alone || !c.is_alphanumeric()) && !word.is_empty() {
            each(&word, large);
            word.clear();
        }
        if c.is_alphanumeric() {
            if word.is_empty() {
                large = c.is_uppercase();
            }
            word.extend(c.to_lowercase());
            if alone {
                each(&word, false);
                word.clear();
            }
        }
    }
    if !word.is_empty() {
        each(&word, large);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(texts: &[&str], question: &str) -> Vec<usize> {
        let sentences: Vec<_> = texts.iter().map(|text| Sentence { text, position: 0.0, recency: 0.0 }).collect();
        let scores = scores(&sentences, [question]);
        assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)), "{scores:?}");
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
        order
    }

    #[test]
    fn what_was_asked_counts_most() {
        let texts = ["The journal is drained by two threads.", "It rains.", "A weir measures the flow of a river."];
        assert_eq!(order(&texts, "How does a weir measure the river?")[0], 2);
        assert_eq!(order(&texts, "What drains the JOURNAL?")[0], 0);
    }

    #[test]
    fn names_and_numbers_outweigh_filler() {
        let texts = ["This is what it is and that is that.", "On 3 May Ada Lovelace paid 120 pounds to Charles."];
        assert_eq!(order(&texts, ""), [1, 0]);
    }

    #[test]
    fn words_of_all_scripts() {
        let mut found = Vec::new();
        words("Über x2, 日本go!", |word, large| found.push((word.to_owned(), large)));
        let expected = [("über", true), ("x2", false), ("日", false), ("本", false), ("go", false)];
        assert_eq!(found, expected.map(|(word, large)| (word.to_owned(), large)));
        assert!(scores(&[], [""]).is_empty());
    }
}
