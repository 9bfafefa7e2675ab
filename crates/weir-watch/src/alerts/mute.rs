//! When nothing is told: times of the week that a rule names, and silences that people set for once.
//!
//! A muted alert is evaluated and shown as ever; what would have been told is told when the mute ends, if it still holds.

use jiff::Timestamp;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use weir_core::time::{Micros, rfc3339};

use super::document::MuteDoc;
use super::parse::Problem;
use crate::calendar::zone;

/// A time of the week.
#[derive(Clone, Debug, PartialEq)]
pub struct MuteWindow {
    /// Days on which it begins; empty: every day.
    days: Vec<Weekday>,
    from: Time,
    to: Time,
    zone: TimeZone,
}

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

impl MuteWindow {
    /// Reads a window.
    ///
    /// # Errors
    /// Names the member.
    pub fn new(doc: &MuteDoc) -> Result<Self, Problem> {
        let time = |field: &str, text: &str| {
            let wrong = || Problem::new(field, format!("\"{text}\" is no time of day; write it as \"22:00\""));
            if text.len() != 5 { Err(wrong()) } else { text.parse::<Time>().map_err(|_| wrong()) }
        };
        let (from, to) = (time("from", &doc.from)?, time("to", &doc.to)?);
        if from == to {
            return Err(Problem::new("to", "it equals \"from\", so the window is empty; disable the rule instead"));
        }
        let day = |name: &String| {
            let known = DAYS.iter().find(|(day, _)| *day == name.to_ascii_lowercase()).map(|(_, day)| *day);
            known.ok_or_else(|| Problem::new("days", format!("\"{name}\" is no day; write mon, tue, ... sun")))
        };
        let days = doc.days.iter().map(day).collect::<Result<_, _>>()?;
        Ok(Self { days, from, to, zone: zone(doc.timezone.as_deref())? })
    }

    /// Whether an instant lies inside.
    #[must_use]
    pub fn holds(&self, at: Micros) -> bool {
        let Ok(at) = Timestamp::from_microsecond(at) else { return false };
        let local = at.to_zoned(self.zone.clone());
        let (time, today) = (local.time(), local.weekday());
        let on = |day: Weekday| self.days.is_empty() || self.days.contains(&day);
        if self.from < self.to {
            return on(today) && time >= self.from && time < self.to;
        }
        // Over midnight: begun today, or yesterday.
        (on(today) && time >= self.from) || (on(today.previous()) && time < self.to)
    }
}

/// A silence that somebody set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertMute)]
pub struct Silence {
    /// Its id.
    #[serde(default)]
    pub id: String,
    /// Only of this rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<String>,
    /// Only series with these labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// From when.
    #[serde(with = "rfc3339", default)]
    #[schema(value_type = String)]
    pub starts_at: Micros,
    /// Until when.
    #[serde(with = "rfc3339")]
    #[schema(value_type = String)]
    pub ends_at: Micros,
    /// Who.
    #[serde(default)]
    pub by: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

impl Silence {
    /// Whether it silences a series at an instant.
    #[must_use]
    pub fn holds(&self, rule: &str, labels: &BTreeMap<String, String>, at: Micros) -> bool {
        at >= self.starts_at
            && at < self.ends_at
            && self.rule_id.as_deref().is_none_or(|id| id == rule)
            && self.labels.iter().all(|(name, value)| labels.get(name) == Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Micros {
        weir_core::time::parse(text).unwrap()
    }

    fn window(days: &[&str], from: &str, to: &str, zone: Option<&str>) -> Result<MuteWindow, String> {
        let days = days.iter().map(|d| (*d).to_owned()).collect();
        let doc = MuteDoc { days, from: from.into(), to: to.into(), timezone: zone.map(str::to_owned) };
        MuteWindow::new(&doc).map_err(|e| e.to_string())
    }

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_it_begins_on() {
        let night = window(&["Fri"], "22:00", "06:00", None).unwrap();
        assert!(night.holds(at("2026-11-27T23:00:00Z")), "Friday night");
        assert!(night.holds(at("2026-11-28T05:59:00Z")), "its morning");
        assert!(!night.holds(at("2026-11-28T06:00:00Z")));
        assert!(!night.holds(at("2026-11-28T23:00:00Z")), "Saturday night");
    }

    #[test]
    fn windows_are_of_their_zone() {
        let noon = window(&[], "12:00", "13:00", Some("Europe/Berlin")).unwrap();
        assert!(noon.holds(at("2026-07-01T10:30:00Z")), "summer");
        assert!(noon.holds(at("2026-12-01T11:30:00Z")), "winter");
        assert!(!noon.holds(at("2026-12-01T10:30:00Z")));
    }

    #[test]
    fn refusals_name_the_member() {
        assert_eq!(
            window(&[], "25:00", "06:00", None).unwrap_err(),
            "from: \"25:00\" is no time of day; write it as \"22:00\""
        );
        assert!(window(&["someday"], "01:00", "06:00", None).unwrap_err().starts_with("days: \"someday\""));
        assert!(window(&[], "01:00", "01:00", None).unwrap_err().starts_with("to: it equals"));
        assert!(window(&[], "01:00", "02:00", Some("Mars")).unwrap_err().starts_with("timezone: \"Mars\""));
    }

    #[test]
    fn a_silence_is_of_its_rule_its_labels_and_its_time() {
        let silence = Silence {
            id: "s".into(),
            rule_id: Some("r".into()),
            labels: [("model".to_owned(), "a".to_owned())].into(),
            starts_at: 10,
            ends_at: 20,
            by: String::new(),
            reason: String::new(),
        };
        let labels = |model: &str| [("model".to_owned(), model.to_owned())].into();
        assert!(silence.holds("r", &labels("a"), 10));
        assert!(!silence.holds("r", &labels("b"), 10));
        assert!(!silence.holds("q", &labels("a"), 10));
        assert!(!silence.holds("r", &labels("a"), 20));
    }
}
