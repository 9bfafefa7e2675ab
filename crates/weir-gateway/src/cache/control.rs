//! What one request wants of the cache: its `Cache-Control` header and its `cache` member, over the configuration.
//!
//! The member's names are read with hyphens or underscores, as other gateways' clients write either. A header that
//! cannot be understood is taken in its careful sense, as HTTP demands; a member that cannot is refused.

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::HeaderMap;
use http::header::CACHE_CONTROL;
use serde_json::value::RawValue;
use weir_core::error::Error;
use weir_core::time::{DAY, Micros, SECOND};
use weir_core::units::Time;

use crate::config::CacheConfig;

/// Longest name of a namespace.
const MAX_NAMESPACE: usize = 128;
/// Longest time that a request can ask for.
const MAX_TTL: Micros = 365 * DAY;

const KNOWN: &str = "ttl, max_age, no_cache, no_store, namespace, use_cache, semantic_threshold";

/// What one request wants of the cache.
#[derive(Clone, Debug, PartialEq)]
pub struct Control {
    /// Whether it may be answered from the cache.
    pub read: bool,
    /// Whether its answer may be stored.
    pub write: bool,
    /// Oldest answer that will do, in microseconds.
    pub max_age_us: Option<Micros>,
    /// How long its answer may be given again, in microseconds.
    pub ttl_us: Micros,
    /// Separates answers that are not to be mixed.
    pub namespace: String,
    /// Least similarity of an answer to a request of nearly the same meaning; `None` where only equal ones will do.
    pub semantic: Option<f32>,
}

impl Control {
    /// Neither answered from the cache nor stored in it.
    #[must_use]
    pub fn off() -> Self {
        Self { read: false, write: false, max_age_us: None, ttl_us: 0, namespace: String::new(), semantic: None }
    }

    /// Reads what a request wants: its headers and the JSON text of its `cache` member.
    ///
    /// # Errors
    /// 400 naming the member that is of a wrong type or not known; also where nothing is cached, so that a mistake
    /// does not wait for that.
    pub fn of(config: &CacheConfig, headers: &HeaderMap, member: Option<&str>) -> Result<Self, Error> {
        let semantic = &config.semantic;
        let mut control = Self {
            read: true,
            write: true,
            max_age_us: None,
            ttl_us: micros(config.ttl),
            namespace: String::new(),
            semantic: semantic.enabled.then_some(semantic.threshold as f32),
        };
        for value in headers.get_all(CACHE_CONTROL) {
            control.directives(&String::from_utf8_lossy(value.as_bytes()));
        }
        if let Some(text) = member {
            control.member(text)?;
        }
        Ok(if config.is_on() { control } else { Self::off() })
    }

    /// Whether an entry of that age will do.
    #[must_use]
    pub fn accepts_age(&self, age_us: Micros) -> bool {
        self.max_age_us.is_none_or(|max| age_us <= max)
    }

