//! The members of a record as Python gave them, read as what they have to be.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyString};
use serde_json::Value;
use weir_sdk::SdkError;

/// A record. A member that is `None` counts as not there.
pub(crate) struct Fields<'a, 'py>(pub(crate) &'a Bound<'py, PyDict>);

/// Reads a member by a literal name, interned once.
macro_rules! take {
    ($fields:expr, $read:ident, $name:literal) => {
        $fields.$read($name, pyo3::intern!($fields.py(), $name))?
    };
}
pub(crate) use take;

/// A value of another type than the field's.
fn wrong_type(field: &str, expected: &str, value: &Bound<'_, PyAny>) -> PyErr {
    let given = value.get_type().name().map_or_else(|_| "something else".to_owned(), |name| name.to_string());
    PyTypeError::new_err((field.to_owned(), format!("expected {expected}, not {given}")))
}

/// A value that its field cannot have.
pub(crate) fn wrong_value(field: &str, problem: impl Into<String>) -> PyErr {
    PyValueError::new_err((field.to_owned(), problem.into()))
}

/// What the library says of a record: a wrong value names its field.
pub(crate) fn refused(error: &SdkError, rename: impl Fn(&'static str) -> &'static str) -> PyErr {
    match error {
        SdkError::Invalid { field, problem } => wrong_value(rename(field), problem.clone()),
        other => PyValueError::new_err(other.to_string()),
    }
}

impl<'py> Fields<'_, 'py> {
    pub(crate) fn py(&self) -> Python<'py> {
        self.0.py()
    }

    fn get(&self, key: &Bound<'py, PyString>) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(self.0.get_item(key)?.filter(|value| !value.is_none()))
    }

    /// A text. Half of a surrogate pair, which no text outside Python can hold, becomes a replacement character; a
    /// number or an id of another type becomes its text.
    pub(crate) fn text(&self, field: &str, key: &Bound<'py, PyString>) -> PyResult<Option<String>> {
        let Some(value) = self.get(key)? else { return Ok(None) };
        match value.cast::<PyString>() {
            Ok(text) => Ok(Some(text.to_string_lossy().into_owned())),
            Err(_) => match value.str() {
                Ok(text) => Ok(Some(text.to_string_lossy().into_owned())),
                Err(_) => Err(wrong_type(field, "a text", &value)),
            },
        }
    }

    /// A whole number.
    pub(crate) fn integer(&self, field: &str, key: &Bound<'py, PyString>) -> PyResult<Option<i64>> {
        let Some(value) = self.get(key)? else { return Ok(None) };
        if let Ok(float) = value.cast::<PyFloat>() {
            let number = float.value();
            if number.fract() == 0.0 && number.abs() < 9e15 {
                return Ok(Some(number as i64));
            }
        } else if !value.is_instance_of::<PyBool>() {
            match value.extract() {
                Ok(number) => return Ok(Some(number)),
                Err(error) if error.is_instance_of::<PyTypeError>(self.py()) => {}
                Err(_) => return Err(wrong_value(field, "is too large")),
            }
        }
        Err(wrong_type(field, "an integer", &value))
    }

    /// Any number.
    pub(crate) fn number(&self, field: &str, key: &Bound<'py, PyString>) -> PyResult<Option<f64>> {
        let Some(value) = self.get(key)? else { return Ok(None) };
        if !value.is_instance_of::<PyBool>()
            && let Ok(number) = value.extract()
        {
            return Ok(Some(number));
        }
        Err(wrong_type(field, "a number", &value))
    }

    /// A JSON text that the package has made, with its value.
    pub(crate) fn json(&self, field: &str, key: &Bound<'py, PyString>) -> PyResult<Option<(String, Value)>> {
        let Some(text) = self.text(field, key)? else { return Ok(None) };
        match serde_json::from_str(&text) {
            Ok(value) => Ok(Some((text, value))),
            Err(error) => Err(wrong_value(field, format!("is no JSON: {error}"))),
        }
    }
}
