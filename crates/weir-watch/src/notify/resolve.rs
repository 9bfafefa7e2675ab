//! From the configuration to channels. Every mistake names its key; no message holds a value that may be secret.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};
use weir_core::secret::{Secret, resolve};
use weir_core::units::Time;

use super::address;
use super::channel::{Channel, Mail, Security, Way};
use super::config::{ChannelConfig, ChannelKind};
use super::forms::{self, Form};

/// Most channels.
const MAX_CHANNELS: usize = 100;
/// Most receivers of a mail.
const MAX_RECEIVERS: usize = 50;
/// Shorter texts are no secrets worth looking for in messages.
const SHORTEST_SECRET: usize = 4;
/// Where `PagerDuty` takes events.
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";
/// Headers that are the form's own.
const OWN_HEADERS: &[&str] = &["content-type", "content-length", "transfer-encoding", "host", "connection"];

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// All channels of a configuration.
pub(super) fn all(configs: &[ChannelConfig], env: Env<'_>) -> Result<Vec<Arc<Channel>>, String> {
    if configs.len() > MAX_CHANNELS {
        return Err(format!("channels: there are {}, of which at most {MAX_CHANNELS} are possible", configs.len()));
    }
    let mut names = BTreeSet::new();
    let mut channels = Vec::new();
    for (n, config) in configs.iter().enumerate() {
        let name = &config.name;
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
            return Err(format!(
                "channels[{n}].name: {name:?} must be 1 to 64 letters, digits, - and _, as in name = \"ops\""
            ));
        }
        if !names.insert(name.as_str()) {
            return Err(format!("channels[{n}].name: there are two channels {name:?}; rename one"));
        }
        let channel = one(config, env).map_err(|wrong| format!("channels.{name}.{wrong}"))?;
        channels.push(Arc::new(channel));
    }
    Ok(channels)
}

fn one(config: &ChannelConfig, env: Env<'_>) -> Result<Channel, String> {
    only_its_keys(config)?;
    let within = |key: &str, time: Time, least: u64, most: u64| match time.0.as_secs_f64() {
        seconds if seconds >= least as f64 && seconds <= most as f64 => Ok(()),
        _ => Err(format!("{key}: must be from {} to {}", Time::secs(least), Time::secs(most))),
    };
    within("timeout", config.timeout, 1, 120)?;
    within("give_up_after", config.give_up_after, 1, 30 * 86_400)?;
    within("repeat", config.repeat, 1, 3_600)?;
    let mut secrets = Vec::new();
    let (way, shown) = match config.kind {
        ChannelKind::Email => mail(config, env, &mut secrets)?,
        _ => http(config, env, &mut secrets)?,
    };
    let micros = |time: Time| i64::try_from(time.0.as_micros()).unwrap_or(i64::MAX);
    Ok(Channel {
        name: config.name.clone(),
        kind: config.kind,
        shown,
        severities: config.severities.clone(),
        signed: config.secret.is_some(),
        target: digest(config),
        way,
        timeout: config.timeout.0,
        give_up_after: micros(config.give_up_after),
        repeat: (config.kind == ChannelKind::Alertmanager).then(|| micros(config.repeat)),
        secrets: secrets.into_iter().filter(|text| text.len() >= SHORTEST_SECRET).map(Secret::from).collect(),
    })
}

/// Refuses keys of another kind.
fn only_its_keys(config: &ChannelConfig) -> Result<(), String> {
    use ChannelKind::{Alertmanager, Email, PagerDuty, Webhook};
    let usual = ChannelConfig::default();
    let keys: [(&str, bool, &[ChannelKind]); 10] = [
        ("secret", config.secret.is_some(), &[Webhook]),
        ("old_secret", config.old_secret.is_some(), &[Webhook]),
        ("routing_key", config.routing_key.is_some(), &[PagerDuty]),
        ("user", config.user.is_some(), &[Email, Webhook, Alertmanager]),
        ("password", config.password.is_some(), &[Email, Webhook, Alertmanager]),
        ("headers", !config.headers.is_empty(), &[Webhook, Alertmanager]),
        ("from", config.from.is_some(), &[Email]),
        ("to", !config.to.is_empty(), &[Email]),
        ("starttls", config.starttls != usual.starttls, &[Email]),
        ("repeat", config.repeat != usual.repeat, &[Alertmanager]),
    ];
    match keys.iter().find(|(_, set, of)| *set && !of.contains(&config.kind)) {
        None => Ok(()),
        Some((key, _, of)) => {
            let of: Vec<_> = of.iter().map(|kind| kind.as_str()).collect();
            Err(format!("{key}: belongs to kind {}, and this is {}", of.join(", "), config.kind.as_str()))
        }
    }
}

