//! Parts of a URI, and whether one lies under another, however they are written.

/// A URI, cut where Python's `urlparse` cuts it.
pub(super) struct Uri<'a> {
    /// In lower case; empty without one.
    pub(super) scheme: String,
    pub(super) authority: &'a str,
    /// Without query and fragment.
    pub(super) path: &'a str,
}

impl<'a> Uri<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let is_of_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        let (scheme, rest) = match text.split_once(':') {
            Some((scheme, rest))
                if scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(is_of_scheme) =>
            {
                (scheme.to_ascii_lowercase(), rest)
            }
            _ => (String::new(), text),
        };
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = match rest.strip_prefix("//") {
            Some(after) => after.split_at(after.find('/').unwrap_or(after.len())),
            None => ("", rest),
        };
        Self { scheme, authority, path }
    }

    /// Whether no other machine is named.
    pub(super) fn is_of_this_machine(&self) -> bool {
        self.authority.is_empty() || self.authority == "localhost"
    }

    /// Whether the path is under another's.
    pub(super) fn lies_under(&self, root: &Self) -> bool {
        let (parts, root) = (parts(self.path), parts(root.path));
        !root.is_empty() && parts.starts_with(&root)
    }
}

/// Whether one URI lies under another: scheme and authority are equal, the path begins with the other's.
pub(super) fn within(uri: &str, root: &str) -> bool {
    let (uri, root) = (Uri::of(uri), Uri::of(root));
    uri.scheme == root.scheme && uri.authority.eq_ignore_ascii_case(root.authority) && uri.lies_under(&root)
}

/// Whether the path is absolute and nothing in it leads back, however often it is escaped.
pub(super) fn is_absolute(uri: &str) -> bool {
    let plain = unescaped(&uri.replace('+', " "));
    let path = Uri::of(&plain).path;
    let named = |part: &str| !matches!(part, "." | "..");
    path.starts_with('/')
        && !path.trim_matches('/').is_empty()
        && !plain.contains('\0')
        && !plain.split(['/', '\\']).any(|part| part == "..")
        && path.split('/').all(named)
}

fn parts(path: &str) -> Vec<String> {
    path.split('/').filter(|part| !part.is_empty()).map(unescaped).collect()
}

/// A text whose escapes are read until there are none.
fn unescaped(text: &str) -> String {
    let mut text = text.to_owned();
    // Every round makes it shorter.
    while text.contains('%') {
        let once = unescape(&text);
        if once == text {
            break;
        }
        text = once;
    }
    text
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|b| char::from(*b).to_digit(16));
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_back_is_seen_through_its_escapes() {
        for uri in
            ["s3://b/a/c", "mlflow-artifacts:/1/r/artifacts", "/a//b/", "s3://b/a%20b+c", "s3://b/a..b", "x:/%zz"]
        {
            assert!(is_absolute(uri), "{uri}");
        }
        for uri in [
            "s3://b/a/../c",
            "s3://b/%2e%2e/c",
            "s3://b/%252e%252e%252fc",
            "s3://b/a%2f..%2fc",
            "s3://b/a/./c",
            "s3://b/a%00",
            "mlflow-artifacts://h/..%5c..%5cx",
            "s3://b",
            "s3:relative",
            "relative",
            "file:///",
            "mlflow-artifacts:/1?/../x",
        ] {
            assert!(!is_absolute(uri), "{uri}");
        }
    }

    #[test]
    fn a_root_holds_what_begins_with_all_of_its_parts() {
        let root = "mlflow-artifacts:/1/abc/artifacts";
        for uri in ["mlflow-artifacts:/1/abc/artifacts", "MLFLOW-artifacts:/1//abc/artif%61cts/model"] {
            assert!(within(uri, root), "{uri}");
        }
        for uri in [
            "mlflow-artifacts:/1/abc/artifacts2",
            "mlflow-artifacts:/1/abc",
            "mlflow-artifacts://h/1/abc/artifacts",
            "s3:/1/abc/artifacts",
        ] {
            assert!(!within(uri, root), "{uri}");
        }
        assert!(!within("mlflow-artifacts:/1", "mlflow-artifacts:/"));
    }
}
