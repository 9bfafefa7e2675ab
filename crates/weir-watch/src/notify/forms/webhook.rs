//! Signed JSON, as <https://www.standardwebhooks.com> has it.
//!
//! `webhook-signature` is `v1,` and the base64 of HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.{body}`. A receiver
//! refuses timestamps that are minutes old, and takes an id once. While a secret is changed for another there are two
//! signatures with a space between them, of which the receiver finds the one that it can check.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::json;
use weir_core::time::{SECOND, to_rfc3339};

use super::{Form, Parcel, When};
use crate::notify::notification::Notification;

/// Fewer bytes are guessed.
const SHORTEST: usize = 16;

/// What requests are signed with.
pub(in crate::notify) struct SigningKey(hmac::Key);

impl SigningKey {
    /// From `whsec_` and base64, or from a text as it is.
    pub(in crate::notify) fn new(text: &str) -> Result<Self, String> {
        let bytes = match text.strip_prefix("whsec_") {
            Some(coded) => STANDARD.decode(coded).map_err(|_| "what follows whsec_ is no base64".to_owned())?,
            None => text.as_bytes().to_vec(),
        };
        if bytes.len() < SHORTEST {
            return Err(format!("has {} bytes, of which {SHORTEST} are needed; 32 random ones are usual", bytes.len()));
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The value of `webhook-signature`.
    fn sign(&self, id: &str, seconds: i64, body: &str) -> String {
        let tag = hmac::sign(&self.0, format!("{id}.{seconds}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(tag.as_ref()))
    }
}

/// A server of the user's own.
pub(in crate::notify) struct Webhook {
    /// The key, and the one before it while receivers change over.
    pub(in crate::notify) keys: Vec<SigningKey>,
}

impl Form for Webhook {
    fn parcels(&self, notification: &Notification, when: When) -> Vec<Parcel> {
        let id = &notification.id;
        let body = json!({
            "id": id,
            "type": format!("alert.{}", notification.event.as_str()),
            "timestamp": to_rfc3339(when.made),
            "data": notification.alert,
        });
        let mut parcel = Parcel::json(&body);
        let seconds = when.now.div_euclid(SECOND);
        parcel.headers = vec![("webhook-id", id.clone()), ("webhook-timestamp", seconds.to_string())];
        if !self.keys.is_empty() {
            let signed: Vec<_> = self.keys.iter().map(|key| key.sign(id, seconds, &parcel.body)).collect();
            parcel.headers.push(("webhook-signature", signed.join(" ")));
        }
        vec![parcel]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_signs_as_the_standard_says() {
        // The example of the standard's own libraries.
        let key = SigningKey::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn weak_keys_are_refused() {
        assert!(SigningKey::new("whsec_!").is_err_and(|e| e.contains("no base64")));
        assert!(SigningKey::new("whsec_AAAA").is_err_and(|e| e.contains("3 bytes")));
        assert!(SigningKey::new("0123456789abcdef").is_ok());
    }
}
