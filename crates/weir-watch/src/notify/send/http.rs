//! One request. Redirects are not followed, so that secrets go nowhere else; the answer is read up to a bound.

use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url};
use weir_core::time::{Micros, SECOND};

use super::Outcome;
use crate::notify::channel::Channel;
use crate::notify::forms::Parcel;

/// Bytes of an answer that are read; it is only for people.
const MAX_ANSWER: usize = 4 << 10;

pub(super) fn client() -> Result<Client, reqwest::Error> {
    Client::builder()
        .tls_backend_preconfigured(weir_tls::client())
        .user_agent(concat!("weir/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(0)
        .build()
}

pub(super) async fn send(
    client: &Client,
    channel: &Channel,
    url: &Url,
    headers: &HeaderMap,
    parcel: &Parcel,
    now: Micros,
) -> Outcome {
    let mut request = client.post(url.clone()).timeout(channel.timeout).headers(headers.clone());
    request = request.header(CONTENT_TYPE, "application/json").body(parcel.body.clone());
    for (name, value) in &parcel.headers {
        request = request.header(*name, value);
    }
    match request.send().await {
        Ok(answer) => {
            let (status, asked) = (answer.status(), asked(answer.headers(), now));
            let body = body(answer).await;
            judge(status, asked, &channel.clean(&body))
        }
        Err(error) if error.is_timeout() => {
            Outcome::later(format!("no answer within {}", weir_core::units::Time(channel.timeout)))
        }
        Err(error) => Outcome::later(channel.clean(&format!("cannot be reached: {}", root(&error.without_url())))),
    }
}

/// What an answer means. `said` is what its body says, as it may be seen.
fn judge(status: StatusCode, asked: Option<Micros>, said: &str) -> Outcome {
    let text = if said.is_empty() {
        format!("answers {}", status.as_u16())
    } else {
        format!("answers {}: {said}", status.as_u16())
    };
    match status.as_u16() {
        200..=299 => Outcome::Taken(text),
        300..=399 => Outcome::Refused(format!(
            "answers {}: it redirects, which is not followed; name the address that it leads to",
            status.as_u16()
        )),
        408 | 425 | 429 | 500.. => Outcome::Later { said: text, asked },
        _ => Outcome::Refused(text),
    }
}

/// How long the receiver wants to be left alone: seconds, or a date.
fn asked(headers: &HeaderMap, now: Micros) -> Option<Micros> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<i64>() {
        return Some(seconds.clamp(0, 86_400) * SECOND);
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(date.timestamp().as_microsecond().saturating_sub(now).max(0))
}

async fn body(mut answer: Response) -> String {
    let mut body = Vec::new();
    while let Ok(Some(piece)) = answer.chunk().await {
        body.extend_from_slice(&piece);
        if body.len() >= MAX_ANSWER {
            body.truncate(MAX_ANSWER);
            break;
        }
    }
    String::from_utf8_lossy(&body).into_owned()
}

/// The innermost reason, without the layers of the client around it.
fn root(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_succeed_later_is_told_from_what_cannot() {
        let of = |code| judge(StatusCode::from_u16(code).unwrap(), Some(5), "why");
        assert_eq!(of(202), Outcome::Taken("answers 202: why".into()));
        for later in [408, 425, 429, 500, 503, 599] {
            assert_eq!(of(later), Outcome::Later { said: format!("answers {later}: why"), asked: Some(5) });
        }
        for never in [301, 307, 400, 401, 403, 404, 410, 413, 422] {
            assert!(matches!(of(never), Outcome::Refused(_)), "{never}");
        }
    }

    #[test]
    fn a_pause_is_asked_for_in_seconds_or_as_a_date() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            asked(&headers, 784_111_777 * SECOND - 10 * SECOND)
        };
        assert_eq!(of("120"), Some(120 * SECOND));
        assert_eq!(of("Sun, 06 Nov 1994 08:49:37 GMT"), Some(10 * SECOND));
        assert_eq!(of("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!(of("soon"), None);
    }
}
