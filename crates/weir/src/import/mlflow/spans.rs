//! Spans: from MLflow's stored form and from its wire into OTLP's JSON with ids in hex, and as what is compared.

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// A span as the database has it.
pub(super) fn of_stored(content: &str) -> anyhow::Result<Value> {
    let stored: Value = serde_json::from_str(content).context("a span's content is no JSON")?;
    let members = |of: &Value| of.as_object().cloned().unwrap_or_default();
    // Attributes of a span are written as JSON each, those of events are not.
    let attributes = members(&stored["attributes"]).into_iter().map(|(key, value)| {
        let value = value.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(value);
        json!({"key": key, "value": any(&value)})
    });
    let direct = |of: &Value| -> Vec<Value> {
        members(of).iter().map(|(key, value)| json!({"key": key, "value": any(value)})).collect()
    };
    let list = |name: &str| stored[name].as_array().cloned().unwrap_or_default();
    let event = |event: &Value| {
        json!({"name": event["name"], "time_unix_nano": event["time_unix_nano"],
            "attributes": direct(&event["attributes"])})
    };
    let link = |link: &Value| {
        json!({"trace_id": hex_id(&link["trace_id"]), "span_id": hex_id(&link["span_id"]),
            "attributes": direct(&link["attributes"])})
    };
    Ok(json!({
        "trace_id": hex_id(&stored["trace_id"]),
        "span_id": hex_id(&stored["span_id"]),
        "parent_span_id": hex_id(&stored["parent_span_id"]),
        "name": stored["name"],
        "start_time_unix_nano": stored["start_time_unix_nano"],
        "end_time_unix_nano": stored["end_time_unix_nano"],
        "attributes": attributes.collect::<Vec<_>>(),
        "events": list("events").iter().map(event).collect::<Vec<_>>(),
        "links": list("links").iter().map(link).collect::<Vec<_>>(),
        "status": {"code": code(&stored["status"]["code"]), "message": stored["status"]["message"]},
    }))
}

/// A span of the wire, with ids in hex.
pub(super) fn of_wire(mut span: Value) -> Value {
    let ids = |of: &mut Value| {
        for name in ["trace_id", "span_id", "parent_span_id"] {
            if let Some(id) = of.get_mut(name) {
                *id = hex_id(id);
            }
        }
    };
    ids(&mut span);
    span.get_mut("links").and_then(Value::as_array_mut).into_iter().flatten().for_each(ids);
    span
}

/// An id as hex digits, whichever of its forms it has.
fn hex_id(id: &Value) -> Value {
    let Some(text) = id.as_str().filter(|text| !text.is_empty()) else { return Value::Null };
    let text = text.strip_prefix("tr-").unwrap_or(text);
    // 8 or 16 bytes have 16 or 32 digits, or 12 or 24 characters of base64.
    if matches!(text.len(), 12 | 24)
        && let Ok(bytes) = STANDARD.decode(text)
    {
        return Value::from(hex::encode(bytes));
    }
    Value::from(text.trim_start_matches("0x"))
}

fn code(of: &Value) -> Value {
    match of.as_str() {
        Some("OK") => "STATUS_CODE_OK".into(),
        Some("ERROR") => "STATUS_CODE_ERROR".into(),
        Some("UNSET") => "STATUS_CODE_UNSET".into(),
        _ => of.clone(),
    }
}

/// A value with the name of its kind.
fn any(value: &Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Bool(value) => json!({"bool_value": value}),
        Value::Number(number) if number.is_i64() => json!({"int_value": number}),
        Value::Number(number) => json!({"double_value": number}),
        Value::String(text) => json!({"string_value": text}),
        Value::Array(values) => json!({"array_value": {"values": values.iter().map(any).collect::<Vec<_>>()}}),
        Value::Object(members) => {
            let pair = |(key, value): (&String, &Value)| json!({"key": key, "value": any(value)});
            json!({"kvlist_value": {"values": members.iter().map(pair).collect::<Vec<_>>()}})
        }
    }
}

