//! What watches the traffic: Prometheus metrics.

pub mod prometheus;
