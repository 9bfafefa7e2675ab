//! Logged models.

use weir_store::catalog::{LoggedModel, LoggedModelStatus, MeasuredPoint};

use super::{Database, PAGE, page, pair, text};
use crate::import::mlflow::source::Page;

impl Database {
    pub(super) fn logged_models_of(&self, experiment: i64, after: Option<&str>) -> Page<LoggedModel> {
        let mut all = self.rows(
            "SELECT model_id, experiment_id, name, artifact_location, creation_timestamp_ms, last_updated_timestamp_ms,
             status, lifecycle_stage = 'deleted', model_type, source_run_id FROM logged_models
             WHERE experiment_id = ?1 AND model_id > ?2 ORDER BY model_id LIMIT ?3",
            (experiment, after.unwrap_or_default(), PAGE),
            |row| {
                Ok(LoggedModel {
                    id: row.get(0)?,
                    project: row.get(1)?,
                    name: row.get(2)?,
                    artifact_uri: row.get(3)?,
                    created_ms: row.get(4)?,
                    updated_ms: row.get(5)?,
                    status: match row.get(6)? {
                        1 => LoggedModelStatus::Pending,
                        2 => LoggedModelStatus::Ready,
                        3 => LoggedModelStatus::Failed,
                        _ => LoggedModelStatus::Unspecified,
                    },
                    deleted: row.get(7)?,
                    model_type: text(row, 8)?,
                    run_id: text(row, 9)?,
                    ..LoggedModel::default()
                })
            },
        )?;
        for model in &mut all {
            let of_model = |sql: &str| self.rows(sql, [&model.id], pair);
            let params = of_model("SELECT param_key, param_value FROM logged_model_params WHERE model_id = ?1")?;
            let tags = of_model("SELECT tag_key, tag_value FROM logged_model_tags WHERE model_id = ?1")?;
            let points = self.rows(
                "SELECT metric_name, metric_value, metric_timestamp_ms, metric_step, run_id, dataset_name, dataset_digest
                 FROM logged_model_metrics WHERE model_id = ?1",
                [&model.id],
                |row| {
                    let value = row.get::<_, Option<f64>>(1)?.unwrap_or(f64::NAN);
                    Ok(MeasuredPoint {
                        key: row.get(0)?,
                        value: value.clamp(f64::MIN, f64::MAX),
                        timestamp_ms: row.get(2)?,
                        step: row.get(3)?,
                        run_id: row.get(4)?,
                        dataset_name: row.get(5)?,
                        dataset_digest: row.get(6)?,
                    })
                },
            )?;
            (model.params, model.tags) = (params.into_iter().collect(), tags.into_iter().collect());
            model.points = points;
        }
        page(all, |model| model.id.clone())
    }
}