/// A secret, which must stand in the environment.
fn secret(key: &str, text: &Secret, env: Env<'_>) -> Result<String, String> {
    if !text.expose().starts_with("env:") {
        return Err(format!("{key}: is a secret; put it into an environment variable and write \"env:NAME\""));
    }
    resolve(text.expose(), env).map_err(|wrong| format!("{key}: {wrong}"))
}

fn http(config: &ChannelConfig, env: Env<'_>, secrets: &mut Vec<String>) -> Result<(Way, String), String> {
    let text = match (&config.url, config.kind) {
        (None, ChannelKind::PagerDuty) => PAGERDUTY.into(),
        (None, _) => return Err("url: is missing; write the address that alerts are sent to".to_owned()),
        (Some(url), ChannelKind::Slack) => {
            secret("url", url, env)?;
            url.clone()
        }
        (Some(url), _) => url.clone(),
    };
    let hidden = text.expose().starts_with("env:");
    let text = resolve(text.expose(), env).map_err(|wrong| format!("url: {wrong}"))?;
    let headers = headers(config, env, secrets)?;
    let url = address::web(&text, hidden || !headers.is_empty() || config.kind == ChannelKind::PagerDuty)
        .map_err(|wrong| format!("url: {wrong}"))?;
    if hidden {
        secrets.push(url.path().trim_matches('/').to_owned());
        secrets.extend(url.query().map(str::to_owned));
        secrets.extend(url.path_segments().into_iter().flatten().filter(|part| part.len() >= 16).map(str::to_owned));
    }
    let form = form(config, env, secrets)?;
    let shown = address::shown(&url, hidden);
    let url = form.address(url);
    Ok((Way::Http { url, headers, form }, shown))
}

fn form(config: &ChannelConfig, env: Env<'_>, secrets: &mut Vec<String>) -> Result<Box<dyn Form>, String> {
    Ok(match config.kind {
        ChannelKind::Slack => Box::new(forms::Slack),
        ChannelKind::Alertmanager => {
            let repeat = i64::try_from(config.repeat.0.as_micros()).unwrap_or(i64::MAX);
            Box::new(forms::Alertmanager { hold: repeat.saturating_mul(5) })
        }
        ChannelKind::PagerDuty => {
            let key = config.routing_key.as_ref().ok_or("routing_key: is missing; write \"env:NAME\"")?;
            let key = secret("routing_key", key, env)?;
            secrets.push(key.clone());
            Box::new(forms::PagerDuty { routing_key: key.into() })
        }
        ChannelKind::Webhook | ChannelKind::Email => {
            if config.secret.is_none() && config.old_secret.is_some() {
                return Err("old_secret: stands beside the new one: set secret too, or only that".to_owned());
            }
            let mut keys = Vec::new();
            for (name, given) in [("secret", &config.secret), ("old_secret", &config.old_secret)] {
                if let Some(given) = given {
                    let text = secret(name, given, env)?;
                    keys.push(forms::SigningKey::new(&text).map_err(|e| format!("{name}: {e}"))?);
                    secrets.push(text.trim_start_matches("whsec_").to_owned());
                }
            }
            Box::new(forms::Webhook { keys })
        }
    })
}

