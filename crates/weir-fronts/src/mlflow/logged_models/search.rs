//! Searches of logged models.

use weir_store::catalog::{LoggedModelKey, LoggedModelQuery, LoggedModelSort, MeasuredOn};

use super::forms::{ManyModels, ModelForm};
use crate::mlflow::errors::Refused;
use crate::mlflow::experiments;
use crate::mlflow::filter::{CollectionName, FieldName, Kind, Vocabulary, conditions, nothing_special};
use crate::mlflow::front::Front;
use crate::mlflow::wire::{Args, Fields, Reply, next_token, offset, reply};

/// Models of a page where a request does not say.
const USUAL: i64 = 50;
/// Models of a page at most; whoever asks for more gets this many, and a token.
const MOST: i64 = 1_000;
/// Experiments, datasets and levels of an order that a request may name.
const MAX_NAMED: usize = 1_000;

const fn field(names: &'static [&'static str], field: &'static str, kind: Kind) -> FieldName {
    FieldName { names, field, kind, filters: true, orders: true }
}

const fn collection(names: &'static [&'static str], collection: &'static str, kind: Kind) -> CollectionName {
    CollectionName { names, collection, kind, orders: false }
}

const VOCABULARY: Vocabulary = Vocabulary {
    fields: &[
        field(&["name"], "name", Kind::TextOrList),
        field(&["model_id"], "model_id", Kind::TextOrList),
        field(&["model_type"], "model_type", Kind::TextOrList),
        field(&["status"], "status", Kind::TextOrList),
        field(&["source_run_id"], "run_id", Kind::TextOrList),
        field(&["creation_timestamp", "creation_time", "creation_timestamp_ms"], "created", Kind::Number),
        field(&["last_updated_timestamp", "last_updated_time", "last_updated_timestamp_ms"], "updated", Kind::Number),
    ],
    own: &["attributes", "attribute"],
    collections: &[
        collection(&["metrics", "metric"], "metrics", Kind::Number),
        collection(&["params", "param"], "params", Kind::TextOrList),
        collection(&["tags", "tag"], "tags", Kind::TextOrList),
    ],
    related: &[],
    special: nothing_special,
};

pub(super) fn search(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let experiments = fields.texts("experiment_ids")?;
    if experiments.is_empty() {
        return Err(fields.absent("experiment_ids"));
    }
    let datasets = fields.objects("datasets")?;
    let order = fields.objects("order_by")?;
    for (what, given) in
        [("experiment_ids", experiments.len()), ("datasets", datasets.len()), ("order_by", order.len())]
    {
        if given > MAX_NAMED {
            let message = format!("'{what}' has {given} entries, at most {MAX_NAMED} are read");
            return Err(Refused::invalid(message));
        }
    }
    let limit = match fields.int("max_results")?.unwrap_or_default() {
        0 => USUAL,
        limit if limit < 0 => {
            let message = format!("Invalid value {limit} for parameter 'max_results' supplied. It must be at least 1");
            return Err(Refused::invalid(message));
        }
        limit => limit.min(MOST),
    };
    let limit = u64::try_from(limit).unwrap_or_default();
    let query = LoggedModelQuery {
        projects: experiments.into_iter().map(experiments::parse_id).collect::<Result<_, _>>()?,
        conditions: conditions(fields.text("filter")?.unwrap_or_default(), &VOCABULARY)?,
        datasets: datasets.iter().map(dataset).collect::<Result<_, _>>()?,
        order: order.iter().map(level).collect::<Result<_, _>>()?,
        offset: offset(fields.text("page_token")?)?,
        limit: limit + 1,
    };
    let mut found = front.parts.catalog.search_logged_models(&query)?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let next_page_token = (found.len() > most).then(|| next_token(query.offset + limit));
    found.truncate(most);
    reply(&ManyModels { models: found.iter().map(ModelForm::of).collect(), next_page_token })
}

fn dataset(fields: &Fields<'_>) -> Result<MeasuredOn, Refused> {
    let given = |name| fields.text(name).map(|text| text.filter(|text| !text.is_empty()));
    let name = given("dataset_name")?
        .ok_or_else(|| Refused::invalid("`dataset_name` in the `datasets` clause must be specified."))?;
    Ok(MeasuredOn { name: name.to_owned(), digest: given("dataset_digest")?.map(str::to_owned) })
}

fn level(fields: &Fields<'_>) -> Result<LoggedModelSort, Refused> {
    let name = fields
        .text("field_name")?
        .filter(|name| !name.trim().is_empty())
        .ok_or_else(|| Refused::invalid("`field_name` in the `order_by` clause must be specified."))?;
    let descending = !fields.bool("ascending")?.unwrap_or(true);
    let named = |what| fields.text(what).map(|text| text.filter(|text| !text.is_empty()));
    let on = match (named("dataset_name")?, named("dataset_digest")?) {
        (None, None) => None,
        (None, Some(_)) => {
            let message = "`dataset_digest` can only be specified if `dataset_name` is also specified.";
            return Err(Refused::invalid(message));
        }
        (Some(name), digest) => Some(MeasuredOn { name: name.to_owned(), digest: digest.map(str::to_owned) }),
    };
    let by = match name.split_once('.') {
        Some(("metrics", key)) if !key.is_empty() => LoggedModelKey::Metric(key.trim_matches('`').to_owned(), on),
        Some((entity, _)) => {
            return Err(Refused::invalid(format!(
                "Invalid order by field name: {entity}, only `metrics.<name>` is allowed."
            )));
        }
        None => {
            let field = VOCABULARY.fields.iter().find(|field| field.names.contains(&name.trim()));
            let wrong = || Refused::invalid(format!("Invalid order by field name: {name}"));
            LoggedModelKey::Field(field.ok_or_else(wrong)?.field)
        }
    };
    Ok(LoggedModelSort { by, descending })
}
