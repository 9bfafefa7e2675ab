//! The fields of a line of CSV (RFC 4180, within a line).

/// Splits at commas outside quotes; a quoted field loses its quotes, and a doubled quote in it is one.
pub(super) fn split(line: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut field = String::new();
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    fields.push(field);
    fields
}

/// A field as it has to be written.
pub(crate) fn written(field: &str) -> std::borrow::Cow<'_, str> {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\"")).into()
    } else {
        field.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_commas_and_quotes() {
        assert_eq!(split("a,\"b, \"\"c\"\"\",,d\"e"), ["a", "b, \"c\"", "", "d\"e"]);
        assert_eq!(split(""), [""]);
    }

    #[test]
    fn what_is_written_is_read_again() {
        for field in ["plain", "a,b", "\"quoted\"", ""] {
            assert_eq!(split(&written(field)), [field]);
        }
    }
}
