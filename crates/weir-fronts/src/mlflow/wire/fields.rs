//! What a request says: members of a JSON body, arguments of a query, parts of the path, all read by the same rules.
//!
//! Names are taken in `snake_case` and `lowerCamelCase`, whole numbers also as decimal text, doubles also as `"NaN"` and
//! `"Infinity"`, unknown members are ignored, null is absent. Refusals use MLflow's sentences.

use std::sync::Arc;

use serde_json::{Map, Value};
use weir_core::access::Identity;

use crate::mlflow::errors::{ErrorCode, Refused};

const HINT: &str = "See the API docs for more information about request parameters.";

/// A whole request.
#[derive(Debug)]
pub(crate) struct Args {
    values: Map<String, Value>,
    path: Vec<(String, String)>,
    pub(crate) identity: Arc<Identity>,
}

/// The members of one object of a request.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    values: &'a Map<String, Value>,
    /// What stands before a name in messages: `metrics[0].`.
    place: String,
}

impl Args {
    /// Reads a body. None is `{}`; a text that holds JSON is read again, as old clients send it.
    pub(crate) fn of_body(body: &[u8], path: Vec<(String, String)>, identity: Arc<Identity>) -> Result<Self, Refused> {
        let bad = |e: serde_json::Error| Refused::new(ErrorCode::BadRequest, format!("Malformed request body: {e}"));
        let mut value = if body.is_empty() { Value::Null } else { serde_json::from_slice(body).map_err(bad)? };
        if let Value::String(inner) = &value {
            value = serde_json::from_str(inner).map_err(bad)?;
        }
        let values = match value {
            Value::Null => Map::new(),
            Value::Object(values) => values,
            _ => return Err(Refused::new(ErrorCode::BadRequest, "Malformed request body: it must be a JSON object")),
        };
        Ok(Self { values, path, identity })
    }

    /// Reads the arguments of a query; a name that comes again makes a list.
    pub(crate) fn of_query(query: &str, path: Vec<(String, String)>, identity: Arc<Identity>) -> Self {
        let mut values = Map::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = Value::String(value.into_owned());
            match values.get_mut(name.as_ref()) {
                Some(Value::Array(list)) => list.push(value),
                Some(first) => *first = Value::Array(vec![first.take(), value]),
                None => {
                    values.insert(name.into_owned(), value);
                }
            }
        }
        Self { values, path, identity }
    }

    /// A part of the path, by its name in the route.
    pub(crate) fn path(&self, name: &str) -> &str {
        self.path.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    /// The request's members.
    pub(crate) fn fields(&self) -> Fields<'_> {
        Fields { values: &self.values, place: String::new() }
    }
}

impl<'a> Fields<'a> {
    /// A member as it was sent; null is absent.
    pub(crate) fn get(&self, name: &str) -> Result<Option<&'a Value>, Refused> {
        let snake = self.values.get(name);
        let camel = if name.contains('_') { self.values.get(&camel(name)) } else { None };
        if snake.is_some() && camel.is_some() {
            let camel = self::camel(name);
            return Err(Refused::invalid(format!(
                "Request specifies both '{name}' and '{camel}'; provide only one of them."
            )));
        }
        Ok(snake.or(camel).filter(|value| !value.is_null()))
    }

    /// A text.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>, Refused> {
        match self.get(name)? {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(name, other)),
        }
    }

    /// A text that must be there and not be empty.
    pub(crate) fn required(&self, name: &str) -> Result<&'a str, Refused> {
        self.text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| self.absent(name))
    }

    /// A whole number.
    pub(crate) fn int(&self, name: &str) -> Result<Option<i64>, Refused> {
        let Some(value) = self.get(name)? else { return Ok(None) };
        let number = match value {
            Value::Number(n) => n.as_i64().or_else(|| n.as_f64().filter(is_whole).map(|f| f as i64)),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.map(Some).ok_or_else(|| self.wrong(name, value))
    }

    /// A whole number that must be there.
    pub(crate) fn required_int(&self, name: &str) -> Result<i64, Refused> {
        self.int(name)?.ok_or_else(|| self.absent(name))
    }

    /// A number, NaN and infinities among them.
    pub(crate) fn double(&self, name: &str) -> Result<Option<f64>, Refused> {
        let Some(value) = self.get(name)? else { return Ok(None) };
        let number = match value {
            Value::Number(n) => n.as_f64(),
            Value::String(text) => match text.as_str() {
                "NaN" => Some(f64::NAN),
                "Infinity" => Some(f64::INFINITY),
                "-Infinity" => Some(f64::NEG_INFINITY),
                text => text.parse().ok().filter(|n: &f64| n.is_finite()),
            },
            _ => None,
        };
        number.map(Some).ok_or_else(|| self.wrong(name, value))
    }

    /// True or false; of a query as a word in any case.
    pub(crate) fn bool(&self, name: &str) -> Result<Option<bool>, Refused> {
        match self.get(name)? {
            None => Ok(None),
            Some(Value::Bool(b)) => Ok(Some(*b)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(other) => Err(self.wrong(name, other)),
        }
    }

    /// A member of an enumeration, by its name or its number.
    pub(crate) fn choice<T: Copy>(&self, name: &str, members: &[(&str, i64, T)]) -> Result<Option<T>, Refused> {
        let Some(value) = self.get(name)? else { return Ok(None) };
        let found = match value {
            Value::String(text) => {
                members.iter().find(|(n, number, _)| n == text || text.parse() == Ok(*number)).map(|(.., t)| *t)
            }
            Value::Number(n) => members.iter().find(|(_, number, _)| n.as_i64() == Some(*number)).map(|(.., t)| *t),
            _ => None,
        };
        found.map(Some).ok_or_else(|| self.wrong(name, value))
    }

    /// A list; one value alone, as a query gives it, is a list of one.
    pub(crate) fn list(&self, name: &str) -> Result<&'a [Value], Refused> {
        match self.get(name)? {
            None => Ok(&[]),
            Some(Value::Array(list)) => Ok(list),
            Some(one @ Value::String(_)) => Ok(std::slice::from_ref(one)),
            Some(other) => Err(self.wrong(name, other)),
        }
    }

    /// A list of texts.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<&'a str>, Refused> {
        let text = |value: &'a Value| value.as_str().ok_or_else(|| self.wrong(name, value));
        self.list(name)?.iter().map(text).collect()
    }

    /// A list of objects.
    pub(crate) fn objects(&self, name: &str) -> Result<Vec<Fields<'a>>, Refused> {
        let list = self.list(name)?.iter().enumerate();
        list.map(|(n, value)| match value {
            Value::Object(values) => Ok(Fields { values, place: format!("{}{name}[{n}].", self.place) }),
            other => Err(self.wrong(name, other)),
        })
        .collect()
    }

    /// An object.
    pub(crate) fn object(&self, name: &str) -> Result<Option<Fields<'a>>, Refused> {
        match self.get(name)? {
            None => Ok(None),
            Some(Value::Object(values)) => Ok(Some(Fields { values, place: format!("{}{name}.", self.place) })),
            Some(other) => Err(self.wrong(name, other)),
        }
    }

    /// A map of texts, in the order in which it was sent.
    pub(crate) fn map(&self, name: &str) -> Result<Vec<(&'a str, &'a str)>, Refused> {
        let Some(object) = self.object(name)? else { return Ok(Vec::new()) };
        let pair = |(key, value): (&'a String, &'a Value)| match value {
            Value::String(text) => Ok((key.as_str(), text.as_str())),
            other => Err(object.wrong(key, other)),
        };
        object.values.iter().map(pair).collect()
    }

    /// The refusal of a member that is missing.
    pub(crate) fn absent(&self, name: &str) -> Refused {
        Refused::invalid(format!("Missing value for required parameter '{}{name}'. {HINT}", self.place))
    }

    /// The refusal of a member that is of another type.
    pub(crate) fn wrong(&self, name: &str, value: &Value) -> Refused {
        Refused::invalid(format!(
            "Invalid value {} for parameter '{}{name}' supplied:  Hint: Value was of type '{}'. {HINT}",
            shown(value),
            self.place,
            python_type(value)
        ))
    }
}

