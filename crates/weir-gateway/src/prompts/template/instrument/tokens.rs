//! The tokens of a Jinja2 source: how deeply it nests, and where its parentheses are.

use std::ops::Range;

use minijinja::{
    Error,
    machinery::{Token, tokenize},
    syntax::SyntaxConfig,
};

use super::syntax;

/// Lines of a source: the engine counts them in 16 bits.
const LINES: usize = 60_000;
/// Tokens of a source inside tags.
const TOKENS: usize = 200_000;
/// Operators, dots, calls, filters and so on in one tag, each of which may nest; the engine takes the square of them.
const OPERATORS: usize = 400;
/// `elif` in a source, each of which nests.
const ELIFS: usize = 500;
/// Lists, sums and such up to which a value cannot become deeper than the stack of any thread allows.
const SHALLOW: usize = 300;

/// What is kept of a source's tokens.
pub(super) struct Tokens {
    /// Where each token starts and ends, and what it is.
    all: Vec<(Range<usize>, Kind)>,
    builders: usize,
    recurs: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Other,
    /// The end of an assignment's left side.
    Assign,
    TagStart,
    TagEnd,
    /// `(` that closes at this token.
    Open,
    /// `)` that was opened at this token.
    Close(usize),
}

impl Tokens {
    /// Reads the tokens.
    pub(super) fn read(source: &str) -> Result<Self, Error> {
        if source.bytes().filter(|byte| *byte == b'\n').count() > LINES {
            return Err(syntax(format!("a template has at most {LINES} lines")));
        }
        let mut tokens = Self { all: Vec::new(), builders: 0, recurs: false };
        let (mut open, mut operators, mut elifs) = (Vec::new(), 0, 0);
        for token in tokenize(source, false, SyntaxConfig::default()) {
            let (token, span) = token?;
            let line = usize::from(span.start_line);
            let mut kind = Kind::Other;
            match token {
                Token::TemplateData(_) => continue,
                Token::VariableStart | Token::BlockStart => {
                    operators = 0;
                    open.clear();
                    kind = Kind::TagStart;
                }
                Token::ParenOpen => {
                    open.push(tokens.all.len());
                    kind = Kind::Open;
                    operators += 1;
                    tokens.builders += 1;
                }
                Token::ParenClose => {
                    if let Some(start) = open.pop() {
                        kind = Kind::Close(start);
                    }
                }
                Token::VariableEnd | Token::BlockEnd => kind = Kind::TagEnd,
                Token::Assign => kind = Kind::Assign,
                Token::BracketOpen | Token::BraceOpen | Token::Pipe | Token::Plus | Token::Mul => {
                    operators += 1;
                    tokens.builders += 1;
                }
                Token::Ident(word) if word.starts_with("__") => {
                    // A template that defines a guard anew would go without.
                    return Err(refuse(line, format!("\"{word}\": names that start with \"__\" are reserved")));
                }
                Token::Ident(word) => {
                    elifs += usize::from(word == "elif");
                    operators += usize::from(matches!(word, "if" | "else" | "not" | "and" | "or" | "is" | "in"));
                    // A block that prints itself takes more stack for a level than the engine counts.
                    tokens.recurs |= word == "self";
                }
                Token::Minus
                | Token::Div
                | Token::FloorDiv
                | Token::Pow
                | Token::Mod
                | Token::Dot
                | Token::Tilde
                | Token::Eq
                | Token::Ne
                | Token::Gt
                | Token::Gte
                | Token::Lt
                | Token::Lte => operators += 1,
                _ => {}
            }
            tokens.all.push((span.start_offset as usize..span.end_offset as usize, kind));
            if operators > OPERATORS {
                return Err(refuse(line, format!("one tag has more than {OPERATORS} operators; split it with set")));
            }
            if elifs > ELIFS {
                return Err(refuse(line, format!("a template has at most {ELIFS} elif")));
            }
            if tokens.all.len() > TOKENS {
                return Err(refuse(line, format!("the tags of a template have at most {TOKENS} words and signs")));
            }
        }
        Ok(tokens)
    }

    /// Whether what the source does or builds may nest deeper than an ordinary stack allows.
    pub(super) fn deep(&self) -> bool {
        self.recurs || self.builders > SHALLOW
    }

    /// The bounds with the parentheses that stand around them and before what follows.
    pub(super) fn in_parentheses(&self, bounds: Range<usize>) -> Range<usize> {
        let mut bounds = bounds;
        let mut next = self.all.partition_point(|(at, _)| at.start < bounds.end);
        while let Some((at, Kind::Close(open))) = self.all.get(next) {
            let Some((start, _)) = self.all.get(*open) else { break };
            bounds = start.start..at.end;
            next += 1;
        }
        bounds
    }

    /// What the `set` tag assigns in which something ends at `end`: all from its `=` to its end.
    pub(super) fn assigned(&self, end: usize) -> Range<usize> {
        let after = self.all.partition_point(|(at, _)| at.start < end);
        let (before, rest) = self.all.split_at(after);
        let first = before.iter().rposition(|(_, kind)| *kind == Kind::TagStart).unwrap_or(0);
        let assign = before.iter().skip(first).find(|(_, kind)| *kind == Kind::Assign);
        let tag_end = rest.iter().find(|(_, kind)| *kind == Kind::TagEnd);
        assign.map_or(end, |(at, _)| at.end)..tag_end.map_or(end, |(at, _)| at.start)
    }
}

/// A refusal that knows its line, in a form that the engine's errors have no way to be made in.
pub(super) fn refuse(line: usize, message: String) -> Error {
    Error::new(minijinja::ErrorKind::InvalidOperation, message).with_source(At(line))
}

/// The line of a refusal.
#[derive(Debug)]
pub(in super::super) struct At(pub(in super::super) usize);

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}", self.0)
    }
}

impl std::error::Error for At {}
