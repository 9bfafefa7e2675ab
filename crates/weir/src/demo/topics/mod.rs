//! What is asked and answered: the texts of a shop for electric bicycles, by department.

mod billing;
mod sales;
mod support;

use super::chance::Chance;

pub(super) use billing::BILLING;
pub(super) use sales::SALES;
pub(super) use support::SUPPORT;

/// Characters of a token, about.
pub(super) const CHARACTERS_PER_TOKEN: usize = 4;

const OPENINGS: &[&str] = &[
    "Thank you for writing to us. ",
    "Good question. ",
    "Sure, I can help with that. ",
    "Thanks for the details. ",
    "I am sorry for the trouble. ",
    "I have looked into this for you. ",
    "",
];

const CLOSINGS: &[&str] = &[
    "Is there anything else I can do for you?",
    "Please write again if this does not solve it.",
    "You will get a confirmation by e-mail.",
    "We are here until 20:00 if you would rather call.",
    "Have a good ride!",
];

/// What is said where an answer explains every step.
const STEPS: &[&str] = &[
    "First, I read the order and its payments line by line.",
    "Second, I compared the date of delivery with the date of your message.",
    "Third, I checked which of our terms apply to this kind of article.",
    "Fourth, I looked for earlier refunds on the same order and found none that matter here.",
    "Fifth, I weighed what our terms say against the circumstances that you describe.",
    "Sixth, I worked out the amount including the cost of shipping and the share of the voucher.",
    "Seventh, I made sure that the account for the refund is the one that the payment came from.",
    "For completeness, this is what each of these steps means for you in detail.",
    "The terms distinguish between articles that were ridden and articles that were only unpacked.",
    "Since the article was ridden less than 20 kilometres, it still counts as unpacked.",
    "The voucher is divided over the articles of an order in proportion to their price.",
    "Shipping is refunded in full only when the whole order goes back, and in part otherwise.",
    "A refund to a card takes the bank two to five days, to an account one to two.",
    "Should the amount differ from what you expected, the difference is explained in the credit note.",
    "To be transparent, I also note which alternatives I considered and why I rejected them.",
    "One alternative was an exchange, which you did not ask for and which would take longer.",
    "Another was a partial refund, which our terms only foresee for traces of use.",
    "I therefore conclude that the decision above is the right one under our terms.",
];

/// A subject that people write about.
pub(super) struct Topic {
    /// Its name, as the classifier says it.
    pub(super) name: &'static str,
    /// What customers write, turn by turn.
    pub(super) questions: &'static [&'static str],
    /// Sentences that answers are made of.
    pub(super) facts: &'static [&'static str],
    /// Articles of the help centre: title and text.
    pub(super) articles: &'static [(&'static str, &'static str)],
}

impl Topic {
    /// What a customer writes in a turn.
    pub(super) fn question(&self, turn: usize, order: &str, chance: &mut Chance) -> String {
        let place = (turn + chance.below(2)) % self.questions.len().max(1);
        self.questions.get(place).map_or_else(String::new, |text| text.replace("{order}", order))
    }

    /// An answer of about so many tokens, as far as there is something to say.
    pub(super) fn answer(&self, tokens: f64, every_step: bool, order: &str, chance: &mut Chance) -> String {
        let characters = (tokens * CHARACTERS_PER_TOKEN as f64) as usize;
        let mut text = String::with_capacity(characters + 160);
        text.push_str(chance.one(OPENINGS));
        let first = chance.below(self.facts.len());
        let facts = self.facts.iter().cycle().skip(first).take(self.facts.len());
        let steps = STEPS.iter().take(if every_step { STEPS.len() } else { 0 });
        for sentence in facts.chain(steps) {
            text.push_str(&sentence.replace("{order}", order));
            text.push(' ');
            if text.len() >= characters {
                break;
            }
        }
        text.push_str(chance.one(CLOSINGS));
        text
    }

    /// The articles as context of a prompt.
    pub(super) fn context(&self) -> String {
        let mut text = String::new();
        for (title, body) in self.articles {
            text.push_str("## ");
            text.push_str(title);
            text.push('\n');
            text.push_str(body);
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_can_be_asked_and_answered() {
        let mut chance = Chance::new(3, 0);
        for topic in [SUPPORT, BILLING, SALES].into_iter().flatten() {
            let question = topic.question(0, "V123456", &mut chance);
            assert!(!question.is_empty() && !question.contains("{order}"), "{}", topic.name);
            let answer = topic.answer(120.0, false, "V123456", &mut chance);
            assert!((300..1_200).contains(&answer.len()), "{}: {}", topic.name, answer.len());
            let long = topic.answer(600.0, true, "V123456", &mut chance);
            assert!(long.len() > 2 * answer.len(), "{}: {}", topic.name, long.len());
        }
    }
}
