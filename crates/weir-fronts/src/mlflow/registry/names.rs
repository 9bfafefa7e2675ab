//! What names, keys, aliases and numbers may look like.

use std::collections::BTreeMap;

use crate::mlflow::errors::Refused;
use crate::mlflow::names::{MAX_KEY, check_key, check_length, check_path};
use crate::mlflow::wire::Fields;

/// Longest name of a model.
const MAX_NAME: usize = 500;
/// Longest value of a tag, and longest description.
const MAX_VALUE: usize = 100_000;
/// Longest alias.
const MAX_ALIAS: usize = 255;
/// The alias that always is the newest version.
pub(super) const LATEST: &str = "latest";

/// Takes a name that may stand in a path.
pub(super) fn model(name: &str) -> Result<&str, Refused> {
    if name.trim().is_empty() {
        return Err(Refused::invalid("Missing value for required parameter 'name'."));
    }
    if name.contains(['/', ':']) {
        return Err(Refused::invalid(format!("Invalid model name '{name}'. Names cannot contain '/' or ':'.")));
    }
    check_path(name, "name")?;
    within("name", MAX_NAME, name)
}

/// Takes the key of a tag.
pub(super) fn key(key: &str) -> Result<&str, Refused> {
    check_key(key, "key")?;
    within("key", MAX_KEY, key)
}

/// Takes the value of a tag.
pub(super) fn value(value: &str) -> Result<&str, Refused> {
    within("value", MAX_VALUE, value)
}

/// The tags of a request; of a key that comes twice the last one.
pub(super) fn tags(fields: &Fields<'_>) -> Result<BTreeMap<String, String>, Refused> {
    let mut tags = BTreeMap::new();
    for tag in fields.objects("tags")? {
        let name = key(tag.text("key")?.unwrap_or_default())?;
        let held = value(tag.text("value")?.unwrap_or_default())?;
        tags.insert(name.to_owned(), held.to_owned());
    }
    Ok(tags)
}

/// The description of a request; absent, it is empty.
pub(super) fn description<'a>(fields: &Fields<'a>) -> Result<&'a str, Refused> {
    within("description", MAX_VALUE, fields.text("description")?.unwrap_or_default())
}

/// The number of a version.
pub(super) fn version(text: &str) -> Result<i64, Refused> {
    let wrong = || Refused::invalid(format!("Parameter 'version' must be an integer, got '{text}'."));
    text.trim().parse().map_err(|_| wrong())
}

/// Takes an alias.
pub(super) fn alias(alias: &str) -> Result<&str, Refused> {
    if !alias.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-')) {
        let rule = "Names may only contain alphanumerics, underscores (_), and dashes (-).";
        return Err(Refused::invalid(format!("Invalid alias name: '{alias}'. {rule}")));
    }
    within("Registered model alias name", MAX_ALIAS, alias)
}

/// Takes an alias that may be put on a version.
pub(super) fn free_alias(name: &str) -> Result<&str, Refused> {
    alias(name)?;
    if name.eq_ignore_ascii_case(LATEST) {
        return Err(Refused::invalid("'latest' alias name (case insensitive) is reserved."));
    }
    let number = name.strip_prefix(['v', 'V']).is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    if number {
        return Err(Refused::invalid(format!("Version alias name '{name}' is reserved.")));
    }
    Ok(name)
}

/// Takes a text that is not longer than that many characters.
pub(super) fn within<'a>(what: &str, most: usize, text: &'a str) -> Result<&'a str, Refused> {
    check_length(what, most, text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in ["a", "a.b", "ä name", "a..b", "...a"] {
            assert_eq!(model(name).is_ok(), !name.starts_with(".."), "{name}");
        }
        for name in ["", "  ", "a/b", "a:b", ".", ".."] {
            assert!(model(name).is_err(), "{name}");
        }
    }

    #[test]
    fn aliases_that_look_like_versions_are_refused() {
        for name in ["v1x", "v", "champion-2", "ä"] {
            assert!(free_alias(name).is_ok(), "{name}");
        }
        for name in ["v1", "V12", "Latest", "a.b", "a b"] {
            assert!(free_alias(name).is_err(), "{name}");
        }
        assert!(alias("latest").is_ok());
        assert!(free_alias(&"a".repeat(256)).is_err());
    }
}
