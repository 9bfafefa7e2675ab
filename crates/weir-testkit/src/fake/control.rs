//! The control endpoints under `/__fake`: what a test asks about what the provider saw.

use bytes::Bytes;
use http::{Method, StatusCode, Uri};

use super::record::Ledger;

/// The path prefix of the control endpoints.
pub(crate) const PREFIX: &str = "/__fake";

/// Answers a control request with a status and JSON.
pub(crate) fn answer(ledger: &Ledger, method: &Method, uri: &Uri) -> (StatusCode, Bytes) {
    let asked = (method, uri.path().strip_prefix(PREFIX).unwrap_or_default());
    let json = match asked {
        (&Method::GET, "/requests") => serde_json::to_vec(&ledger.recorded(key(uri).as_deref())),
        (&Method::DELETE, "/requests") => {
            ledger.clear();
            Ok(b"{\"cleared\":true}".to_vec())
        }
        (&Method::GET, "/stats") => serde_json::to_vec(&ledger.stats()),
        _ => {
            return (StatusCode::NOT_FOUND, Bytes::from_static(b"{\"error\":\"no such control endpoint\"}"));
        }
    };
    match json {
        Ok(json) => (StatusCode::OK, json.into()),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string().into()),
    }
}

fn key(uri: &Uri) -> Option<String> {
    let query = uri.query()?;
    query.split('&').find_map(|pair| pair.strip_prefix("key=")).map(decode)
}

/// Decodes `%XX`; what is no valid escape stays as it is.
pub(crate) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |place: usize| bytes.get(place).and_then(|byte| (*byte as char).to_digit(16));
        match (bytes[at], hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_and_others_left() {
        assert_eq!(decode("gpt%21status%3D500%"), "gpt!status=500%");
        assert_eq!(decode("100%zz"), "100%zz");
    }
}
