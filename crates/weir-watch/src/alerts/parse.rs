//! From the text of a file or of a request to rules' documents.
//!
//! Invariant: a text is taken whole or refused whole; a refusal names the member, and the nearest known name.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::document::RuleDoc;

/// Largest text that is read.
pub const MAX_TEXT: usize = 1 << 20;

/// What is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", if self.field.is_empty() { self.why.clone() } else { format!("{}: {}", self.field, self.why) })]
pub struct Problem {
    /// The member, as in `condition.warn`; empty for the whole.
    pub field: String,
    /// What is wrong and what to write instead.
    pub why: String,
}

impl Problem {
    /// A problem of a member.
    pub fn new(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self { field: field.into(), why: why.into() }
    }

    /// The same within another member.
    #[must_use]
    pub fn within(mut self, outer: &str) -> Self {
        self.field = if self.field.is_empty() { outer.to_owned() } else { format!("{outer}.{}", self.field) };
        self
    }
}

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// TOML.
    Toml,
    /// YAML.
    Yaml,
    /// JSON.
    Json,
}

impl Format {
    /// By a file's extension.
    #[must_use]
    pub fn of_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "toml" => Some(Self::Toml),
            "yaml" | "yml" => Some(Self::Yaml),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// The rules of a text: one, or a list under `rules`.
///
/// # Errors
/// Names the member at fault; of a list also which rule.
pub fn rules(text: &str, format: Format) -> Result<Vec<RuleDoc>, Problem> {
    from_value(value(text, format)?)
}

/// The value of a text.
///
/// # Errors
/// The text is too long or not written so.
pub fn value(text: &str, format: Format) -> Result<Value, Problem> {
    if text.len() > MAX_TEXT {
        return Err(Problem::new("", format!("it is longer than {} KiB: split it", MAX_TEXT >> 10)));
    }
    let wrong = |why: String| Problem::new("", format!("it cannot be read: {}", why.trim()));
    match format {
        Format::Json => serde_json::from_str(text).map_err(|e| wrong(e.to_string())),
        Format::Toml => {
            let table: toml::Table = text.parse().map_err(|e: toml::de::Error| wrong(e.to_string()))?;
            serde_json::to_value(table).map_err(|e| wrong(e.to_string()))
        }
        Format::Yaml => serde_yaml_ng::from_str(text).map_err(|e| wrong(e.to_string())),
    }
}

/// The rules of a value: one, or a list under `rules`, beside which only `version` may stand.
///
/// # Errors
/// As [`rules`].
pub fn from_value(value: Value) -> Result<Vec<RuleDoc>, Problem> {
    let Value::Object(mut members) = value else {
        return Err(Problem::new("", "write a rule, or a list of them under \"rules\""));
    };
    let Some(list) = members.remove("rules") else { return Ok(vec![typed(Value::Object(members))?]) };
    if let Some(other) = members.keys().find(|name| *name != "version") {
        return Err(Problem::new(other, "beside \"rules\" only \"version\" may stand"));
    }
    let Value::Array(list) = list else { return Err(Problem::new("rules", "write a list of rules")) };
    let of = |(n, rule)| typed(rule).map_err(|e: Problem| e.within(&format!("rules[{n}]")));
    list.into_iter().enumerate().map(of).collect()
}

/// A value as a document.
///
/// # Errors
/// Names the member at fault, and the nearest known name for one that is not known.
pub fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    if !value.is_object() {
        return Err(Problem::new("", "write an object, with a member for each of its settings"));
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        explain(&path, &error.into_inner().to_string())
    })
}

/// `unknown field` and `unknown variant` with the nearest known name.
fn explain(path: &str, message: &str) -> Problem {
    let of = |start: &str| {
        let rest = message.strip_prefix(start)?;
        let mut words = rest.split('`');
        let unknown = words.next()?.to_owned();
        Some((unknown, words.skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()))
    };
    if let Some((unknown, known)) = of("unknown field `") {
        let section = path.strip_suffix(unknown.as_str()).unwrap_or(path).trim_end_matches('.');
        let field = if section.is_empty() { unknown.clone() } else { format!("{section}.{unknown}") };
        return Problem::new(field, not_known("there is no such member", &unknown, &known));
    }
    if let Some((missing, _)) = of("missing field `") {
        let field = if path.is_empty() { missing } else { format!("{path}.{missing}") };
        return Problem::new(field, "it is missing");
    }
    if let Some((unknown, known)) = of("unknown variant `") {
        return Problem::new(path, not_known(&format!("\"{unknown}\" is not known"), &unknown, &known));
    }
    Problem::new(path, message)
}

/// Says so, with the nearest known name or all of them.
pub(super) fn not_known(what: &str, unknown: &str, known: &[impl AsRef<str>]) -> String {
    let known: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
    let distance = |name: &&str| strsim::damerau_levenshtein(unknown, name);
    match known.iter().copied().min_by_key(distance) {
        Some(near) if distance(&near) <= unknown.chars().count().max(3) / 2 => {
            format!("{what}; did you mean \"{near}\"?")
        }
        _ => format!("{what}; known are {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        rules(text, Format::Toml).unwrap_err().to_string()
    }

    #[test]
    fn the_same_rule_in_three_notations() {
        let toml = "name = \"r\"\nmetric = { measure = \"latency\", agg = \"p95\" }\nfor = \"5m\"\n\
                    [filters]\nmodel = [\"a\", \"b\"]\n[condition]\nop = \">\"\ncrit = 2\n";
        let yaml = "name: r\nmetric: {measure: latency, agg: p95}\nfor: 5m\nfilters: {model: [a, b]}\n\
                    condition: {op: '>', crit: 2}\n";
        let json = r#"{"name":"r","metric":{"measure":"latency","agg":"p95"},"for":"5m",
                       "filters":{"model":["a","b"]},"condition":{"op":">","crit":2}}"#;
        let read = rules(toml, Format::Toml).unwrap();
        assert_eq!(read, rules(yaml, Format::Yaml).unwrap());
        assert_eq!(read, rules(json, Format::Json).unwrap());
        let again = serde_json::to_string(&read[0]).unwrap();
        assert_eq!(read, rules(&again, Format::Json).unwrap());
    }

    #[test]
    fn a_file_may_hold_several() {
        let read = rules("[[rules]]\nname = \"a\"\n[[rules]]\nname = \"b\"\n", Format::Toml).unwrap();
        assert_eq!(read.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(
            problem("[[rules]]\nname = \"a\"\n[[rules]]\nnam = \"b\"\n"),
            "rules[1].nam: there is no such member; did you mean \"name\"?"
        );
        assert_eq!(problem("name = \"x\"\nrules = []"), "name: beside \"rules\" only \"version\" may stand");
    }

    #[test]
    fn refusals_name_the_member() {
        assert_eq!(
            problem("name = \"r\"\n[condition]\nwarm = 1"),
            "condition.warm: there is no such member; did you mean \"warn\"?"
        );
        assert_eq!(
            problem("name = \"r\"\n[condition]\nwarn = \"much\""),
            "condition.warn: invalid type: string \"much\", expected f64"
        );
        assert_eq!(
            problem("name = \"r\"\nsource = \"metrics\""),
            "source: \"metrics\" is not known; did you mean \"metric\"?"
        );
        assert!(problem("name = \"r\"\nfor = \"five minutes\"").starts_with("for: \"five minutes\" is not a duration"));
        assert_eq!(problem("source = \"metric\""), "name: it is missing");
        assert!(problem("name = ").starts_with("it cannot be read"));
        assert!(problem(&"#".repeat(MAX_TEXT + 1)).contains("longer than 1024 KiB"));
    }
}
