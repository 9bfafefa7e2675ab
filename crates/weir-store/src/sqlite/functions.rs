//! SQL functions for the two comparisons that SQLite has no exact word for. The views do not use them.

use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};

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
    })
}
