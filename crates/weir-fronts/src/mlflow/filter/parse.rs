//! From a filter's text to conditions.

use weir_core::query::{Condition, Op, Operand, Target, Test};

use super::lexer::{Token, words};
use super::{Kind, Vocabulary};
use crate::mlflow::errors::Refused;

/// Conditions of a filter at most.
const MOST: usize = 100;

/// The conditions of a filter; none where it is empty.
pub(crate) fn conditions(filter: &str, vocabulary: &Vocabulary) -> Result<Vec<Condition>, Refused> {
    let words = words(filter)?;
    let mut parser = Parser { filter, words: &words };
    let mut conditions = Vec::new();
    while !parser.words.is_empty() {
        if !conditions.is_empty() {
            // Clauses with nothing between them are taken, as MLflow takes them.
            parser.keyword("AND");
        }
        conditions.push(parser.clause(vocabulary)?);
        if conditions.len() > MOST {
            return Err(Refused::invalid(format!("Invalid filter string: more than {MOST} clauses")));
        }
    }
    Ok(conditions)
}

/// The entity, where one is named, and the key of an identifier; what follows it.
pub(super) fn identifier(words: &[Token]) -> Option<(Option<String>, String, &[Token])> {
    let (first, mut rest) = words.split_first()?;
    let (mut entity, mut key) = match first {
        Token::Word(word) => match word.split_once('.') {
            Some((entity, key)) => (Some(entity.to_owned()), key.to_owned()),
            None => (None, word.clone()),
        },
        Token::Quoted(word) | Token::Double(word) => (None, word.clone()),
        _ => return None,
    };
    let join = |key: &mut String, rest: &mut &[Token]| {
        if let [Token::Quoted(more) | Token::Double(more), after @ ..] = rest {
            key.push_str(more);
            *rest = after;
        }
    };
    if entity.is_some() && (key.is_empty() || key.ends_with('.')) {
        // `params."my key"`, `span.attributes."my key"`: the word ends with the dot.
        join(&mut key, &mut rest);
    } else if entity.is_none()
        && let [Token::Dot, after @ ..] = rest
        && let [Token::Word(more) | Token::Quoted(more) | Token::Double(more), after @ ..] = after
    {
        entity = Some(std::mem::replace(&mut key, more.clone()));
        rest = after;
    }
    Some((entity, key, rest)).filter(|(_, key, _)| !key.is_empty())
}

struct Parser<'a> {
    filter: &'a str,
    words: &'a [Token],
}

