//! Searches of models and of versions.

use weir_core::query::{Condition, Op, Operand, Sort, Target, Test};
use weir_store::catalog::RegistryQuery;

use super::forms::{ManyModels, ManyVersions, ModelForm, VersionForm};
use super::prompts;
use crate::mlflow::errors::Refused;
use crate::mlflow::filter::{CollectionName, FieldName, Kind, Vocabulary, conditions, nothing_special, order};
use crate::mlflow::front::Front;
use crate::mlflow::wire::{Args, Fields, Reply, next_token, offset, reply};

/// The tag that tells prompts from models.
pub(super) const IS_PROMPT: &str = "mlflow.prompt.is_prompt";

const MODELS_AT_ONCE: (i64, i64) = (100, 1_000);
const VERSIONS_AT_ONCE: (i64, i64) = (200_000, 200_000);

const TAGS: &[CollectionName] =
    &[CollectionName { names: &["tags", "tag"], collection: "tags", kind: Kind::Text, orders: false }];
const OWN: &[&str] = &["attribute", "attributes"];

const fn field(names: &'static [&'static str], field: &'static str, kind: Kind) -> FieldName {
    FieldName { names, field, kind, filters: true, orders: false }
}

const fn level(names: &'static [&'static str], field: &'static str) -> FieldName {
    FieldName { names, field, kind: Kind::Number, filters: false, orders: true }
}

const MODELS: Vocabulary = Vocabulary {
    fields: &[
        FieldName { names: &["name"], field: "name", kind: Kind::TextOrList, filters: true, orders: true },
        level(&["timestamp", "last_updated_timestamp"], "updated"),
    ],
    own: OWN,
    collections: TAGS,
    related: &[],
    special: nothing_special,
};

const VERSIONS: Vocabulary = Vocabulary {
    fields: &[
        FieldName { names: &["name"], field: "name", kind: Kind::TextOrList, filters: true, orders: true },
        FieldName {
            names: &["version_number"],
            field: "version_number",
            kind: Kind::Number,
            filters: true,
            orders: true,
        },
        field(&["run_id"], "run_id", Kind::TextOrList),
        field(&["source_path"], "source_path", Kind::Text),
        level(&["creation_timestamp"], "created"),
        level(&["last_updated_timestamp"], "updated"),
    ],
    own: OWN,
    collections: TAGS,
    related: &[],
    special: nothing_special,
};

pub(super) fn models(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let (mut query, of_prompts) = read(&args.fields(), &MODELS, MODELS_AT_ONCE)?;
    let limit = query.limit;
    query.limit += 1;
    let mut found =
        if of_prompts { prompts::models(front, &query)? } else { front.parts.catalog.search_models(&query)? };
    let next_page_token = cut(&mut found, limit, query.offset);
    reply(&ManyModels { registered_models: found.iter().map(ModelForm::of).collect(), next_page_token })
}

pub(super) fn versions(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let (mut query, of_prompts) = read(&args.fields(), &VERSIONS, VERSIONS_AT_ONCE)?;
    if query.order.is_empty() {
        query.order.push(Sort { target: Target::Field("updated"), descending: true });
    }
    let limit = query.limit;
    query.limit += 1;
    let mut found =
        if of_prompts { prompts::versions(front, &query)? } else { front.parts.catalog.search_versions(&query)? };
    let next_page_token = cut(&mut found, limit, query.offset);
    reply(&ManyVersions { model_versions: found.iter().map(VersionForm::of).collect(), next_page_token })
}

/// Cuts off what was read only to know whether there is more; the token of the next page, if there is one.
fn cut<T>(found: &mut Vec<T>, limit: u64, offset: u64) -> Option<String> {
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > most;
    found.truncate(most);
    more.then(|| next_token(offset + limit))
}

/// What a request looks for, and whether for prompts.
fn read(
    fields: &Fields<'_>,
    vocabulary: &Vocabulary,
    (usual, most): (i64, i64),
) -> Result<(RegistryQuery, bool), Refused> {
    let limit = fields.int("max_results")?.unwrap_or(usual);
    if limit > most {
        let value = fields.get("max_results")?.cloned().unwrap_or_default();
        return Err(fields.wrong("max_results", &value));
    }
    let limit = u64::try_from(limit).ok().filter(|limit| *limit > 0).ok_or_else(|| {
        Refused::invalid(format!("Invalid value for max_results. It must be a positive integer, but got {limit}"))
    })?;
    let conditions = conditions(fields.text("filter")?.unwrap_or_default(), vocabulary)?;
    for condition in &conditions {
        let Test::Compare(_, Operand::Number(number)) = condition.test else { continue };
        if number.fract() != 0.0 {
            return Err(Refused::invalid(format!("Invalid value for numeric attribute 'version_number': {number}")));
        }
    }
    let order = order(&fields.texts("order_by")?, vocabulary)?;
    let offset = offset(fields.text("page_token")?)?;
    let (conditions, prompts) = of_prompts(conditions);
    Ok((RegistryQuery { conditions, order, offset, limit }, prompts))
}

/// Whether prompts are looked for. The first condition on the tag decides; for models, which do not have it, all such
/// conditions fall away.
fn of_prompts(mut conditions: Vec<Condition>) -> (Vec<Condition>, bool) {
    let on_tag = |c: &Condition| matches!(&c.target, Target::Entry("tags", key) if key == IS_PROMPT);
    let prompts = conditions.iter().find(|c| on_tag(c)).is_some_and(|condition| match &condition.test {
        Test::Compare(Op::Eq, Operand::Text(text)) => text.eq_ignore_ascii_case("true"),
        Test::Compare(Op::Ne, Operand::Text(text)) => text.eq_ignore_ascii_case("false"),
        _ => false,
    });
    if !prompts {
        conditions.retain(|c| !on_tag(c));
    }
    (conditions, prompts)
}
