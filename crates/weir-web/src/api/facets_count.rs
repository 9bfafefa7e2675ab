//! Counting the values of fields in a list of spans: pure.

use std::collections::BTreeMap;

use weir_core::span::Span;

use super::facets_json::{FacetJson, FacetValueJson};
use super::params::ATTRIBUTE;

/// Attributes that are told of; the most frequent ones.
const MOST_ATTRIBUTES: usize = 20;
/// Distinct values of one field that are counted; what is nearly always another one, as an id, ends there.
const MOST_VALUES: usize = 2_000;
/// Longer values are text, and no one filters by them.
const LONGEST: usize = 120;

/// A field of a span by the name of its parameter.
type Of = fn(&Span) -> Vec<String>;

fn one(value: Option<&String>) -> Vec<String> {
    value.cloned().into_iter().collect()
}

/// The fields, in the order in which they are told.
const FIELDS: [(&str, Of); 18] = [
    ("model", |s| one(s.model.as_ref())),
    ("provider", |s| one(s.provider.as_ref())),
    ("status", |s| s.status.map(|v| v.to_string()).into_iter().collect()),
    ("department", |s| one(s.department.as_ref())),
    ("prompt_version", |s| prompt_version(s).into_iter().collect()),
    ("key", |s| one(s.key.as_ref())),
    ("project", |s| one(s.project.as_ref())),
    ("kind", |s| s.kind.map(|v| v.to_string()).into_iter().collect()),
    ("name", |s| one(s.name.as_ref())),
    ("error_type", |s| one(s.error_type.as_ref())),
    ("finish_reason", |s| one(s.finish_reason.as_ref())),
    ("cache", |s| one(s.cache.as_ref())),
    ("prompt", |s| one(s.prompt_name.as_ref())),
    ("response_model", |s| one(s.response_model.as_ref())),
    ("stream", |s| s.stream.map(|v| v.to_string()).into_iter().collect()),
    ("tag", |s| s.tags.clone().unwrap_or_default()),
    ("user", |s| one(s.user.as_ref())),
    ("session", |s| one(s.session.as_ref())),
];

fn prompt_version(span: &Span) -> Option<String> {
    Some(format!("{}@{}", span.prompt_name.as_ref()?, span.prompt_version.as_ref()?))
}

/// Counts as spans come by.
#[derive(Default)]
pub(super) struct Counts {
    fields: BTreeMap<usize, BTreeMap<String, u64>>,
    attributes: BTreeMap<String, BTreeMap<String, u64>>,
    /// Spans so far.
    pub(super) spans: usize,
}

impl Counts {
    pub(super) fn add(&mut self, span: &Span) {
        self.spans += 1;
        for (n, (_, of)) in FIELDS.iter().enumerate() {
            let values = self.fields.entry(n).or_default();
            of(span).into_iter().for_each(|value| count(values, value));
        }
        for name in span.attributes.keys() {
            if self.attributes.len() >= MOST_VALUES && !self.attributes.contains_key(name) {
                continue;
            }
            let simple = span.attributes.get(name).is_some_and(|json| !json.starts_with(['{', '[', 'n']));
            if let Some(value) = span.attribute_text(name).filter(|_| simple) {
                count(self.attributes.entry(name.clone()).or_default(), value);
            }
        }
    }

    /// The fields that have values, each with at most `limit` of them.
    pub(super) fn into_fields(self, limit: usize) -> Vec<FacetJson> {
        let Self { fields, attributes, .. } = self;
        let named = fields.into_iter().filter_map(|(n, values)| Some((FIELDS.get(n)?.0.to_owned(), values)));
        let mut attributes: Vec<_> = attributes.into_iter().collect();
        attributes.sort_by_key(|(_, values)| std::cmp::Reverse(values.values().sum::<u64>()));
        attributes.truncate(MOST_ATTRIBUTES);
        let attributes = attributes.into_iter().map(|(name, values)| (format!("{ATTRIBUTE}{name}"), values));
        named
            .chain(attributes)
            .filter(|(_, values)| !values.is_empty())
            .map(|(name, values)| field(name, false, values.into_iter().collect(), limit))
            .collect()
    }
}

fn count(values: &mut BTreeMap<String, u64>, value: String) {
    if value.is_empty() || value.len() > LONGEST {
        return;
    }
    if values.len() < MOST_VALUES || values.contains_key(&value) {
        *values.entry(value).or_default() += 1;
    }
}

/// A field of the answer; equal counts stand in the order of their values.
pub(super) fn field(name: String, exact: bool, mut values: Vec<(String, u64)>, limit: usize) -> FacetJson {
    values.sort_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.cmp(b)));
    let more = values.len().saturating_sub(limit);
    values.truncate(limit);
    let values = values.into_iter().map(|(value, count)| FacetValueJson { value, count }).collect();
    FacetJson { name, exact, values, more }
}

#[cfg(test)]
mod tests {
    use weir_core::span::Status;

    use super::*;

    fn span(model: &str, tier: &str) -> Span {
        Span {
            model: Some(model.into()),
            status: Some(Status::Success),
            prompt_name: Some("p".into()),
            prompt_version: Some("2".into()),
            tags: Some(vec!["x".into(), "y".into()]),
            attributes: [("tier".to_owned(), format!("\"{tier}\"")), ("big".to_owned(), "{}".to_owned())].into(),
            ..Span::default()
        }
    }

    #[test]
    fn values_are_counted_most_frequent_first() {
        let mut counts = Counts::default();
        for (model, tier) in [("b", "gold"), ("a", "gold"), ("b", "silver")] {
            counts.add(&span(model, tier));
        }
        let fields = counts.into_fields(1);
        let of = |name: &str| {
            let found = fields.iter().find(|f| f.name == name).unwrap();
            (found.values.iter().map(|v| (v.value.as_str(), v.count)).collect::<Vec<_>>(), found.more)
        };
        assert_eq!(of("model"), (vec![("b", 2)], 1));
        assert_eq!(of("prompt_version"), (vec![("p@2", 3)], 0));
        assert_eq!(of("tag"), (vec![("x", 3)], 1));
        assert_eq!(of("attr.tier"), (vec![("gold", 2)], 1));
        assert!(fields.iter().all(|f| !f.values.is_empty() && f.name != "attr.big"));
    }

    #[test]
    fn what_is_always_another_value_is_bounded() {
        let mut counts = Counts::default();
        for n in 0..MOST_VALUES + 10 {
            counts.add(&span(&format!("m{n}"), &"long".repeat(LONGEST)));
        }
        let fields = counts.into_fields(5);
        assert_eq!(fields.iter().find(|f| f.name == "model").map(|f| f.more), Some(MOST_VALUES - 5));
        assert!(fields.iter().all(|f| f.name != "attr.tier"));
    }
}
