//! Models that are trained: curves of losses and scores, some runs that failed, and versions in the registry.

use std::collections::BTreeMap;

use weir_core::time::{HOUR, MINUTE};
use weir_store::catalog::{ModelStage, NewModelVersion, Registry, RegistryError, RunRecord, RunStatus};

use super::{Made, data, files, spread};
use crate::demo::chance::Chance;
use crate::demo::incidents::Plan;

/// The registered model.
const MODEL: &str = "ticket-classifier";
/// Runs whose model was registered, in the order of the versions.
const REGISTERED: [usize; 4] = [2, 5, 9, 12];

/// Runs of the classifier: learning rates, batch sizes and base models are tried.
pub(super) fn classifier(plan: &Plan, chance: &mut Chance) -> Vec<Made> {
    let count = 14;
    let run = |place: usize| {
        let tried = [2e-5, 5e-5, 1e-4, 3e-4][chance.below(4)];
        // What is registered was trained at the rate that works.
        let rate = if REGISTERED.contains(&place) { 5e-5 } else { tried };
        let batch = [16, 32, 64][chance.below(3)];
        let base = ["distilbert-base", "minilm-l6", "deberta-v3-small"][(place / 5).min(2)];
        let epochs = match place {
            4 => 9,
            13 => 22,
            _ => 40,
        };
        let dropout = [0.1, 0.2, 0.3][chance.below(3)];
        // Later base models are better; the largest rate does not settle.
        let best = 0.82 + 0.045 * (place / 5).min(2) as f64 + chance.between(-0.012, 0.012)
            - if rate > 2e-4 { 0.04 } else { 0.0 };
        let curves = Curves::new(epochs, best, rate / 5e-5, chance);
        let status = match place {
            4 => RunStatus::Failed,
            13 => RunStatus::Running,
            _ => RunStatus::Finished,
        };
        let name = format!("{base}-lr{rate:e}-b{batch}");
        let files = if status == RunStatus::Finished {
            files::of_classifier(&curves.loss, &curves.held_out, best)
        } else {
            Vec::new()
        };
        Made {
            name,
            at: if status == RunStatus::Running { plan.range.end - 40 * MINUTE } else { spread(plan, place, count) },
            took: if status == RunStatus::Running {
                38 * MINUTE
            } else {
                HOUR + (chance.between(0.0, 90.0) * MINUTE as f64) as i64
            },
            status,
            user: ["maria", "jonas", "aiko"][chance.below(3)],
            params: vec![
                ("base_model", base.to_owned()),
                ("learning_rate", rate.to_string()),
                ("batch_size", batch.to_string()),
                ("epochs", "40".to_owned()),
                ("dropout", dropout.to_string()),
                ("seed", (17 + place).to_string()),
                ("optimizer", "adamw".to_owned()),
            ],
            metrics: vec![
                ("train_loss", curves.loss),
                ("val_loss", curves.held_out),
                ("val_accuracy", curves.accuracy),
                ("val_f1", curves.f1),
            ],
            tags: vec![
                ("mlflow.source.name", "train_classifier.py".to_owned()),
                ("mlflow.source.type", "LOCAL".to_owned()),
                ("mlflow.source.git.commit", format!("{}{}", chance.hex(16), chance.hex(16))),
                ("team", "assistant".to_owned()),
            ],
            dataset: Some(data(
                "tickets",
                if place < 7 { "a31f90c2" } else { "d4475e18" },
                "training",
                if place < 7 { 18_204 } else { 26_911 },
            )),
            files,
        }
    };
    (0..count).map(run).collect()
}

