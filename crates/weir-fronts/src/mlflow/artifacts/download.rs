//! A file as an answer: whole, in part, or not at all where the client has it.

use std::ops::Range;

use axum::body::Body;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use weir_store::artifacts::{ArtifactError, Opened};

use super::mime;

/// The answer that gives a file out. `name` is what it is called where it is saved.
pub(super) async fn answer(opened: Opened, request: &HeaderMap, name: &str) -> Result<Response<Body>, ArtifactError> {
    let size = opened.record.blob.size;
    let tag = format!("\"{}\"", opened.record.blob.digest);
    let modified = http_date(opened.record.modified_ms);
    let mut answer = Response::new(Body::empty());
    let set = |answer: &mut Response<Body>, header: HeaderName, value: &str| {
        // Nothing that comes here holds a control character.
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            answer.headers_mut().insert(header, value);
        }
    };
    set(&mut answer, ETAG, &tag);
    set(&mut answer, LAST_MODIFIED, &modified);
    set(&mut answer, ACCEPT_RANGES, "bytes");
    set(&mut answer, CACHE_CONTROL, "no-cache");
    set(&mut answer, X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(&mut answer, CONTENT_TYPE, mime::content_type(name));
    set(&mut answer, CONTENT_DISPOSITION, &attachment(name));
    let has = |header| request.get(header).and_then(|value: &HeaderValue| value.to_str().ok());
    if has(IF_NONE_MATCH).is_some_and(|tags| is_among(tags, &tag)) {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(answer);
    }
    let same = has(IF_RANGE).is_none_or(|condition| condition == tag || condition == modified);
    let wanted = match has(RANGE).filter(|_| same) {
        Some(range) => part(range, size),
        None => Part::Whole,
    };
    let range = match wanted {
        Part::Whole => 0..size,
        Part::Of(range) => {
            *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
            set(&mut answer, CONTENT_RANGE, &format!("bytes {}-{}/{size}", range.start, range.end - 1));
            range
        }
        Part::Outside => {
            *answer.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            set(&mut answer, CONTENT_RANGE, &format!("bytes */{size}"));
            return Ok(answer);
        }
    };
    set(&mut answer, CONTENT_LENGTH, &(range.end - range.start).to_string());
    *answer.body_mut() = Body::from_stream(opened.bytes(range).await?);
    Ok(answer)
}

fn is_among(tags: &str, tag: &str) -> bool {
    tags.split(',').map(|t| t.trim()).any(|t| t == "*" || t.strip_prefix("W/").unwrap_or(t) == tag)
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Whole,
    Of(Range<u64>),
    Outside,
}

/// What a `Range` asks for. What cannot be read, and several ranges, are the whole.
fn part(header: &str, size: u64) -> Part {
    let Some((from, to)) = header.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Part::Whole;
    };
    let number = |text: &str| -> Option<u64> {
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        Some(text.parse().unwrap_or(u64::MAX))
    };
    let range = match (number(from), number(to)) {
        (Some(from), Some(to)) if from <= to => from..to.saturating_add(1).min(size),
        (Some(from), None) if to.trim().is_empty() => from..size,
        (None, Some(last)) if from.trim().is_empty() => size.saturating_sub(last)..size,
        _ => return Part::Whole,
    };
    if range.start < range.end { Part::Of(range) } else { Part::Outside }
}

/// `Content-Disposition` of a file: never shown in the page of this server.
fn attachment(name: &str) -> String {
    let simple = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let plain: String = name.chars().filter(char::is_ascii).collect();
    let plain = if plain.is_empty() { "download".to_owned() } else { plain };
    let quoted = if plain.chars().all(simple) {
        plain
    } else {
        format!("\"{}\"", plain.replace('\\', "\\\\").replace('"', "\\\""))
    };
    if name.is_ascii() {
        return format!("attachment; filename={quoted}");
    }
    let escaped: String = name.bytes().fold(String::new(), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
        escaped
    });
    format!("attachment; filename={quoted}; filename*=UTF-8''{escaped}")
}

fn http_date(ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(ms).unwrap_or_default();
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_the_file() {
        for (header, wanted) in [
            ("bytes=0-9", Part::Of(0..10)),
            ("bytes=5-", Part::Of(5..100)),
            ("bytes=-7", Part::Of(93..100)),
            ("bytes=-700", Part::Of(0..100)),
            ("bytes=90-99999999999999999999999", Part::Of(90..100)),
            ("bytes=99-99", Part::Of(99..100)),
            ("bytes=100-", Part::Outside),
            ("bytes=-0", Part::Outside),
            ("bytes=5-2", Part::Whole),
            ("bytes=0-1,5-6", Part::Whole),
            ("bytes=+1-2", Part::Whole),
            ("bytes=-", Part::Whole),
            ("lines=1-2", Part::Whole),
        ] {
            assert_eq!(part(header, 100), wanted, "{header}");
        }
        assert_eq!(part("bytes=0-", 0), Part::Outside);
    }

    #[test]
    fn names_are_quoted_where_they_must_be() {
        assert_eq!(attachment("a-b.txt"), "attachment; filename=a-b.txt");
        assert_eq!(attachment("a \"b\".txt"), "attachment; filename=\"a \\\"b\\\".txt\"");
        assert_eq!(attachment("日本.txt"), "attachment; filename=.txt; filename*=UTF-8''%E6%97%A5%E6%9C%AC.txt");
        assert_eq!(attachment("日"), "attachment; filename=download; filename*=UTF-8''%E6%97%A5");
        assert_eq!(http_date(784_111_777_000), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert!(is_among("W/\"x\", \"y\"", "\"x\"") && !is_among("\"z\"", "\"x\"") && is_among("*", "\"x\""));
    }
}
