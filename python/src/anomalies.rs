//! The library's detector.

use std::time::Duration;

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use weir_sdk::{AnomalyDetector, AnomalySettings, ObservabilityLogger, SdkError};

use crate::fields::{Fields, take, wrong_value};

/// Settings by their names in the package; what is absent is the library's.
pub(crate) fn settings(fields: &Fields<'_, '_>) -> PyResult<AnomalySettings> {
    let known = AnomalySettings::default();
    let time = |name, seconds: Option<f64>, otherwise| match seconds {
        None => Ok(otherwise),
        Some(seconds) => Duration::try_from_secs_f64(seconds)
            .map_err(|_| wrong_value(name, format!("is {seconds}, which is no length of time in seconds"))),
    };
    let least = take!(fields, integer, "min_samples").map(u64::try_from).transpose();
    Ok(AnomalySettings {
        window: time("window", take!(fields, number, "window"), known.window)?,
        baseline: time("baseline", take!(fields, number, "baseline"), known.baseline)?,
        min_sample: least.map_err(|_| wrong_value("min_samples", "is negative"))?.unwrap_or(known.min_sample),
        token_ratio: take!(fields, number, "token_factor").unwrap_or(known.token_ratio),
        cost_ratio: take!(fields, number, "cost_factor").unwrap_or(known.cost_ratio),
        latency_ratio: take!(fields, number, "latency_factor").unwrap_or(known.latency_ratio),
        branch_difference: take!(fields, number, "branch_difference").unwrap_or(known.branch_difference),
        project: take!(fields, text, "project"),
    })
}

/// The anomalies as a JSON array.
pub(crate) fn check(logger: &ObservabilityLogger, settings: AnomalySettings) -> PyResult<String> {
    match AnomalyDetector::new(logger).settings(settings).try_check_anomalies() {
        Ok(found) => serde_json::to_string(&found).map_err(|e| PyValueError::new_err(e.to_string())),
        // In the package's words.
        Err(SdkError::Settings(message)) => Err(PyValueError::new_err(message.replace("_ratio", "_factor"))),
        Err(error) => Err(PyOSError::new_err(error.to_string())),
    }
}