    fn directives(&mut self, value: &str) {
        for directive in value.split(',') {
            let (name, argument) = directive.split_once('=').unwrap_or((directive, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "no-cache" => self.read = false,
                "no-store" => self.neither(),
                "max-age" => {
                    let seconds = argument.trim().trim_matches('"').parse::<u32>().unwrap_or(0);
                    self.no_older_than(Micros::from(seconds) * SECOND);
                }
                _ => {}
            }
        }
    }

    fn neither(&mut self) {
        self.read = false;
        self.write = false;
    }

    fn no_older_than(&mut self, age_us: Micros) {
        self.max_age_us = Some(self.max_age_us.map_or(age_us, |other| other.min(age_us)));
    }

    fn member(&mut self, text: &str) -> Result<(), Error> {
        let members: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(text).map_err(|_| {
            Error::invalid(
                "cache",
                "\"cache\" must be an object, as in \"cache\": {\"ttl\": 600, \"namespace\": \"a\"}",
            )
        })?;
        for (name, raw) in members {
            let value = raw.get();
            if value == "null" {
                continue;
            }
            match name.replace('-', "_").as_str() {
                "no_cache" => self.read &= !boolean(&name, value)?,
                "no_store" => {
                    if boolean(&name, value)? {
                        self.neither();
                    }
                }
                "use_cache" => {
                    if !boolean(&name, value)? {
                        self.neither();
                    }
                }
                "ttl" => self.ttl_us = duration(&name, value)?,
                "max_age" | "s_maxage" | "s_max_age" => self.no_older_than(duration(&name, value)?),
                "namespace" => {
                    self.namespace = serde_json::from_str::<String>(value)
                        .ok()
                        .filter(|text| text.len() <= MAX_NAMESPACE)
                        .ok_or_else(|| wrong(&name, &format!("a string of at most {MAX_NAMESPACE} bytes")))?;
                }
                "semantic_threshold" => {
                    let threshold = serde_json::from_str::<f32>(value)
                        .ok()
                        .filter(|t| *t > 0.0 && *t <= 1.0)
                        .ok_or_else(|| wrong(&name, "a number above 0 and at most 1, as in 0.95"))?;
                    self.semantic = self.semantic.map(|_| threshold);
                }
                _ => {
                    let param = format!("cache.{name}");
                    let message = format!("\"{param}\" is not known; \"cache\" may have {KNOWN}");
                    return Err(Error::invalid(param, message));
                }
            }
        }
        // What has expired when it is stored need not be.
        self.write &= self.ttl_us > 0;
        Ok(())
    }
}

fn micros(time: Time) -> Micros {
    Micros::try_from(time.0.as_micros()).unwrap_or(MAX_TTL).min(MAX_TTL)
}

fn wrong(name: &str, what: &str) -> Error {
    Error::invalid(format!("cache.{name}"), format!("\"cache.{name}\" must be {what}"))
}

fn boolean(name: &str, value: &str) -> Result<bool, Error> {
    serde_json::from_str(value).map_err(|_| wrong(name, "true or false"))
}

/// Seconds, or a text with a unit; what is longer than the bound is the bound.
fn duration(name: &str, value: &str) -> Result<Micros, Error> {
    if let Ok(seconds) = serde_json::from_str::<f64>(value)
        && seconds >= 0.0
    {
        return Ok(((seconds * SECOND as f64) as Micros).min(MAX_TTL));
    }
    let text: Option<String> = serde_json::from_str(value).ok();
    text.and_then(|text| text.parse().ok())
        .map(micros)
        .ok_or_else(|| wrong(name, "a number of seconds, or a text as in \"10m\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SemanticConfig;

    fn config() -> CacheConfig {
        CacheConfig { exact: true, ..CacheConfig::default() }
    }

    fn of(header: &str, member: &str) -> Result<Control, Error> {
        let mut headers = HeaderMap::new();
        if !header.is_empty() {
            headers.insert("cache-control", header.parse().unwrap());
        }
        Control::of(&config(), &headers, (!member.is_empty()).then_some(member))
    }

    #[test]
    fn headers_and_member_say_the_same_things() {
        let plain = of("", "").unwrap();
        assert_eq!((plain.read, plain.write, plain.max_age_us, plain.ttl_us), (true, true, None, 3_600 * SECOND));
        for (header, member) in [
            ("no-cache", r#"{"no-cache":true}"#),
            ("private, No-Cache", r#"{"no_cache":true,"ttl":null}"#),
            ("no-store", r#"{"no-store":true}"#),
            ("no-cache,no-store", r#"{"use-cache":false}"#),
            ("max-age=60", r#"{"s-maxage":60}"#),
            ("max-age=\"60\", max-age=90", r#"{"max_age":"1m"}"#),
            ("max-age=soon", r#"{"s-max-age":0}"#),
            ("max-stale=5, only-if-cached", r#"{"use_cache":true,"no_cache":false}"#),
        ] {
            assert_eq!(of(header, ""), of("", member), "{header} {member}");
        }
        assert!(!of("no-cache", "").unwrap().read && of("no-cache", "").unwrap().write);
        assert!(!of("no-store", "").unwrap().read && !of("no-store", "").unwrap().write);
        // Whoever asks for less gets less.
        assert_eq!(of("max-age=60", r#"{"max_age":30}"#).unwrap().max_age_us, Some(30 * SECOND));
        assert!(!of("no-store", r#"{"no_store":false}"#).unwrap().write);
    }

    #[test]
    fn times_are_seconds_or_texts_and_bounded() {
        let ttl = |text: &str| of("", &format!("{{\"ttl\":{text}}}")).unwrap();
        assert_eq!(ttl("1.5").ttl_us, 1_500_000);
        assert_eq!(ttl("\"2h\"").ttl_us, 7_200 * SECOND);
        assert_eq!(ttl("1e300").ttl_us, MAX_TTL);
        assert!(ttl("0").read && !ttl("0").write);
        let control = of("max-age=10", "").unwrap();
        assert!(control.accepts_age(10 * SECOND) && !control.accepts_age(10 * SECOND + 1));
    }

    #[test]
    fn mistakes_name_the_member() {
        for (member, param) in [
            ("true", "cache"),
            ("[]", "cache"),
            (r#"{"ttl":-1}"#, "cache.ttl"),
            (r#"{"ttl":"soon"}"#, "cache.ttl"),
            (r#"{"s-maxage":[]}"#, "cache.s-maxage"),
            (r#"{"no-cache":"yes"}"#, "cache.no-cache"),
            (r#"{"use_cache":1}"#, "cache.use_cache"),
            (r#"{"namespace":1}"#, "cache.namespace"),
            (r#"{"semantic_threshold":1.5}"#, "cache.semantic_threshold"),
            (r#"{"no_cahce":true}"#, "cache.no_cahce"),
        ] {
            let error = of("", member).unwrap_err();
            assert_eq!(error.param.as_deref(), Some(param), "{member}");
            assert!(error.message.contains(param), "{}", error.message);
        }
        let long = format!("{{\"namespace\":\"{}\"}}", "n".repeat(129));
        assert!(of("", &long).is_err());
    }

    #[test]
    fn a_request_turns_nothing_on() {
        let off = CacheConfig::default();
        let member = r#"{"use_cache":true,"semantic_threshold":0.5}"#;
        assert_eq!(Control::of(&off, &HeaderMap::new(), Some(member)).unwrap(), Control::off());
        assert!(Control::of(&off, &HeaderMap::new(), Some("7")).is_err());
        assert_eq!(of("", member).unwrap().semantic, None);
        let on = CacheConfig { semantic: SemanticConfig { enabled: true, ..SemanticConfig::default() }, ..off };
        assert_eq!(Control::of(&on, &HeaderMap::new(), Some(member)).unwrap().semantic, Some(0.5));
        assert_eq!(Control::of(&on, &HeaderMap::new(), None).unwrap().semantic, Some(0.95));
    }
}
