//! What keys and values of params, tags and metrics may be, in MLflow's words.

use std::borrow::Cow;

use super::errors::Refused;

/// Characters of a key.
pub(crate) const MAX_KEY: usize = 250;
/// Characters of a param's value; longer ones are cut.
pub(crate) const MAX_PARAM: usize = 6_000;
/// Characters of a run's tag; longer ones are cut.
pub(crate) const MAX_TAG: usize = 8_000;

const CHARACTERS: &str = "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), \
                          colon(:) and slashes (/).";

/// Refuses a key of other characters than MLflow allows, or one that is a path to something else. `place` is what the
/// message calls it: `key`, `params[0].key`.
pub(crate) fn check_key(key: &str, place: &str) -> Result<(), Refused> {
    let allowed = |c: char| matches!(c, '/' | '.' | '-' | ' ' | ':' | '_') || c.is_alphanumeric();
    // Most keys are plain: nothing more to look at.
    if key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b' ' | b':')) && !key.is_empty() {
        return Ok(());
    }
    if !key.chars().all(allowed) {
        return Err(invalid(place, key, CHARACTERS));
    }
    check_path(key, place)
}

/// Refuses a name that, were it a path, would be one to something else.
pub(crate) fn check_path(key: &str, place: &str) -> Result<(), Refused> {
    let normal = normal(key);
    if normal != key || normal == "." || normal.starts_with("..") || normal.starts_with('/') {
        let message = format!(
            "Names may be treated as files in certain cases, and must not resolve to other names when treated as such. \
             This name would resolve to {}",
            python_text(&normal)
        );
        return Err(invalid(place, key, &message));
    }
    Ok(())
}

/// Refuses a text that is longer than a limit, in characters.
pub(crate) fn check_length(name: &str, most: usize, value: &str) -> Result<(), Refused> {
    if value.len() <= most || value.chars().count() <= most {
        return Ok(());
    }
    Err(Refused::invalid(format!("'{name}' exceeds the maximum length of {most} characters")))
}

/// The first characters of a text.
pub(crate) fn cut(value: &str, most: usize) -> &str {
    if value.len() <= most {
        return value;
    }
    value.char_indices().nth(most).map_or(value, |(end, _)| &value[..end])
}

/// `Invalid value ... for parameter ... supplied: ...`
pub(crate) fn invalid(place: &str, value: &str, why: &str) -> Refused {
    let shown = serde_json::Value::String(cut(value, 1_000).to_owned());
    Refused::invalid(format!("Invalid value {shown} for parameter '{place}' supplied: {why}"))
}

/// A text as Python prints it: `'a'`.
pub(crate) fn python_text(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut shown = String::with_capacity(text.len() + 2);
    shown.push(quote);
    for c in text.chars() {
        match c {
            '\\' => shown.push_str("\\\\"),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if c == quote => {
                shown.push('\\');
                shown.push(c);
            }
            c => shown.push(c),
        }
    }
    shown.push(quote);
    shown
}

/// A path without what leads nowhere, as POSIX says it.
fn normal(path: &str) -> Cow<'_, str> {
    if path.is_empty() {
        return Cow::Borrowed(".");
    }
    // Two slashes at the beginning, and only two, are kept.
    let root = match path.bytes().take_while(|b| *b == b'/').count() {
        0 => "",
        2 => "//",
        _ => "/",
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if root.is_empty() && parts.last().is_none_or(|last| *last == "..") => parts.push(".."),
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let joined = format!("{root}{}", parts.join("/"));
    Cow::Owned(if joined.is_empty() { ".".to_owned() } else { joined })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_names_that_lead_nowhere_else() {
        for key in ["a", "a/b", "val.loss", "x y:z-1", "größe", "...", "a/.b", "mlflow.runName", "..a/b"] {
            let fine = !key.starts_with("..");
            assert_eq!(check_key(key, "key").is_ok(), fine, "{key}");
        }
        for key in
            ["", ".", "..", "/a", "//a", "a/", "a//b", "./a", "a/../b", "../a", "a$b", "a\n", "a\\b", "é\u{301}x"]
        {
            assert!(check_key(key, "key").is_err(), "{key}");
        }
        assert_eq!(
            check_key("a$b", "key").unwrap_err().message,
            "Invalid value \"a$b\" for parameter 'key' supplied: Names may only contain alphanumerics, underscores (_), \
             dashes (-), periods (.), spaces ( ), colon(:) and slashes (/)."
        );
        assert!(check_key("a/../b", "key").unwrap_err().message.ends_with("This name would resolve to 'b'"));
        assert!(check_key("", "key").unwrap_err().message.ends_with("This name would resolve to '.'"));
    }

    #[test]
    fn lengths_count_characters() {
        assert!(check_length("key", 3, "äöü").is_ok());
        assert_eq!(
            check_length("key", 3, "äöüx").unwrap_err().message,
            "'key' exceeds the maximum length of 3 characters"
        );
        assert_eq!(cut("äöüx", 3), "äöü");
        assert_eq!(cut("abc", 3), "abc");
    }

    #[test]
    fn texts_print_as_in_python() {
        for (text, shown) in [("a", "'a'"), ("it's", "\"it's\""), ("a'\"b", "'a\\'\"b'"), ("a\nb", "'a\\nb'")] {
            assert_eq!(python_text(text), shown);
        }
    }
}
