//! SQL functions for the comparisons that SQLite has no exact word for. The views do not use them.

use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
use weir_core::query;

use super::attributes;

/// Adds the functions to a connection.
pub(super) fn register(db: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    // weir_contains(held, lower-case part): as `Op::Contains` compares.
    db.create_scalar_function("weir_contains", 2, flags, |ctx: &Context<'_>| {
        let Ok(held) = ctx.get_raw(0).as_str() else { return Ok(None) };
        let Ok(part) = ctx.get_raw(1).as_str() else { return Ok(None) };
        Ok(Some(held.to_lowercase().contains(part)))
    })?;
    // weir_attribute(object, name): the text of an attribute without JSON quotes.
    db.create_scalar_function("weir_attribute", 2, flags, |ctx: &Context<'_>| {
        let Ok(object) = ctx.get_raw(0).as_str() else { return Ok(None) };
        let Ok(name) = ctx.get_raw(1).as_str() else { return Ok(None) };
        Ok(attributes::decode(object)
            .get(name)
            .map(|raw| serde_json::from_str::<String>(raw).unwrap_or_else(|_| raw.clone())))
    })?;
    // weir_like(text, pattern), weir_ilike, weir_rlike: as the operators of `weir_core::query` compare.
    let compared = |test: fn(&str, &str) -> bool| {
        move |ctx: &Context<'_>| {
            let Ok(text) = ctx.get_raw(0).as_str() else { return Ok(None) };
            let Ok(pattern) = ctx.get_raw(1).as_str() else { return Ok(None) };
            Ok(Some(test(text, pattern)))
        }
    };
    db.create_scalar_function("weir_like", 2, flags, compared(|text, pattern| query::like(pattern, text)))?;
    let ilike = |text: &str, pattern: &str| query::like(&pattern.to_lowercase(), &text.to_lowercase());
    db.create_scalar_function("weir_ilike", 2, flags, compared(ilike))?;
    db.create_scalar_function("weir_rlike", 2, flags, |ctx: &Context<'_>| {
        let Ok(text) = ctx.get_raw(0).as_str() else { return Ok(None) };
        let pattern = ctx.get_or_create_aux(1, |raw| {
            query::pattern(raw.as_str()?).ok_or_else(|| rusqlite::Error::UserFunctionError("no pattern".into()))
        });
        let pattern: std::result::Result<std::sync::Arc<_>, rusqlite::Error> = pattern;
        Ok(pattern.ok().map(|pattern| pattern.is_match(text)))
    })
}
