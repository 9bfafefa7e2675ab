//! Which calls a configured rule is for. Pure: what is known of the call comes in as [`Facts`].

use weir_core::span::Span;
use weir_core::time::{DAY, MINUTE, Micros};

use crate::config::When;

/// The doors' paths.
const ROUTES: &[&str] = &["/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses", "/v1/messages"];

/// What a rule looks at.
pub(crate) struct Facts<'a> {
    /// The model that was asked for; empty where the request names none.
    pub model: &'a str,
    /// The path of the door.
    pub route: &'a str,
    /// Carries the call's labels.
    pub span: &'a Span,
    /// Estimated tokens of the prompt.
    pub prompt_tokens: u64,
    /// Now.
    pub now: Micros,
    /// The share of the scarcest budget that is left.
    pub budget_left: &'a dyn Fn() -> Option<f64>,
}

/// A rule's conditions, made ready.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    when: When,
    /// Minutes of the day: from, to.
    hours: Option<(i64, i64)>,
}

impl Rule {
    /// Reads the conditions.
    ///
    /// # Errors
    /// Says which one cannot be read, and how it is written.
    pub(crate) fn new(when: &When) -> Result<Self, String> {
        let hours = match &when.hours {
            None => None,
            Some(text) => Some(
                hours(text)
                    .ok_or_else(|| format!("when.hours: {text:?} is no range of hours; write \"18:00-06:00\""))?,
            ),
        };
        if hours.is_some_and(|(from, to)| from == to) {
            return Err("when.hours: begins when it ends; write \"00:00-24:00\" for the whole day".to_owned());
        }
        if let Some(odd) = when.routes.iter().find(|route| !ROUTES.contains(&route.as_str())) {
            return Err(format!("when.routes: {odd:?} is no path of a door; they are {}", ROUTES.join(", ")));
        }
        if when.budget_left_below.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            return Err("when.budget_left_below is a share of the budget: a number from 0 to 1".to_owned());
        }
        Ok(Self { when: when.clone(), hours })
    }

    /// Whether a call fulfils every condition.
    pub(crate) fn matches(&self, facts: &Facts<'_>) -> bool {
        let When { models, routes, departments, keys, projects, metadata, .. } = &self.when;
        let of = |label: &str, values: &[String]| {
            values.is_empty() || facts.span.label(label).is_some_and(|own| values.iter().any(|v| *v == own))
        };
        let model = |pattern: &String| match pattern.strip_suffix('*') {
            Some(start) => facts.model.starts_with(start),
            None => facts.model == pattern,
        };
        (models.is_empty() || models.iter().any(model))
            && (routes.is_empty() || routes.iter().any(|route| route == facts.route))
            && of("department", departments)
            && of("key", keys)
            && of("project", projects)
            && metadata.iter().all(|(name, value)| facts.span.label(name).is_some_and(|own| own == *value))
            && self.when.prompt_tokens_from.is_none_or(|least| facts.prompt_tokens >= least)
            && self.when.prompt_tokens_below.is_none_or(|most| facts.prompt_tokens < most)
            && self.hours.is_none_or(|range| within(range, facts.now))
            && self.when.budget_left_below.is_none_or(|share| (facts.budget_left)().is_some_and(|left| left < share))
    }
}

/// `18:00-06:00` as minutes of the day.
fn hours(text: &str) -> Option<(i64, i64)> {
    let minute = |text: &str| -> Option<i64> {
        let (hour, minute) = text.trim().split_once(':')?;
        let (hour, minute): (i64, i64) = (hour.parse().ok()?, minute.parse().ok()?);
        ((0..=24).contains(&hour) && (0..60).contains(&minute)).then_some(hour * 60 + minute)
    };
    let (from, to) = text.split_once('-')?;
    let range = (minute(from)?, minute(to)?);
    let day = DAY / MINUTE;
    (range.0 < day && range.1 <= day).then_some(range)
}

/// Whether an instant lies in a range of the day that may pass midnight.
fn within((from, to): (i64, i64), now: Micros) -> bool {
    let minute = now.rem_euclid(DAY) / MINUTE;
    if from <= to { (from..to).contains(&minute) } else { minute >= from || minute < to }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_core::time;

    fn matches(when: &When, at: &str, left: Option<f64>) -> bool {
        let mut span = Span { department: Some("it".into()), key: Some("ci".into()), ..Span::default() };
        span.attributes.insert("metadata".into(), r#"{"tier":"free","n":7}"#.into());
        let facts = Facts {
            model: "openai/gpt-4o",
            route: "/v1/messages",
            span: &span,
            prompt_tokens: 100,
            now: time::parse(at).unwrap(),
            budget_left: &|| left,
        };
        Rule::new(when).unwrap().matches(&facts)
    }

    #[test]
    fn every_condition_must_hold() {
        let noon = "2026-01-01T12:00:00Z";
        let list = |values: &[&str]| values.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>();
        let both = |departments: &[&str]| When {
            models: list(&["openai/*"]),
            departments: list(departments),
            ..When::default()
        };
        assert!(matches(&When::default(), noon, None));
        assert!(matches(&both(&["sales", "it"]), noon, None));
        assert!(!matches(&both(&["sales"]), noon, None));
        assert!(!matches(&When { routes: list(&["/v1/completions"]), ..When::default() }, noon, None));
        let metadata = [("tier".to_owned(), "free".to_owned()), ("n".to_owned(), "7".to_owned())].into();
        assert!(matches(&When { metadata, ..When::default() }, noon, None));
        assert!(matches(&When { prompt_tokens_from: Some(100), ..When::default() }, noon, None));
        assert!(!matches(&When { prompt_tokens_below: Some(100), ..When::default() }, noon, None));
        let poor = When { budget_left_below: Some(0.2), ..When::default() };
        assert!(matches(&poor, noon, Some(0.1)));
        assert!(!matches(&poor, noon, Some(0.5)) && !matches(&poor, noon, None));
    }

    #[test]
    fn hours_may_pass_midnight() {
        let night = When { hours: Some("18:00-06:30".into()), ..When::default() };
        for (at, is) in [("18:00", true), ("03:00", true), ("06:29", true), ("06:30", false), ("12:00", false)] {
            assert_eq!(matches(&night, &format!("2026-01-01T{at}:00Z"), None), is, "{at}");
        }
        let wrong = |hours: &str| Rule::new(&When { hours: Some(hours.into()), ..When::default() }).is_err();
        assert!(
            wrong("evening") && wrong("18-6") && wrong("25:00-26:00") && wrong("24:00-06:00") && wrong("00:00-24:30")
        );
        assert!(wrong("09:00-09:00"), "no time at all");
        let route = Rule::new(&When { routes: vec!["/v1/chat".into()], ..When::default() });
        assert!(route.unwrap_err().contains("/v1/chat/completions"));
    }
}