impl Parser<'_> {
    fn fault(&self) -> Refused {
        Refused::invalid(format!("Invalid clause(s) in filter string: '{}'", self.filter))
    }

    /// Takes a keyword if it comes next.
    fn keyword(&mut self, keyword: &str) -> bool {
        let next = matches!(self.words.first(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        if next {
            self.words = &self.words[1..];
        }
        next
    }

    fn take(&mut self) -> Option<Token> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first.clone())
    }

    fn clause(&mut self, vocabulary: &Vocabulary) -> Result<Condition, Refused> {
        if let Some(Token::Word(word)) = self.words.first()
            && word.eq_ignore_ascii_case("OR")
        {
            return Err(Refused::invalid(format!("Invalid clause(s) in filter string: '{word}'")));
        }
        let (entity, key, rest) = identifier(self.words).ok_or_else(|| self.fault())?;
        self.words = rest;
        let (target, kind) = resolve(vocabulary, entity.as_deref(), &key)?;
        if self.keyword("IS") {
            let test = if self.keyword("NOT") { Test::NotNull } else { Test::Null };
            if !self.keyword("NULL") {
                return Err(self.fault());
            }
            if !kind.takes_null() {
                return Err(comparator(if test == Test::Null { "IS NULL" } else { "IS NOT NULL" }, kind));
            }
            return Ok(Condition { target, test });
        }
        let negated = self.keyword("NOT");
        if self.keyword("IN") {
            let values = self.list()?;
            if !kind.takes_list() {
                return Err(comparator(if negated { "NOT IN" } else { "IN" }, kind));
            }
            return Ok(Condition { target, test: if negated { Test::NotIn(values) } else { Test::In(values) } });
        }
        if negated {
            return Err(self.fault());
        }
        let (name, op) = self.operator()?;
        let operand = self.operand(kind, op, vocabulary, &target, &key)?;
        if !kind.takes(op, &operand) {
            return Err(comparator(name, kind));
        }
        Ok(Condition { target, test: Test::Compare(op, operand) })
    }

    fn operator(&mut self) -> Result<(&'static str, Op), Refused> {
        let word = self.take().ok_or_else(|| self.fault())?;
        let all = [
            ("=", Op::Eq),
            ("!=", Op::Ne),
            ("<", Op::Lt),
            ("<=", Op::Le),
            (">", Op::Gt),
            (">=", Op::Ge),
            ("LIKE", Op::Like),
            ("ILIKE", Op::ILike),
            ("RLIKE", Op::RLike),
        ];
        let named = |name: &str| match &word {
            Token::Sign(sign) => *sign == name,
            Token::Word(word) => word.eq_ignore_ascii_case(name),
            _ => false,
        };
        all.into_iter().find(|(name, _)| named(name)).ok_or_else(|| self.fault())
    }

    fn operand(
        &mut self,
        kind: Kind,
        op: Op,
        vocabulary: &Vocabulary,
        target: &Target,
        key: &str,
    ) -> Result<Operand, Refused> {
        let entry = |collection: &str| {
            let found = vocabulary.collections.iter().find(|c| c.collection == collection);
            found.and_then(|c| c.names.first()).copied().unwrap_or_default()
        };
        let word = self.take().ok_or_else(|| self.fault())?;
        let as_text = matches!(op, Op::Like | Op::ILike | Op::RLike);
        match (word, kind) {
            (Token::Number(text), Kind::Number | Kind::Any) if !as_text => {
                text.parse().map(Operand::Number).map_err(|_| self.fault())
            }
            (Token::Text(text) | Token::Double(text), kind) if kind != Kind::Number => Ok(Operand::Text(text)),
            (Token::Number(text) | Token::Word(text), kind) if kind != Kind::Number => {
                Err(Refused::invalid(match target {
                    Target::Entry(collection, _) => format!(
                        "Expected a quoted string value for {} (e.g. 'my-value'). Got value {text}",
                        entry(collection)
                    ),
                    Target::Field(_) => format!("Expected a quoted string value for attributes. Got value {text}"),
                    Target::Related(of, _) => format!(
                        "Expected a quoted string value for {} attributes. Got value {text}",
                        of.trim_end_matches('s')
                    ),
                }))
            }
            (word @ (Token::Text(_) | Token::Double(_) | Token::Word(_)), _) => {
                let shown = match &word {
                    Token::Text(text) => format!("'{text}'"),
                    Token::Double(text) => format!("\"{text}\""),
                    Token::Word(text) => text.clone(),
                    _ => String::new(),
                };
                Err(Refused::invalid(match target {
                    Target::Entry(collection, _) => {
                        format!("Expected numeric value type for {}. Found {shown}", entry(collection))
                    }
                    _ => format!("Expected numeric value type for numeric attribute: {key}. Found {shown}"),
                }))
            }
            _ => Err(self.fault()),
        }
    }

    fn list(&mut self) -> Result<Vec<String>, Refused> {
        if self.take() != Some(Token::Open) {
            return Err(self.fault());
        }
        let mut values = Vec::new();
        loop {
            match self.take() {
                Some(Token::Text(text) | Token::Double(text)) => values.push(text),
                Some(Token::Close) if !values.is_empty() => return Ok(values),
                _ => {
                    return Err(Refused::invalid(format!(
                        "While parsing a list in the query, expected string value, punctuation, or whitespace, but got a \
                         different type in filter string: '{}'",
                        self.filter
                    )));
                }
            }
            match self.take() {
                Some(Token::Comma) => {}
                Some(Token::Close) => return Ok(values),
                _ => return Err(self.fault()),
            }
        }
    }
}

impl Kind {
    fn takes_null(self) -> bool {
        matches!(self, Self::Entry | Self::PatternEntry | Self::Any)
    }