fn headers(config: &ChannelConfig, env: Env<'_>, secrets: &mut Vec<String>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (header, text) in &config.headers {
        let key = format!("headers.{header}");
        let name = HeaderName::from_bytes(header.as_bytes()).map_err(|_| format!("{key}: is no name of a header"))?;
        if OWN_HEADERS.contains(&name.as_str()) || name.as_str().starts_with("webhook-") {
            return Err(format!("{key}: is set by Weir; leave it out"));
        }
        let text = secret(&key, text, env)?;
        if headers.insert(name, value(&key, &text)?).is_some() {
            return Err(format!("{key}: stands twice, written differently"));
        }
        // Schemes such as Bearer are followed by what is secret.
        secrets.extend(text.split_once(' ').map(|(_, secret)| secret.to_owned()));
        secrets.push(text);
    }
    if let Some((user, password)) = credentials(config, env)? {
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        if headers.insert(AUTHORIZATION, value("password", &format!("Basic {pair}"))?).is_some() {
            return Err("headers.authorization: a user is set, too; leave out one of them".to_owned());
        }
        secrets.extend([pair, password]);
    }
    Ok(headers)
}

fn value(key: &str, text: &str) -> Result<HeaderValue, String> {
    let mut value =
        HeaderValue::from_str(text).map_err(|_| format!("{key}: holds characters that cannot stand in a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn credentials(config: &ChannelConfig, env: Env<'_>) -> Result<Option<(String, String)>, String> {
    match (&config.user, &config.password) {
        (None, None) => Ok(None),
        (Some(user), Some(password)) => Ok(Some((user.clone(), secret("password", password, env)?))),
        (Some(_), None) => Err("password: is missing beside user; write \"env:NAME\"".to_owned()),
        (None, Some(_)) => Err("user: is missing beside password".to_owned()),
    }
}

fn mail(config: &ChannelConfig, env: Env<'_>, secrets: &mut Vec<String>) -> Result<(Way, String), String> {
    let text = config.url.as_ref().ok_or("url: is missing; write smtps://host:465 or smtp://host:587")?;
    let text = resolve(text.expose(), env).map_err(|wrong| format!("url: {wrong}"))?;
    let wrong = || "url: is no address of a mail server; write smtps://host:465 or smtp://host:587".to_owned();
    let url = Url::parse(text.trim()).map_err(|_| wrong())?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(wrong)?.to_owned();
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err("url: holds more than a host and a port; a user and a password have keys of their own".to_owned());
    }
    let (security, usual) = match url.scheme() {
        "smtps" => (Security::Tls, 465),
        "smtp" if config.starttls => (Security::StartTls, 587),
        "smtp" if address::is_loopback(&host) => (Security::Plain, 25),
        "smtp" => return Err("starttls: may be false only within this machine; take it out".to_owned()),
        _ => return Err(wrong()),
    };
    let mailbox = |key: &str, text: &str| -> Result<Mailbox, String> {
        text.parse().map_err(|_| format!("{key}: {text:?} is no address; write \"weir@example.com\""))
    };
    let from = config.from.as_deref().ok_or("from: is missing; write the sender's address")?;
    let from = mailbox("from", from)?;
    if config.to.is_empty() || config.to.len() > MAX_RECEIVERS {
        return Err(format!("to: name 1 to {MAX_RECEIVERS} receivers, as in to = [\"ops@example.com\"]"));
    }
    let to = config.to.iter().map(|text| mailbox("to", text)).collect::<Result<_, _>>()?;
    let credentials = credentials(config, env)?.map(|(user, password)| {
        secrets.push(password.clone());
        Credentials::new(user, password)
    });
    let port = url.port().unwrap_or(usual);
    let shown = format!("{}://{host}:{port} to {}", url.scheme(), config.to.join(", "));
    let host = host.trim_matches(['[', ']']).to_owned();
    Ok((Way::Mail(Mail { host, port, security, credentials, from, to }), shown))
}

/// Of the settings as written, in which secrets are names of variables.
fn digest(config: &ChannelConfig) -> String {
    let text = serde_json::to_vec(config).unwrap_or_default();
    hex::encode(Sha256::digest(text))
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
