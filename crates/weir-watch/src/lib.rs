//! What watches the traffic: Prometheus metrics, anomalies, alerts, budgets, readiness.

pub mod alerts;
pub mod anomalies;
pub mod budgets;
pub mod calendar;
pub mod detect;
pub mod notify;
pub mod prometheus;
pub mod readiness;
pub mod slo;
pub mod statistics;
