//! A mail: plain text, in a thread per alert, with the id that every attempt has.

use lettre::Message;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use weir_core::time::Micros;

use super::text;
use crate::notify::notification::Notification;

/// Characters of a subject.
const MAX_SUBJECT: usize = 200;

/// The mail of a notification.
///
/// # Errors
/// When it cannot be written as one.
pub(in crate::notify) fn message(
    notification: &Notification,
    from: &Mailbox,
    to: &[Mailbox],
    made: Micros,
) -> Result<Message, String> {
    let alert = &notification.alert;
    let thread = format!("<{}.{}@weir>", id(&alert.fingerprint), alert.starts_at);
    let mut builder = Message::builder()
        .from(from.clone())
        .subject(text::cut(&format!("[weir] {}", text::headline(notification)), MAX_SUBJECT))
        .date(std::time::UNIX_EPOCH + std::time::Duration::from_micros(made.max(0).unsigned_abs()))
        .message_id(Some(format!("<{}@weir>", id(&notification.id))))
        .in_reply_to(thread.clone())
        .references(thread)
        .header(ContentType::TEXT_PLAIN);
    for receiver in to {
        builder = builder.to(receiver.clone());
    }
    // So that nobody's absence is answered.
    let auto = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
    builder = builder.raw_header(auto);
    builder.body(body(notification)).map_err(|error| format!("it cannot be written as a mail: {error}"))
}

fn body(notification: &Notification) -> String {
    let alert = &notification.alert;
    let mut body = format!("{}\n", text::headline(notification));
    if !alert.description.is_empty() {
        body.push_str(&format!("\n{}\n", alert.description.trim_end()));
    }
    body.push('\n');
    let facts = text::facts(alert);
    let wide = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, what) in facts {
        body.push_str(&format!("{name:<wide$}  {}\n", what.replace('\n', " ")));
    }
    let links = [("Runbook", alert.runbook_url.as_deref().unwrap_or_default()), ("Weir", alert.url.as_str())];
    let links: Vec<_> = links.into_iter().filter(|(_, url)| !url.is_empty()).collect();
    if !links.is_empty() {
        body.push('\n');
    }
    for (name, url) in links {
        body.push_str(&format!("{name}: {url}\n"));
    }
    body
}

/// What may stand before the @ of a message id.
fn id(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '.' { c } else { '-' }).take(200).collect()
}
