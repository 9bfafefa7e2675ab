//! Answers that are evaluated offline: each version of the prompt with each model, on the same dataset.

use weir_core::time::MINUTE;
use weir_store::catalog::RunStatus;

use super::{Made, data, spread};
use crate::demo::chance::Chance;
use crate::demo::datasets::GOLDEN;
use crate::demo::incidents::Plan;
use crate::demo::models::MODELS;

/// One run for each version and model.
pub(super) fn all(plan: &Plan, chance: &mut Chance) -> Vec<Made> {
    let count = 2 * MODELS.len();
    let mut runs = Vec::with_capacity(count);
    for (number, (version, better, tokens)) in [("v1", 0.0, 690.0), ("v2", 0.07, 380.0)].into_iter().enumerate() {
        for (place, model) in MODELS.iter().enumerate() {
            let strong = 0.03 * (place % 2) as f64;
            let mut score =
                |base: f64| ((base + better + strong + 0.01 * chance.normal()).min(0.99) * 1e4).round() / 1e4;
            let metrics = vec![
                ("faithfulness", vec![score(0.83)]),
                ("relevance", vec![score(0.81)]),
                ("correctness", vec![score(0.74)]),
                ("refusals", vec![(chance.between(0.0, 0.04) * 100.0).round() / 100.0]),
                ("tokens_per_answer", vec![(tokens + 120.0 + 20.0 * chance.normal()).round()]),
                ("latency_p95_ms", vec![(model.first_ms + 260.0 * model.token_ms * 0.7).round()]),
            ];
            runs.push(Made {
                name: format!("{version}-{}", model.name),
                at: spread(plan, number * MODELS.len() + place, count),
                took: 9 * MINUTE,
                status: RunStatus::Finished,
                user: "maria",
                params: vec![
                    ("prompt", "support-answer".to_owned()),
                    ("prompt_version", version.to_owned()),
                    ("model", model.name.to_owned()),
                    ("provider", model.provider.to_owned()),
                    ("temperature", "0.2".to_owned()),
                    ("judge", "gpt-4.1".to_owned()),
                ],
                metrics,
                tags: vec![("mlflow.source.name", "evaluate.py".to_owned()), ("team", "assistant".to_owned())],
                dataset: Some(data(GOLDEN, "5c2e7f10", "evaluation", 50)),
                files: Vec::new(),
            });
        }
    }
    runs
}