    fn takes_list(self) -> bool {
        matches!(self, Self::TextOrList | Self::Pattern)
    }

    fn takes(self, op: Op, operand: &Operand) -> bool {
        let equality = matches!(op, Op::Eq | Op::Ne);
        let like = matches!(op, Op::Like | Op::ILike);
        match self {
            Self::Text | Self::TextOrList | Self::Entry => equality || like,
            Self::Pattern | Self::PatternEntry => equality || like || op == Op::RLike,
            Self::Number => !like && op != Op::RLike,
            Self::Any => match operand {
                Operand::Text(_) => equality || like || op == Op::RLike,
                Operand::Number(_) => !like && op != Op::RLike,
            },
            Self::Exact => op == Op::Eq,
            Self::Search => like,
        }
    }

    fn comparators(self) -> &'static str {
        match self {
            Self::Text => "'=', '!=', 'LIKE', 'ILIKE'",
            Self::TextOrList => "'=', '!=', 'LIKE', 'ILIKE', 'IN', 'NOT IN'",
            Self::Pattern => "'=', '!=', 'LIKE', 'ILIKE', 'RLIKE', 'IN', 'NOT IN'",
            Self::Number => "'=', '!=', '<', '<=', '>', '>='",
            Self::Entry => "'=', '!=', 'LIKE', 'ILIKE', 'IS NULL', 'IS NOT NULL'",
            Self::PatternEntry => "'=', '!=', 'LIKE', 'ILIKE', 'RLIKE', 'IS NULL', 'IS NOT NULL'",
            Self::Any => "'=', '!=', '<', '<=', '>', '>=', 'LIKE', 'ILIKE', 'RLIKE', 'IS NULL', 'IS NOT NULL'",
            Self::Exact => "'='",
            Self::Search => "'LIKE', 'ILIKE'",
        }
    }
}

fn comparator(given: &str, kind: Kind) -> Refused {
    Refused::invalid(format!("Invalid comparator '{given}' not one of {{{}}}", kind.comparators()))
}

fn resolve(vocabulary: &Vocabulary, entity: Option<&str>, key: &str) -> Result<(Target, Kind), Refused> {
    if let Some(special) = (vocabulary.special)(entity.unwrap_or_default(), key) {
        return Ok(special);
    }
    let Some(entity) = entity.filter(|entity| !vocabulary.own.contains(entity)) else {
        let fields = || vocabulary.fields.iter().filter(|f| f.filters);
        return fields().find(|f| f.names.contains(&key)).map(|f| (Target::Field(f.field), f.kind)).ok_or_else(|| {
            let valid: Vec<_> = fields().filter_map(|f| f.names.first()).map(|name| format!("'{name}'")).collect();
            Refused::invalid(format!(
                "Invalid attribute key '{key}' specified. Valid keys are '[{}]'",
                valid.join(", ")
            ))
        });
    };
    if let Some(c) = vocabulary.collections.iter().find(|c| c.names.contains(&entity)) {
        return Ok((Target::Entry(c.collection, key.to_owned()), c.kind));
    }
    if let Some((_, name, fields)) = vocabulary.related.iter().find(|(names, ..)| names.contains(&entity)) {
        let field = fields.iter().find(|field| **field == key).ok_or_else(|| {
            Refused::invalid(format!("Invalid {entity} key '{key}' specified. Valid keys are '{fields:?}'"))
        })?;
        return Ok((Target::Related(name, field), Kind::TextOrList));
    }
    Err(unknown_entity(vocabulary, entity))
}

pub(super) fn unknown_entity(vocabulary: &Vocabulary, entity: &str) -> Refused {
    let own = vocabulary.own.first().into_iter();
    let collections = vocabulary.collections.iter().filter_map(|c| c.names.first());
    let related = vocabulary.related.iter().filter_map(|(names, ..)| names.first());
    let valid: Vec<_> = own.chain(collections).chain(related).map(|name| format!("'{name}'")).collect();
    Refused::invalid(format!("Invalid entity type '{entity}'. Valid values are [{}]", valid.join(", ")))
}
