//! Datasets to evaluate with: questions and what a right answer says.

use std::collections::BTreeMap;

use serde_json::json;
use weir_core::id::{DatasetId, ExampleId};
use weir_core::time::DAY;
use weir_store::catalog::{DatasetRecord, Datasets, Example};

use super::chance::Chance;
use super::incidents::Plan;
use super::topics::{self, Topic};

/// What runs name as their input.
pub(super) const GOLDEN: &str = "support-golden";

struct Kind {
    name: &'static str,
    topics: &'static [Topic],
    per_topic: usize,
}

const KINDS: [Kind; 2] = [
    Kind { name: GOLDEN, topics: topics::SUPPORT, per_topic: 10 },
    Kind { name: "refund-edge-cases", topics: topics::BILLING, per_topic: 6 },
];

/// Puts the datasets of a project; how many.
pub(super) fn put(catalog: &dyn Datasets, project: i64, plan: &Plan, seed: u64) -> anyhow::Result<usize> {
    for (number, kind) in KINDS.iter().enumerate() {
        let mut chance = Chance::new(seed, 100 + number as u64);
        let at = plan.range.start - 5 * DAY;
        let created_ms = at / 1_000;
        let mut examples = Vec::new();
        for topic in kind.topics {
            for turn in 0..kind.per_topic {
                let order = format!("V{:06}", 100_000 + chance.below(900_000));
                let question = topic.question(turn, &order, &mut chance);
                let expected = topic
                    .facts
                    .get(turn % topic.facts.len().max(1))
                    .map_or_else(String::new, |fact| fact.replace("{order}", &order));
                examples.push(Example {
                    id: ExampleId(chance.id(at)),
                    inputs: json!({"question": question, "case": examples.len() + 1}).to_string(),
                    expected: Some(json!({"expected_facts": [expected], "topic": topic.name}).to_string()),
                    metadata: Some(json!({"difficulty": chance.one(&["easy", "usual", "hard"])}).to_string()),
                    created_ms,
                    updated_ms: created_ms,
                    created_by: Some("maria".to_owned()),
                    ..Example::default()
                });
            }
        }
        examples.sort_by_key(|example| example.id);
        let record = DatasetRecord {
            id: DatasetId(chance.id(at)),
            name: kind.name.to_owned(),
            tags: BTreeMap::from([("team".to_owned(), "assistant".to_owned())]),
            schema: Some(json!({"inputs": {"question": "string", "case": "long"}, "expectations": {"expected_facts": "array", "topic": "string"}}).to_string()),
            digest: chance.hex(8),
            revision: 0,
            examples: examples.len() as i64,
            created_ms,
            updated_ms: created_ms,
            created_by: Some("maria".to_owned()),
            updated_by: Some("maria".to_owned()),
        };
        catalog.put_dataset(&record, &[project], examples)?;
    }
    Ok(KINDS.len())
}
