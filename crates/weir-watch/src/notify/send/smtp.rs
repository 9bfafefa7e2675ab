//! One mail. The connection is encrypted before anything is said, or does not leave this machine.

use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::response::Response;
use lettre::transport::smtp::{AsyncSmtpTransport, Error};
use lettre::{AsyncTransport, Message, Tokio1Executor};
use weir_core::units::Time;

use super::Outcome;
use crate::notify::channel::{Channel, Mail, Security};
use crate::notify::forms::{When, mail};
use crate::notify::notification::Notification;

pub(super) async fn send(channel: &Channel, to: &Mail, notification: &Notification, when: When) -> Outcome {
    let message = match mail::message(notification, &to.from, &to.to, when.made) {
        Ok(message) => message,
        Err(wrong) => return Outcome::Refused(wrong),
    };
    match tokio::time::timeout(channel.timeout, transmit(to, channel, message)).await {
        Err(_) => Outcome::later(format!("no answer within {}", Time(channel.timeout))),
        Ok(Ok(response)) => {
            let said: Vec<&str> = response.message().collect();
            Outcome::Taken(channel.clean(&format!("answers {}: {}", response.code(), said.join(" "))))
        }
        Ok(Err(error)) => {
            let said = channel.clean(&explain(&error));
            // 5xx is for good; 4xx and what no server said may pass.
            if error.is_permanent() || error.is_client() { Outcome::Refused(said) } else { Outcome::later(said) }
        }
    }
}

async fn transmit(to: &Mail, channel: &Channel, message: Message) -> Result<Response, Error> {
    let tls = match to.security {
        Security::Plain => Tls::None,
        Security::Tls => Tls::Wrapper(trusting(&to.host)?),
        Security::StartTls => Tls::Required(trusting(&to.host)?),
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(to.host.clone())
        .port(to.port)
        .tls(tls)
        .timeout(Some(channel.timeout));
    if let Some(credentials) = &to.credentials {
        builder = builder.credentials(credentials.clone());
    }
    builder.build().send(message).await
}

/// Whom the server's certificate is checked against: the same authorities as everywhere.
fn trusting(host: &str) -> Result<TlsParameters, Error> {
    let mut builder = TlsParameters::builder(host.to_owned()).certificate_store(CertificateStore::WebpkiRoots);
    for authority in weir_tls::own_authorities() {
        builder = builder.add_root_certificate(Certificate::from_der(authority.to_vec())?);
    }
    builder.build_rustls()
}

fn explain(error: &Error) -> String {
    let mut text = match error.status() {
        Some(code) => format!("answers {code}"),
        None if error.is_timeout() => "no answer in time".to_owned(),
        None => "cannot be used".to_owned(),
    };
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    text.push_str(&format!(": {cause}"));
    text
}
