//! Prompts: what MLflow keeps among its registered models comes to Weir's own prompts, by the routes that clients register
//! them by, so that the gateway renders what it can and refuses what it cannot.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};
use weir_store::catalog::{ModelVersion, RegisteredModel};

use super::source::SourceModel;
use super::{Import, Kinds};

const IS_PROMPT: &str = "mlflow.prompt.is_prompt";
const API: &str = "/api/2.0/mlflow";

/// Whether tags say that they are a prompt's.
pub(super) fn is_prompt(tags: &BTreeMap<String, String>) -> bool {
    tags.get(IS_PROMPT).is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

pub(super) fn one(import: &Import<'_>, there: &SourceModel, kinds: &Kinds) -> anyhow::Result<()> {
    let model = &there.model;
    let path = format!("{API}/registered-models/get?{}", query(&[("name", &model.name)]));
    if import.target.find(&path)?.is_none() {
        import.target.at(model.created_ms);
        let description = model.description.as_deref().unwrap_or_default();
        let body = json!({"name": model.name, "description": description, "tags": pairs(&model.tags)});
        if let Err(why) = ask(import, Method::POST, "registered-models/create", &body) {
            kinds.prompts.refused(&model.name, why);
            return Ok(());
        }
        kinds.prompts.added();
    }
    let versions = import.source.versions(there)?;
    let mut left = BTreeMap::new();
    for version in &versions {
        let id = format!("{} {}", model.name, version.version);
        if held(import, version)?.is_none() {
            match add(import, version) {
                Ok(()) => kinds.prompt_versions.added(),
                Err(why) => drop(left.insert(version.version, why)),
            }
        }
        match left.get(&version.version) {
            Some(why) => kinds.prompt_versions.refused(&id, why),
            None => kinds.prompt_versions.compare(&id, &text(version), held(import, version)?.as_deref()),
        }
    }
    let here = import.target.find(&path)?.unwrap_or_default()["registered_model"].take();
    for (alias, version) in &model.aliases {
        if aliases(&here).get(alias) != Some(version) {
            let body = json!({"name": model.name, "alias": alias, "version": version.to_string()});
            if let Err(why) = ask(import, Method::POST, "registered-models/alias", &body) {
                kinds.prompts.refused(&format!("{}@{alias}", model.name), why);
            }
        }
    }
    let here = import.target.find(&path)?.unwrap_or_default()["registered_model"].take();
    kinds.prompts.compare(&model.name, &text_of_model(model), Some(&text_here(&here)));
    Ok(())
}

/// Adds a version of its number: those before it that are gone are made and deleted.
fn add(import: &Import<'_>, version: &ModelVersion) -> anyhow::Result<()> {
    import.target.at(version.created_ms);
    loop {
        let mut body = json!({
            "name": version.name,
            "source": version.source,
            "description": version.description,
            "tags": pairs(&version.tags),
        });
        let made = ask(import, Method::POST, "model-versions/create", &body)?;
        let number = made["model_version"]["version"].as_str().and_then(|number| number.parse::<i64>().ok());
        let number = number.unwrap_or(i64::MAX);
        if number == version.version {
            return Ok(());
        }
        body = json!({"name": version.name, "version": number.to_string()});
        ask(import, Method::DELETE, "model-versions/delete", &body)?;
        anyhow::ensure!(number < version.version, "its number was given here before, and is not given again");
    }
}

/// A version as it is here.
fn held(import: &Import<'_>, version: &ModelVersion) -> anyhow::Result<Option<String>> {
    let arguments = query(&[("name", &version.name), ("version", &version.version.to_string())]);
    let found = import.target.find(&format!("{API}/model-versions/get?{arguments}"))?;
    Ok(found.map(|found| {
        let version = &found["model_version"];
        let created = version["creation_timestamp"].as_i64().unwrap_or_default();
        described(version["description"].as_str(), &tags(version), created)
    }))
}

fn ask(import: &Import<'_>, method: Method, path: &str, body: &Value) -> anyhow::Result<Value> {
    import.target.ask(method, &format!("{API}/{path}"), &[], body)
}

fn query(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn pairs(tags: &BTreeMap<String, String>) -> Value {
    tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

fn tags(of: &Value) -> BTreeMap<String, String> {
    let text = |tag: &Value, name: &str| tag[name].as_str().unwrap_or_default().to_owned();
    let all = of["tags"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().map(|tag| (text(tag, "key"), text(tag, "value"))).collect()
}

fn aliases(of: &Value) -> BTreeMap<String, i64> {
    let number = |alias: &Value| alias["version"].as_str()?.parse().ok();
    let all = of["aliases"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().filter_map(|alias| Some((alias["alias"].as_str()?.to_owned(), number(alias)?))).collect()
}

fn text_of_model(model: &RegisteredModel) -> String {
    format!("{} {:?}", described(model.description.as_deref(), &model.tags, model.created_ms), model.aliases)
}

fn text_here(model: &Value) -> String {
    let created = model["creation_timestamp"].as_i64().unwrap_or_default();
    format!("{} {:?}", described(model["description"].as_str(), &tags(model), created), aliases(model))
}

fn text(version: &ModelVersion) -> String {
    described(version.description.as_deref(), &version.tags, version.created_ms)
}

fn described(description: Option<&str>, tags: &BTreeMap<String, String>, created_ms: i64) -> String {
    format!("{:?} {tags:?} {created_ms}", description.unwrap_or_default())
}
