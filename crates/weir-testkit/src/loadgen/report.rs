//! What a run measured, as one line of JSON.

use serde_json::{Value, json};

use super::histogram::Histogram;

/// Counts and times of a run.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Requests begun.
    pub requests: u64,
    /// Answers of status 2xx read to their end (streams: with their mark of completeness).
    pub ok: u64,
    /// Answers of another status.
    pub http_errors: u64,
    /// Connections refused or broken, answers cut off.
    pub io_errors: u64,
    /// Answers that took longer than the limit.
    pub timeouts: u64,
    /// Streams that ended in good order without their mark of completeness.
    pub incomplete: u64,
    /// Bytes of answers' bodies.
    pub bytes: u64,
    /// Length of the run in seconds.
    pub seconds: f64,
    /// Microseconds until the end of good answers.
    pub latency: Histogram,
    /// Microseconds until the first byte of a good answer's body.
    pub first_event: Histogram,
    /// Open loop: microseconds from when a request fell due to its being sent. With free connections this is
    /// the generator's own lateness, without it is the wait for one.
    pub late: Histogram,
    /// Microseconds from a chunk's stamp, the time when the provider sent it, to its being read.
    pub chunk: Histogram,
}

impl Report {
    /// Requests that were not answered well.
    pub fn errors(&self) -> u64 {
        self.http_errors + self.io_errors + self.timeouts + self.incomplete
    }

    /// Adds what another part of the run measured.
    pub fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        self.ok += other.ok;
        self.http_errors += other.http_errors;
        self.io_errors += other.io_errors;
        self.timeouts += other.timeouts;
        self.incomplete += other.incomplete;
        self.bytes += other.bytes;
        self.latency.merge(&other.latency);
        self.first_event.merge(&other.first_event);
        self.late.merge(&other.late);
        self.chunk.merge(&other.chunk);
    }

    /// The report as JSON.
    pub fn json(&self) -> Value {
        let rps = if self.seconds > 0.0 { self.ok as f64 / self.seconds } else { 0.0 };
        let quantiles = |of: &Histogram| json!({"p50": of.quantile(0.5), "p99": of.quantile(0.99)});
        let mut json = json!({
            "requests": self.requests,
            "ok": self.ok,
            "errors": self.errors(),
            "http_errors": self.http_errors,
            "io_errors": self.io_errors,
            "timeouts": self.timeouts,
            "incomplete": self.incomplete,
            "seconds": (self.seconds * 1000.0).round() / 1000.0,
            "rps": (rps * 10.0).round() / 10.0,
            "latency_us": {
                "p50": self.latency.quantile(0.5),
                "p90": self.latency.quantile(0.9),
                "p99": self.latency.quantile(0.99),
                "max": self.latency.max(),
                "mean": (self.latency.mean() * 10.0).round() / 10.0,
            },
            "first_event_us": quantiles(&self.first_event),
            "bytes": self.bytes,
        });
        if self.late.count() > 0 {
            json["late_us"] = quantiles(&self.late);
        }
        if self.chunk.count() > 0 {
            json["chunk_us"] = quantiles(&self.chunk);
            json["chunk_us"]["max"] = self.chunk.max().into();
            json["chunks"] = self.chunk.count().into();
        }
        json
    }
}