/// Whether a number is one that 64 bits hold.
fn is_whole(number: &f64) -> bool {
    number.fract() == 0.0 && (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(number)
}

fn shown(value: &Value) -> String {
    const MOST: usize = 500;
    let mut text = value.to_string();
    if text.len() > MOST {
        text.truncate(text.floor_char_boundary(MOST));
        text.push_str("...");
    }
    text
}

fn python_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(n) if n.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

fn camel(snake: &str) -> String {
    let mut camel = String::with_capacity(snake.len());
    let mut upper = false;
    for c in snake.chars() {
        if c == '_' {
            upper = true;
        } else {
            camel.push(if upper { c.to_ascii_uppercase() } else { c });
            upper = false;
        }
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(body: &str) -> Result<Args, Refused> {
        Args::of_body(body.as_bytes(), Vec::new(), Arc::new(Identity::anonymous()))
    }

    #[test]
    fn values_come_in_all_the_forms_that_clients_send() {
        let args = args(r#""{\"runId\":\"r\",\"step\":\"-3\",\"value\":\"NaN\",\"status\":3,\"none\":null}""#).unwrap();
        let fields = args.fields();
        assert_eq!(fields.required("run_id").unwrap(), "r");
        assert_eq!(fields.int("step").unwrap(), Some(-3));
        assert!(fields.double("value").unwrap().unwrap().is_nan());
        assert_eq!(fields.choice("status", &[("FINISHED", 3, 'f')]).unwrap(), Some('f'));
        assert_eq!(fields.text("none").unwrap(), None);
        let query =
            Args::of_query("run_ids=a&run_ids=b+c&x=%C3%A4&all=True", Vec::new(), Arc::new(Identity::anonymous()));
        assert_eq!(query.fields().texts("run_ids").unwrap(), ["a", "b c"]);
        assert_eq!(query.fields().texts("x").unwrap(), ["ä"]);
        assert_eq!(query.fields().bool("all").unwrap(), Some(true));
    }

    #[test]
    fn refusals_say_what_mlflow_says() {
        let args = args(r#"{"name":123,"a_b":1,"aB":2,"metrics":[{"key":""}]}"#).unwrap();
        let fields = args.fields();
        let message = |refused: Refused| refused.message;
        assert_eq!(
            message(fields.text("name").unwrap_err()),
            "Invalid value 123 for parameter 'name' supplied:  Hint: Value was of type 'int'. See the API docs for more \
             information about request parameters."
        );
        assert!(message(fields.get("a_b").unwrap_err()).contains("both 'a_b' and 'aB'"));
        let metric = &fields.objects("metrics").unwrap()[0];
        assert_eq!(
            message(metric.required("key").unwrap_err()),
            "Missing value for required parameter 'metrics[0].key'. See the API docs for more information about request \
             parameters."
        );
    }

    #[test]
    fn bodies_that_are_no_objects_are_refused() {
        assert!(args("").is_ok() && args("{}").is_ok());
        for body in ["[]", "{", "3", "\"x\"", "\"[]\""] {
            assert_eq!(args(body).unwrap_err().code, ErrorCode::BadRequest, "{body}");
        }
    }
}