/// The value of one with the name of its kind. A text that holds JSON is that JSON, as it is read.
fn plain(any: &Value) -> Value {
    let Some((kind, value)) = any.as_object().and_then(|members| members.iter().next()) else { return Value::Null };
    match kind.as_str() {
        "array_value" => value["values"].as_array().into_iter().flatten().map(plain).collect(),
        "kvlist_value" => Value::Object(members(&value["values"])),
        "string_value" => {
            let text = value.as_str().unwrap_or_default();
            let is_json = text.trim_ascii_start().starts_with(['"', '{', '[']);
            let inner = is_json.then(|| serde_json::from_str(text).ok()).flatten();
            inner.map_or_else(|| value.clone(), |inner| plain(&self::any(&inner)))
        }
        _ => value.clone(),
    }
}

fn members(pairs: &Value) -> Map<String, Value> {
    let pair = |pair: &Value| Some((pair["key"].as_str()?.to_owned(), plain(&pair["value"])));
    pairs.as_array().into_iter().flatten().filter_map(pair).collect()
}

/// What is compared of a span with ids in hex.
pub(super) fn compared(span: &Value) -> Value {
    let list = |name: &str| span[name].as_array().into_iter().flatten();
    let event = |event: &Value| json!({"name": event["name"], "time": event["time_unix_nano"], "attributes": members(&event["attributes"])});
    let link = |link: &Value| json!({"trace_id": link["trace_id"], "span_id": link["span_id"], "attributes": members(&link["attributes"])});
    json!({
        "trace_id": span["trace_id"],
        "span_id": span["span_id"],
        "parent_span_id": span["parent_span_id"],
        "name": span["name"],
        "start": span["start_time_unix_nano"],
        "end": span["end_time_unix_nano"],
        "code": span["status"]["code"].as_str().filter(|code| *code != "STATUS_CODE_UNSET"),
        "message": span["status"]["message"].as_str().filter(|message| !message.is_empty()),
        "attributes": members(&span["attributes"]),
        "events": list("events").map(event).collect::<Vec<_>>(),
        "links": list("links").map(link).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_span_and_the_same_on_the_wire_are_compared_as_equal() {
        let stored = r#"{"trace_id":"AAAAAAAAAAAAAAAAAAAAAQ==","span_id":"AAAAAAAAAAI=","parent_span_id":null,
            "name":"s","start_time_unix_nano":1,"end_time_unix_nano":2,
            "events":[{"name":"e","time_unix_nano":1,"attributes":{"n":1}}],
            "status":{"code":"STATUS_CODE_OK","message":""},
            "attributes":{"mlflow.spanInputs":"{\"a\":[1,2.5,null,\"x\"]}","mlflow.spanType":"\"LLM\""}}"#;
        let wire = json!({"trace_id": "AAAAAAAAAAAAAAAAAAAAAQ==", "span_id": "AAAAAAAAAAI=", "name": "s",
            "start_time_unix_nano": 1, "end_time_unix_nano": 2, "status": {"code": "STATUS_CODE_OK"},
            "events": [{"name": "e", "time_unix_nano": 1, "attributes": [{"key": "n", "value": {"int_value": 1}}]}],
            "attributes": [
                {"key": "mlflow.spanInputs", "value": {"string_value": "{\"a\":[1,2.5,null,\"x\"]}"}},
                {"key": "mlflow.spanType", "value": {"string_value": "LLM"}}]});
        let stored = of_stored(stored).unwrap();
        assert_eq!(compared(&stored), compared(&of_wire(wire)));
        assert_eq!(stored["trace_id"], "00000000000000000000000000000001");
        assert_eq!(compared(&stored)["attributes"]["mlflow.spanInputs"]["a"][1], 2.5);
    }

    #[test]
    fn ids_of_every_version_become_hex() {
        for (id, hex) in [
            ("AAAAAAAAAAI=", "0000000000000002"),
            ("0000000000000002", "0000000000000002"),
            ("0x0000000000000002", "0000000000000002"),
            ("tr-00000000000000000000000000000001", "00000000000000000000000000000001"),
        ] {
            assert_eq!(hex_id(&id.into()), hex, "{id}");
        }
        assert!(of_stored("{").is_err());
    }
}
