//! What watches the traffic: Prometheus metrics, anomalies, alerts, budgets, readiness.

pub mod anomalies;
pub mod notify;
pub mod prometheus;
pub mod statistics;
