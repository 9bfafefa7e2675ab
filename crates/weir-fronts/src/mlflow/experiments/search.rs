//! `experiments/search`.

use serde::Serialize;
use weir_core::query::{Condition, Op, Operand, Target, Test};
use weir_store::catalog::{ProjectQuery, Stage};

use super::{form, known};
use crate::mlflow::errors::Refused;
use crate::mlflow::filter::{self, CollectionName, FieldName, Kind, Vocabulary, nothing_special};
use crate::mlflow::front::Front;
use crate::mlflow::wire::{Args, Fields, Reply, next_token, offset, reply};

const MOST: i64 = 50_000;

const EXPERIMENTS: Vocabulary = Vocabulary {
    fields: &[
        FieldName { names: &["name"], field: "name", kind: Kind::Text, filters: true, orders: true },
        // Asked for as a text, ordered as a number.
        FieldName { names: &["experiment_id"], field: "id", kind: Kind::TextOrList, filters: true, orders: false },
        FieldName { names: &["experiment_id"], field: "number", kind: Kind::Number, filters: false, orders: true },
        FieldName { names: &["creation_time"], field: "created_ms", kind: Kind::Number, filters: true, orders: true },
        FieldName {
            names: &["last_update_time"],
            field: "updated_ms",
            kind: Kind::Number,
            filters: true,
            orders: true,
        },
    ],
    own: &["attribute"],
    collections: &[CollectionName { names: &["tag", "tags"], collection: "tags", kind: Kind::Entry, orders: false }],
    related: &[],
    special: nothing_special,
};

/// Which stage is asked for.
pub(in crate::mlflow) fn stage(fields: &Fields<'_>, name: &str) -> Result<Stage, Refused> {
    let members = [("ACTIVE_ONLY", 1, Stage::Active), ("DELETED_ONLY", 2, Stage::Deleted), ("ALL", 3, Stage::All)];
    Ok(fields.choice(name, &members)?.unwrap_or_default())
}

pub(super) fn search(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let limit = fields.int("max_results")?.unwrap_or_default();
    if limit < 1 {
        let must = "supplied. It must be a positive integer";
        return Err(Refused::invalid(format!("Invalid value {limit} for parameter 'max_results' {must}")));
    }
    if limit > MOST {
        let must = format!("supplied. It must be at most {MOST}");
        return Err(Refused::invalid(format!("Invalid value {limit} for parameter 'max_results' {must}")));
    }
    let mut query = ProjectQuery {
        stage: stage(&fields, "view_type")?,
        conditions: filter::conditions(fields.text("filter")?.unwrap_or_default(), &EXPERIMENTS)?,
        order: filter::order(&fields.texts("order_by")?, &EXPERIMENTS)?,
        offset: offset(fields.text("page_token")?)?,
        limit: limit as usize + 1,
    };
    query.conditions.iter_mut().try_for_each(whole)?;
    known::ensure(front)?;
    let mut found = front.parts.catalog.search_projects(&query)?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    #[derive(Serialize)]
    struct Answer<'a> {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        experiments: Vec<form::Experiment<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next_page_token: Option<String>,
    }
    reply(&Answer {
        experiments: found.iter().map(form::Experiment::of).collect(),
        next_page_token: more.then(|| next_token(query.offset.saturating_add(limit as u64))),
    })
}

/// Ids and times are whole numbers.
fn whole(condition: &mut Condition) -> Result<(), Refused> {
    let number = |text: &mut String| -> Result<(), Refused> {
        *text = known::parse_id(text)?.to_string();
        Ok(())
    };
    match (&condition.target, &mut condition.test) {
        (Target::Field("id"), Test::In(list) | Test::NotIn(list)) => list.iter_mut().try_for_each(number),
        (Target::Field("id"), Test::Compare(Op::Eq | Op::Ne, Operand::Text(text))) => number(text),
        (Target::Field("id"), _) => Err(Refused::invalid("Invalid comparator for experiment_id: LIKE")),
        (Target::Field(name @ ("created_ms" | "updated_ms")), Test::Compare(_, Operand::Number(n)))
            if n.fract() != 0.0 =>
        {
            let name = if *name == "created_ms" { "creation_time" } else { "last_update_time" };
            Err(Refused::invalid(format!("Invalid value for numeric attribute '{name}': '{n}'")))
        }
        _ => Ok(()),
    }
}
