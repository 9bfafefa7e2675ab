//! The reference page of the configuration, made from the settings' own documentation.

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use schemars::Schema;
    use serde_json::Value;

    use crate::config::Settings;

    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");

    fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
        let direct = schema
            .get("$ref")
            .or_else(|| schema.get("items")?.get("$ref"))
            .or_else(|| schema.get("additionalProperties")?.get("$ref"));
        match direct.and_then(Value::as_str).and_then(|r| r.strip_prefix('#')).and_then(|p| root.pointer(p)) {
            Some(found) => found,
            None => schema,
        }
    }

    fn kind(schema: &Value) -> String {
        if schema.get("additionalProperties").is_some_and(Value::is_object) && schema.get("properties").is_none() {
            return "table".into();
        }
        match schema.get("type") {
            Some(Value::String(t)) if t == "array" => "list".into(),
            Some(Value::String(t)) => t.clone(),
            Some(Value::Array(types)) => types.first().and_then(Value::as_str).unwrap_or("").to_owned(),
            _ => "string".into(),
        }
    }

    fn section(page: &mut String, heading: &str, root: &Value, schema: &Value, defaults: &Value) {
        let _ = writeln!(page, "\n## `{heading}`\n");
        if let Some(text) = schema.get("description").and_then(Value::as_str) {
            let _ = writeln!(page, "{}\n", text.replace('\n', " "));
        }
        let properties = schema["properties"].as_object().unwrap();
        let (inner, keys): (Vec<_>, Vec<_>) =
            properties.iter().partition(|(name, property)| is_section(root, property, &defaults[name.as_str()]));
        if !keys.is_empty() {
            let _ = writeln!(page, "| key | type | default | meaning |\n|---|---|---|---|");
        }
        for (name, property) in keys {
            let text =
                property["description"].as_str().unwrap_or_else(|| panic!("{heading}.{name} has no documentation"));
            let default = match defaults.get(name) {
                None | Some(Value::Null) => String::new(),
                Some(value) => format!("`{value}`"),
            };
            let _ = writeln!(
                page,
                "| `{name}` | {} | {default} | {} |",
                kind(resolve(root, property)),
                text.replace('\n', " ")
            );
        }
        for (name, property) in inner {
            let heading = format!("[{}.{name}]", heading.trim_matches(['[', ']']));
            section(page, &heading, root, resolve(root, property), &defaults[name.as_str()]);
        }
    }

    /// Whether a key is a section of its own: one whose keys have defaults.
    fn is_section(root: &Value, property: &Value, default: &Value) -> bool {
        property.get("$ref").is_some() && default.is_object() && resolve(root, property).get("properties").is_some()
    }

    #[test]
    fn the_page_is_up_to_date() {
        let schema: Schema = schemars::schema_for!(Settings);
        let root = schema.as_value().clone();
        let defaults = serde_json::to_value(Settings::default()).unwrap();
        let mut page = String::from(
            "# Configuration\n\nGenerated from the code; do not edit. The file is `weir.toml` in the working folder, or what \
             `--config` names. Every key can also be set as `WEIR_SECTION__KEY`, for example `WEIR_GATEWAY__RETRIES=3` or \
             `WEIR_PROVIDERS__LOCAL__BASE_URL=http://127.0.0.1:9000/v1`. Durations are written `250ms`, `5s`, `2h`, `30d`; \
             sizes `64KiB`, `32MiB`, `1GB`. A change of the file is applied without a restart, or refused whole with the \
             old one kept; only `[server]`, `[artifacts]`, `[mlflow]`, `[otlp]`, `[watch]`, `alerts.enabled`, `record.journal_max` and `record.plain_text` need a restart.\n",
        );
        for (name, property) in root["properties"].as_object().unwrap() {
            let inner = resolve(&root, property);
            let heading = match kind(property).as_str() {
                "list" => format!("[[{name}]]"),
                "table" => format!("[{name}.NAME]"),
                _ => format!("[{name}]"),
            };
            section(&mut page, &heading, &root, inner, &defaults[name]);
        }
        if std::env::var_os("WEIR_BLESS").is_some() {
            std::fs::write(PAGE, &page).unwrap();
        }
        let written = std::fs::read_to_string(PAGE).unwrap_or_default();
        assert!(written == page, "docs/configuration.md is stale: run the tests once with WEIR_BLESS=1");
    }
}
