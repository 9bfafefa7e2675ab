//! From `order_by` to an order.

use weir_core::query::{Sort, Target};

use super::Vocabulary;
use super::lexer::{Token, words};
use super::parse::{identifier, unknown_entity};
use crate::mlflow::errors::Refused;

/// The levels of an order. Each is `identifier [ASC|DESC]`.
pub(crate) fn order(clauses: &[&str], vocabulary: &Vocabulary) -> Result<Vec<Sort>, Refused> {
    let mut sorts: Vec<Sort> = Vec::with_capacity(clauses.len());
    for clause in clauses {
        let sort = level(clause, vocabulary)?;
        if sorts.iter().any(|other| other.target == sort.target) {
            return Err(Refused::invalid(format!("`order_by` contains duplicate fields: '{clause}'")));
        }
        sorts.push(sort);
    }
    Ok(sorts)
}

fn level(clause: &str, vocabulary: &Vocabulary) -> Result<Sort, Refused> {
    let fault = || Refused::invalid(format!("Invalid order_by clause '{clause}'. Could not be parsed."));
    let words = words(clause).map_err(|_| fault())?;
    // Names of two words: `Run Name DESC`.
    let spaced = vocabulary.fields.iter().find_map(|f| {
        let name = f.names.iter().find(|name| name.contains(' ') && clause.trim().starts_with(**name))?;
        Some((f, name.split(' ').count()))
    });
    let (target, rest) = match spaced {
        Some((field, taken)) => (Target::Field(field.field), words.get(taken..).unwrap_or_default()),
        None => {
            let (entity, key, rest) = identifier(&words).ok_or_else(fault)?;
            (resolve(vocabulary, entity.as_deref(), &key)?, rest)
        }
    };
    let descending = match rest {
        [] => false,
        [Token::Word(way)] if way.eq_ignore_ascii_case("asc") => false,
        [Token::Word(way)] if way.eq_ignore_ascii_case("desc") => true,
        _ => return Err(fault()),
    };
    Ok(Sort { target, descending })
}

fn resolve(vocabulary: &Vocabulary, entity: Option<&str>, key: &str) -> Result<Target, Refused> {
    let Some(entity) = entity.filter(|entity| !vocabulary.own.contains(entity)) else {
        let fields = || vocabulary.fields.iter().filter(|f| f.orders);
        return fields().find(|f| f.names.contains(&key)).map(|f| Target::Field(f.field)).ok_or_else(|| {
            let valid: Vec<_> = fields().filter_map(|f| f.names.first()).map(|name| format!("'{name}'")).collect();
            Refused::invalid(format!("Invalid order_by key '{key}' specified. Valid keys are '[{}]'", valid.join(", ")))
        });
    };
    match vocabulary.collections.iter().find(|c| c.orders && c.names.contains(&entity)) {
        Some(c) => Ok(Target::Entry(c.collection, key.to_owned())),
        None => Err(unknown_entity(vocabulary, entity)),
    }
}
