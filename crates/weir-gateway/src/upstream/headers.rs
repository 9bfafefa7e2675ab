//! Which headers cross the gateway, in either direction.

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// Never sent upstream: credentials, hop-by-hop headers, and what Weir sets itself.
const NOT_FORWARDED: &[&str] = &[
    "authorization",
    "x-api-key",
    "api-key",
    "cookie",
    "host",
    "content-length",
    "connection",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
    "accept-encoding",
    "content-type",
    "accept",
    "forwarded",
    "traceparent",
    "tracestate",
    "baggage",
    "b3",
    "sentry-trace",
    "x-real-ip",
    "via",
    "x-goog-api-key",
    "x-request-id",
    "cache-control",
    "pragma",
];

/// Never handed to the client.
const NOT_ANSWERED: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-length",
    "content-encoding",
    "content-type",
    "set-cookie",
    "location",
    "www-authenticate",
    "server",
    "alt-svc",
    "date",
    "x-request-id",
    "cache-control",
    "strict-transport-security",
    "x-content-type-options",
];

/// The caller's headers that go upstream.
#[must_use]
pub fn forwarded_headers(from: &HeaderMap, traceparent: bool) -> HeaderMap {
    let mut out = HeaderMap::with_capacity(from.len() + 4);
    for (name, value) in from {
        if is_forwarded(name.as_str(), from, traceparent) {
            out.append(name.clone(), value.clone());
        }
    }
    out
}

/// Whether one of a caller's headers goes upstream.
#[must_use]
pub fn is_forwarded(name: &str, among: &HeaderMap, traceparent: bool) -> bool {
    if traceparent && matches!(name, "traceparent" | "tracestate") {
        return true;
    }
    let connection = among.get(http::header::CONNECTION).and_then(|v| v.to_str().ok()).unwrap_or("");
    let ours = ["x-weir-", "x-forwarded-", "x-b3-"].iter().any(|start| name.starts_with(start))
        || connection.split(',').any(|named| named.trim().eq_ignore_ascii_case(name));
    !ours && !NOT_FORWARDED.contains(&name)
}

/// The upstream's headers that go to the client; its request id is kept beside ours.
#[must_use]
pub fn answer_headers(from: &HeaderMap) -> HeaderMap {
    let mut out = HeaderMap::with_capacity(from.len() + 12);
    for (name, value) in from {
        if !NOT_ANSWERED.contains(&name.as_str()) && !name.as_str().starts_with("x-weir-") {
            out.append(name.clone(), value.clone());
        }
    }
    if let Some(id) = upstream_request_id(from) {
        out.insert(HeaderName::from_static("x-upstream-request-id"), id.clone());
    }
    out
}

/// The id that the upstream gave the request, wherever it puts it.
#[must_use]
pub fn upstream_request_id(from: &HeaderMap) -> Option<&HeaderValue> {
    ["x-request-id", "request-id", "apim-request-id", "x-ms-request-id"].iter().find_map(|name| from.get(*name))
}

/// When to try again, in milliseconds: `retry-after-ms`, else `retry-after` in seconds or as an HTTP date.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now_us: i64) -> Option<u64> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let float = |value: f64| (value.is_finite() && value >= 0.0).then_some(value as u64);
    if let Some(ms) = text("retry-after-ms").and_then(|t| t.trim().parse().ok()).and_then(float) {
        return Some(ms);
    }
    let value = text("retry-after")?.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return float(seconds * 1000.0);
    }
    let at = jiff::fmt::rfc2822::parse(value).ok()?.timestamp().as_millisecond();
    u64::try_from(at.saturating_sub(now_us / 1000)).ok().or(Some(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn credentials_and_hop_headers_stay_here() {
        let from = headers(&[
            ("authorization", "Bearer secret"),
            ("x-api-key", "secret"),
            ("cookie", "a=b"),
            ("x-weir-department", "it"),
            ("x-forwarded-for", "1.2.3.4"),
            ("traceparent", "00-x"),
            ("anthropic-beta", "a,b"),
            ("user-agent", "sdk/1"),
        ]);
        let mut kept: Vec<_> = forwarded_headers(&from, false).keys().map(|k| k.as_str().to_owned()).collect();
        kept.sort();
        assert_eq!(kept, ["anthropic-beta", "user-agent"]);
        assert!(forwarded_headers(&from, true).contains_key("traceparent"));
    }

    #[test]
    fn limits_and_the_upstream_id_come_back() {
        let from = headers(&[
            ("x-ratelimit-remaining-requests", "9"),
            ("x-request-id", "up"),
            ("set-cookie", "a=b"),
            ("openai-version", "2020"),
        ]);
        let out = answer_headers(&from);
        assert_eq!(out.get("x-upstream-request-id").unwrap(), "up");
        assert!(out.contains_key("x-ratelimit-remaining-requests") && out.contains_key("openai-version"));
        assert!(!out.contains_key("set-cookie") && !out.contains_key("x-request-id"));
    }

    #[test]
    fn retry_after_is_read_in_every_form() {
        assert_eq!(retry_after(&headers(&[("retry-after", "2")]), 0), Some(2000));
        assert_eq!(retry_after(&headers(&[("retry-after", "9"), ("retry-after-ms", "150")]), 0), Some(150));
        let now = 784_111_770_000_000;
        assert_eq!(retry_after(&headers(&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")]), now), Some(7000));
        assert_eq!(retry_after(&headers(&[("retry-after", "-1")]), 0), None);
        assert_eq!(retry_after(&headers(&[("retry-after", "soon")]), 0), None);
    }
}
