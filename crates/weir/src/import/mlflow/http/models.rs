//! Registered models, prompts and scorers.

use serde_json::Value;
use weir_store::catalog::{ModelStage, ModelVersion, RegisteredModel, ScorerRecord};

use super::values::{int, list, maybe, pairs, text, token};
use super::{API, Server};
use crate::import::mlflow::model_id;
use crate::import::mlflow::prompts::is_prompt;
use crate::import::mlflow::source::{Page, SourceModel};

/// Things of one page.
const PAGE: &str = "500";
/// The searches, one after the other: the server tells models or prompts, never both.
const FILTERS: [&str; 2] = ["", "tags.`mlflow.prompt.is_prompt` = 'true'"];

impl Server {
    /// Tokens are the number of the search and the server's own.
    pub(super) fn registered_models(&self, page: Option<&str>) -> Page<SourceModel> {
        let (search, sent) = page.and_then(|page| page.split_once(' ')).unwrap_or(("0", ""));
        let search: usize = search.parse().unwrap_or_default();
        let filter = FILTERS.get(search).copied().unwrap_or_default();
        let mut query = vec![("max_results", PAGE)];
        query.extend([("filter", filter), ("page_token", sent)].into_iter().filter(|(_, value)| !value.is_empty()));
        let mut answer = self.client.get(&format!("{API}/registered-models/search"), &query)?;
        let models = list(&mut answer, "registered_models").iter().map(model).collect();
        let next = match token(&answer, sent) {
            Some(token) => Some(format!("{search} {token}")),
            None if search + 1 < FILTERS.len() => Some(format!("{} ", search + 1)),
            None => None,
        };
        Ok((models, next))
    }

    pub(super) fn versions_of(&self, model: &SourceModel) -> anyhow::Result<Vec<ModelVersion>> {
        let name = &model.model.name;
        // A name has one kind of quotes at most, or this says which.
        let quote = if name.contains('\'') { '"' } else { '\'' };
        let mut filter = format!("name = {quote}{name}{quote}");
        if is_prompt(&model.model.tags) {
            filter = format!("{filter} AND {}", FILTERS[1]);
        }
        let (mut all, mut sent) = (Vec::new(), String::new());
        loop {
            let mut query =
                vec![("filter", filter.as_str()), ("max_results", PAGE), ("order_by", "version_number ASC")];
            query.extend(Some(("page_token", sent.as_str())).filter(|_| !sent.is_empty()));
            let mut answer = self.client.get(&format!("{API}/model-versions/search"), &query)?;
            for version in list(&mut answer, "model_versions") {
                all.push(self.version(&version)?);
            }
            match token(&answer, &sent) {
                Some(token) => sent = token,
                None => break,
            }
        }
        all.sort_by_key(|version| version.version);
        Ok(all)
    }

    fn version(&self, version: &Value) -> anyhow::Result<ModelVersion> {
        let (name, number, source) = (text(version, "name"), text(version, "version"), text(version, "source"));
        let model = model_id(&source);
        let location = if model.is_empty() {
            let query = [("name", name.as_str()), ("version", number.as_str())];
            let found = self.client.find(&format!("{API}/model-versions/get-download-uri"), &query)?;
            found.map(|found| text(&found, "artifact_uri")).unwrap_or_default()
        } else {
            source.clone()
        };
        Ok(ModelVersion {
            version: number.parse()?,
            created_ms: int(version, "creation_timestamp"),
            updated_ms: int(version, "last_updated_timestamp"),
            description: maybe(version, "description").filter(|text| !text.is_empty()),
            stage: ModelStage::named(&text(version, "current_stage")).unwrap_or_default(),
            run_id: text(version, "run_id"),
            run_link: text(version, "run_link"),
            tags: pairs(&version["tags"]).into_iter().collect(),
            model_id: model,
            name,
            source,
            location,
            ..ModelVersion::default()
        })
    }

    pub(super) fn scorers_of(&self, experiment: i64) -> anyhow::Result<Vec<ScorerRecord>> {
        let id = experiment.to_string();
        let query = [("experiment_id", id.as_str())];
        let Some(mut listed) = self.client.active("api/3.0/mlflow/scorers/list", &query)? else {
            return Ok(Vec::new());
        };
        let mut all = Vec::new();
        for newest in list(&mut listed, "scorers") {
            let name = text(&newest, "scorer_name");
            let query = [("experiment_id", id.as_str()), ("name", name.as_str())];
            let mut versions = self.client.get("api/3.0/mlflow/scorers/versions", &query)?;
            all.extend(list(&mut versions, "scorers").iter().map(|scorer| ScorerRecord {
                id: text(scorer, "scorer_id"),
                project: experiment,
                name: name.clone(),
                version: int(scorer, "scorer_version"),
                content: text(scorer, "serialized_scorer"),
                created_ms: int(scorer, "creation_time"),
            }));
        }
        Ok(all)
    }
}

fn model(model: &Value) -> SourceModel {
    let alias = |alias: &Value| (text(alias, "alias"), int(alias, "version"));
    let model = RegisteredModel {
        name: text(model, "name"),
        created_ms: int(model, "creation_timestamp"),
        description: maybe(model, "description").filter(|text| !text.is_empty()),
        tags: pairs(&model["tags"]).into_iter().collect(),
        aliases: model["aliases"].as_array().into_iter().flatten().map(alias).collect(),
        ..RegisteredModel::default()
    };
    // Of versions that were deleted the server does not tell.
    SourceModel { model, last_version: 0 }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_model_is_read_as_the_server_writes_it() {
        let read = model(&json!({"name": "m", "creation_timestamp": 5, "description": "",
            "tags": [{"key": "a", "value": "b"}], "aliases": [{"alias": "best", "version": "3"}]}));
        assert_eq!((read.model.aliases["best"], read.model.tags["a"].as_str(), read.model.description), (3, "b", None));
    }
}