/// Runs of the reranker: fewer, one of them ended from outside.
pub(super) fn reranker(plan: &Plan, chance: &mut Chance) -> Vec<Made> {
    let count = 6;
    let run = |place: usize| {
        let depth = [20, 50, 100][place % 3];
        let temperature = [0.5, 1.0][place / 3];
        let steps = if place == 3 { 14 } else { 60 };
        let best = 0.61 + 0.03 * (place % 3) as f64 + 0.02 * (place / 3) as f64;
        let curves = Curves::new(steps, best, 1.0, chance);
        Made {
            name: format!("rerank-top{depth}-t{temperature}"),
            at: spread(plan, place, count),
            took: 25 * MINUTE,
            status: if place == 3 { RunStatus::Killed } else { RunStatus::Finished },
            user: "aiko",
            params: vec![
                ("candidates", depth.to_string()),
                ("temperature", temperature.to_string()),
                ("loss", "listwise".to_owned()),
            ],
            metrics: vec![("loss", curves.loss), ("ndcg_at_5", curves.f1), ("mrr", curves.accuracy)],
            tags: vec![("mlflow.source.name", "tune_reranker.py".to_owned()), ("team", "search".to_owned())],
            dataset: Some(data("help-centre-clicks", "7be01d55", "training", 9_320)),
            files: Vec::new(),
        }
    };
    (0..count).map(run).collect()
}

/// Curves of a training.
struct Curves {
    loss: Vec<f64>,
    held_out: Vec<f64>,
    accuracy: Vec<f64>,
    f1: Vec<f64>,
}

impl Curves {
    /// Losses that fall like e^(-t), and scores that rise to `best`; a high rate makes them restless.
    fn new(steps: usize, best: f64, rate: f64, chance: &mut Chance) -> Self {
        let mut curves = Self { loss: Vec::new(), held_out: Vec::new(), accuracy: Vec::new(), f1: Vec::new() };
        let settles = 7.0 / rate.clamp(0.4, 3.0);
        let noise = 0.008 * rate.clamp(0.5, 6.0);
        for step in 0..steps {
            let left = (-(step as f64) / settles).exp();
            let over = (step as f64 / steps as f64 - 0.6).max(0.0) * 0.12;
            curves.loss.push(digits(0.12 + 1.25 * left + noise * chance.normal().abs()));
            curves.held_out.push(digits(0.24 + 1.2 * left + over + noise * chance.normal().abs()));
            let accuracy = best - (best - 0.34) * left + noise * 0.4 * chance.normal();
            curves.accuracy.push(digits(accuracy.clamp(0.0, 0.995)));
            curves.f1.push(digits((accuracy - 0.018 + 0.003 * chance.normal()).clamp(0.0, 0.99)));
        }
        curves
    }
}

fn digits(value: f64) -> f64 {
    (value * 1e5).round() / 1e5
}

/// Registers versions: the second but last is in production, the last on trial.
pub(super) fn register(catalog: &dyn Registry, runs: &[Made], records: &[RunRecord]) -> anyhow::Result<()> {
    let now_ms = runs.first().map_or(0, |run| run.at / 1_000);
    let tags = BTreeMap::from([("team".to_owned(), "assistant".to_owned())]);
    match catalog.create_model(MODEL, Some("Routes tickets to answer, lookup or escalate"), &tags, now_ms) {
        // It was registered before.
        Err(RegistryError::Taken) => return Ok(()),
        made => drop(made?),
    }
    let stages = [ModelStage::Archived, ModelStage::Archived, ModelStage::Production, ModelStage::Staging];
    for (place, stage) in REGISTERED.into_iter().zip(stages) {
        let (Some(run), Some(record)) = (runs.get(place), records.get(place)) else { continue };
        let at_ms = (run.at + run.took) / 1_000 + 600_000;
        let f1 = run.metrics.iter().find(|(key, _)| *key == "val_f1").and_then(|(_, values)| values.last().copied());
        let f1 = f1.unwrap_or_default();
        let new = NewModelVersion {
            source: format!("{}/model", record.artifact_uri),
            location: format!("{}/model", record.artifact_uri),
            run_id: record.id.to_string(),
            description: Some(format!("F1 {f1:.3} on the held-out tickets")),
            tags: BTreeMap::from([("validated".to_owned(), "true".to_owned())]),
            ..NewModelVersion::default()
        };
        let version = catalog.create_version(MODEL, new, at_ms)?.version;
        catalog.move_version(MODEL, version, stage, false, at_ms + 3_600_000)?;
    }
    for (alias, version) in [("champion", 3), ("challenger", 4)] {
        catalog.set_alias(MODEL, alias, Some(version))?;
    }
    Ok(())
}
