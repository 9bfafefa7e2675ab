//! Searches of prompts: there are few enough to look at all.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use weir_core::query::{Condition, Held, Sort, Target};
use weir_store::catalog::{ModelVersion, RegisteredModel, RegistryQuery};

use super::all;
use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;

/// What a query can ask of.
trait Searched {
    fn field(&self, name: &str) -> Option<Held<'_>>;
    fn tags(&self) -> &BTreeMap<String, String>;
}

#[expect(clippy::cast_precision_loss, reason = "times and numbers of versions")]
fn number(number: i64) -> Option<Held<'static>> {
    Some(Held::Number(number as f64))
}

impl Searched for RegisteredModel {
    fn field(&self, name: &str) -> Option<Held<'_>> {
        match name {
            "name" => Some(Held::Text(&self.name)),
            "updated" => number(self.updated_ms),
            _ => None,
        }
    }
    fn tags(&self) -> &BTreeMap<String, String> {
        &self.tags
    }
}

impl Searched for ModelVersion {
    fn field(&self, name: &str) -> Option<Held<'_>> {
        match name {
            "name" => Some(Held::Text(&self.name)),
            "run_id" => Some(Held::Text(&self.run_id)),
            "source_path" => Some(Held::Text(&self.source)),
            "version_number" => number(self.version),
            "created" => number(self.created_ms),
            "updated" => number(self.updated_ms),
            _ => None,
        }
    }
    fn tags(&self) -> &BTreeMap<String, String> {
        &self.tags
    }
}

/// The prompts that a query is for.
pub(in crate::mlflow::registry) fn models(
    front: &Front,
    query: &RegistryQuery,
) -> Result<Vec<RegisteredModel>, Refused> {
    let found: Vec<_> = all(front)?.iter().map(super::Prompt::model).collect();
    Ok(page(found, query, |a, b| a.name.cmp(&b.name)))
}

/// The versions of prompts that a query is for.
pub(in crate::mlflow::registry) fn versions(
    front: &Front,
    query: &RegistryQuery,
) -> Result<Vec<ModelVersion>, Refused> {
    let found: Vec<_> = all(front)?.iter().flat_map(super::Prompt::versions).collect();
    Ok(page(found, query, |a, b| a.name.cmp(&b.name).then(b.version.cmp(&a.version))))
}

fn page<T: Searched>(mut found: Vec<T>, query: &RegistryQuery, last: fn(&T, &T) -> Ordering) -> Vec<T> {
    found.retain(|entity| query.conditions.iter().all(|condition| holds(entity, condition)));
    found.sort_by(|a, b| {
        let levels = query.order.iter().map(|sort| level(a, b, sort));
        levels.fold(Ordering::Equal, Ordering::then).then_with(|| last(a, b))
    });
    let whole = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    found.into_iter().skip(whole(query.offset)).take(whole(query.limit)).collect()
}

fn holds(entity: &impl Searched, condition: &Condition) -> bool {
    let held = match &condition.target {
        Target::Field(name) => entity.field(name),
        Target::Entry(_, key) => entity.tags().get(key).map(|value| Held::Text(value)),
        Target::Related(..) => None,
    };
    condition.test.holds(held)
}

fn level(a: &impl Searched, b: &impl Searched, sort: &Sort) -> Ordering {
    let Target::Field(name) = sort.target else { return Ordering::Equal };
    let order = match (a.field(name), b.field(name)) {
        (Some(Held::Text(a)), Some(Held::Text(b))) => a.cmp(b),
        (Some(Held::Number(a)), Some(Held::Number(b))) => a.total_cmp(&b),
        _ => Ordering::Equal,
    };
    if sort.descending { order.reverse() } else { order }
}
