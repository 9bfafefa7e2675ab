//! `WEIR_SECTION__KEY` variables as entries of the configuration's table.

use toml::{Table, Value};

/// One variable.
pub(super) struct Override {
    pub(super) variable: String,
    keys: Vec<String>,
    text: String,
    /// Whether the value is taken as text, although it could be read as a number, truth value or list.
    pub(super) as_text: bool,
}

/// The variables that are settings: `WEIR_` followed by at least two names with `__` between them.
pub(super) fn from_variables(variables: &[(String, String)]) -> Vec<Override> {
    let mut found: Vec<Override> = variables
        .iter()
        .filter_map(|(name, value)| {
            let keys: Vec<String> = name.strip_prefix("WEIR_")?.split("__").map(str::to_lowercase).collect();
            let is_setting = keys.len() >= 2 && keys.iter().all(|k| !k.is_empty());
            is_setting.then(|| Override { variable: name.clone(), keys, text: value.clone(), as_text: false })
        })
        .collect();
    found.sort_by(|a, b| a.variable.cmp(&b.variable));
    found
}

impl Override {
    /// Where it stands in the configuration.
    pub(super) fn path(&self) -> String {
        self.keys.join(".")
    }

    /// Puts it into a table.
    pub(super) fn put_into(&self, table: &mut Table) -> Result<(), String> {
        let Some((last, sections)) = self.keys.split_last() else { return Ok(()) };
        let mut at = table;
        for section in sections {
            let entry = at.entry(section.clone()).or_insert_with(|| Value::Table(Table::new()));
            at = entry.as_table_mut().ok_or_else(|| format!("{section} is not a section"))?;
        }
        at.insert(last.clone(), self.value());
        Ok(())
    }

    fn value(&self) -> Value {
        let text = Value::String(self.text.clone());
        if self.as_text {
            return text;
        }
        let parsed = format!("v = {}", self.text).parse::<Table>().ok().and_then(|mut t| t.remove("v"));
        parsed.unwrap_or(text)
    }
}
