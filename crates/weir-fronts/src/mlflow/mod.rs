//! MLflow: runs, params, metrics, tags and artifacts.

pub mod call_run;
mod texts;
