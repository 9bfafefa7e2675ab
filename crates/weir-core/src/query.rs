//! Queries over entities of the catalog (runs, projects, models, ...) and over what is shown in their form: conditions
//! that must all hold, and an order. Parsers of the fronts make them, stores compile them, [`Test::holds`] decides them
//! in memory.
//!
//! Invariants: names are canonical, aliases are resolved by the parser; a test holds only for what is there, except
//! [`Test::Null`]; text compares by its bytes.

use std::cmp::Ordering;

/// What a condition or an order is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A field of the entity itself: `name`, `start_time`.
    Field(&'static str),
    /// The entry of that key in one of the entity's collections: `params`, `lr`.
    Entry(&'static str, String),
    /// A field of anything that the entity refers to: `datasets`, `name`.
    Related(&'static str, &'static str),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// The whole text fits a pattern of `%` (any run) and `_` (one character).
    Like,
    /// The same, of both in lower case.
    ILike,
    /// A regular expression is found in the text.
    RLike,
}

/// A value to compare with.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
}

/// What must hold of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// It compares so with another one.
    Compare(Op, Operand),
    /// It is one of these texts.
    In(Vec<String>),
    /// It is there and none of these texts.
    NotIn(Vec<String>),
    /// It is missing.
    Null,
    /// It is there.
    NotNull,
}

/// One condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// Of what.
    pub target: Target,
    /// What must hold.
    pub test: Test,
}

/// One level of an order. What is missing comes last either way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub target: Target,
    /// Greatest first.
    pub descending: bool,
}

/// A value that a test is put to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Held<'a> {
    /// A text.
    Text(&'a str),
    /// A number; it may be NaN.
    Number(f64),
}

impl Test {
    /// Whether it holds of a value; `None` where there is none.
    #[must_use]
    pub fn holds(&self, held: Option<Held<'_>>) -> bool {
        let Some(held) = held else { return *self == Self::Null };
        let among = |values: &[String]| matches!(held, Held::Text(text) if values.iter().any(|v| v == text));
        match self {
            Self::Null => false,
            Self::NotNull => true,
            Self::In(values) => among(values),
            Self::NotIn(values) => !among(values),
            Self::Compare(op, operand) => compare(*op, held, operand),
        }
    }
}

fn compare(op: Op, held: Held<'_>, operand: &Operand) -> bool {
    match (held, operand) {
        (Held::Text(text), Operand::Text(with)) => match op {
            Op::Like => like(with, text),
            Op::ILike => like(&with.to_lowercase(), &text.to_lowercase()),
            Op::RLike => pattern(with).is_some_and(|pattern| pattern.is_match(text)),
            _ => ordered(op, Some(text.cmp(with.as_str()))),
        },
        (Held::Number(number), Operand::Number(with)) => ordered(op, number.partial_cmp(with)),
        _ => false,
    }
}

/// Whether an order of two values is as an operator wants it; values without an order, NaN, are only unequal.
fn ordered(op: Op, order: Option<Ordering>) -> bool {
    match op {
        Op::Eq => order == Some(Ordering::Equal),
        Op::Ne => order != Some(Ordering::Equal),
        Op::Lt => order == Some(Ordering::Less),
        Op::Le => order.is_some_and(Ordering::is_le),
        Op::Gt => order == Some(Ordering::Greater),
        Op::Ge => order.is_some_and(Ordering::is_ge),
        Op::Like | Op::ILike | Op::RLike => false,
    }
}

/// A regular expression that cannot grow without bound; `None` where the text is none.
#[must_use]
pub fn pattern(text: &str) -> Option<regex::Regex> {
    const SIZE: usize = 1 << 20;
    regex::RegexBuilder::new(text).size_limit(SIZE).build().ok()
}

/// Whether a whole text fits a pattern in which `%` is any run of characters and `_` any one. Takes no longer than their
/// lengths multiplied.
#[must_use]
pub fn like(pattern: &str, text: &str) -> bool {
    let (mut p, mut t) = (pattern, text);
    // Where to go on when what follows the last `%` does not fit: behind it, one character further.
    let mut retry: Option<(&str, &str)> = None;
    loop {
        let mut rest = p.chars();
        match (rest.next(), t.chars().next()) {
            (Some('%'), _) => {
                p = rest.as_str();
                retry = Some((p, t));
                continue;
            }
            (None, None) => return true,
            (Some(wanted), Some(found)) if wanted == '_' || wanted == found => {
                p = rest.as_str();
                t = &t[found.len_utf8()..];
                continue;
            }
            _ => {}
        }
        let Some((behind, from)) = retry else { return false };
        let Some(skipped) = from.chars().next() else { return false };
        t = &from[skipped.len_utf8()..];
        p = behind;
        retry = Some((behind, t));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_whole_texts() {
        for (pattern, text) in
            [("%", ""), ("a%", "a"), ("a%c", "abc"), ("_b_", "äbc"), ("%ab%ab", "abxabab"), ("%%x%", "x"), ("", "")]
        {
            assert!(like(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "ab"), ("_", ""), ("%a", "ab"), ("A%", "ab"), ("", "a"), ("a_", "a")] {
            assert!(!like(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn tests_hold_of_what_is_there() {
        let number = |op, with| Test::Compare(op, Operand::Number(with));
        let text = |op, with: &str| Test::Compare(op, Operand::Text(with.to_owned()));
        assert!(number(Op::Ne, 1.0).holds(Some(Held::Number(f64::NAN))));
        assert!(!number(Op::Ge, 1.0).holds(Some(Held::Number(f64::NAN))));
        assert!(!number(Op::Ne, 1.0).holds(None) && !number(Op::Ne, 1.0).holds(Some(Held::Text("1"))));
        assert!(text(Op::ILike, "%ÄB%").holds(Some(Held::Text("xäbx"))));
        assert!(text(Op::RLike, "^a.c").holds(Some(Held::Text("abcd"))));
        assert!(!text(Op::RLike, "(").holds(Some(Held::Text("("))));
        assert!(Test::Null.holds(None) && !Test::NotNull.holds(None));
        assert!(!Test::NotIn(vec!["a".into()]).holds(None));
        assert!(Test::NotIn(vec!["a".into()]).holds(Some(Held::Text("b"))));
    }
}
