//! The parameters of `/api/v1/anomalies`.

use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use weir_core::anomaly::{Anomaly, AnomalyKind, AnomalyState, Severity};
use weir_core::error::Error;
use weir_core::time::{Micros, SECOND};
use weir_store::catalog::{AnomalyQuery, MAX_ANOMALIES};
use weir_store::telemetry::TimeRange;

use super::params::{self, Pairs, Param};
use super::when;

/// Anomalies of a page where nothing is said.
const LIMIT: usize = 100;
/// How long the answer waits for the judgement of calls of the past where nothing is said.
const WAIT: Micros = 10 * SECOND;
/// How long it may wait at most.
const LONGEST_WAIT: Micros = 300 * SECOND;

static PARAMS: [Param; 10] = [
    Param { name: "project", about: "Of this project", repeats: true },
    Param { name: "metric", about: "Of this metric: cost_per_call, error_ratio, ...", repeats: true },
    Param {
        name: "kind",
        about: "spike, shift, proportion, drift, silence, or rule for what the four documented rules say; without it \
                all but rule",
        repeats: true,
    },
    Param { name: "severity", about: "At least as bad: info, warning or critical", repeats: false },
    Param { name: "state", about: "firing or resolved", repeats: false },
    Param {
        name: "since",
        about: "Not over before then: 24h or 7d (ago), a date, RFC 3339 or a Unix time",
        repeats: false,
    },
    Param { name: "until", about: "Began before then; written as `since`", repeats: false },
    Param { name: "limit", about: "At most that many, 1 to 1000; 100 by default", repeats: false },
    Param { name: "cursor", about: "`next` of the page before", repeats: false },
    Param {
        name: "wait",
        about: "How long to wait while calls of the past, stored a moment ago, are judged: 10s by default, at most 5m",
        repeats: false,
    },
];

static EVALUATE: [Param; 2] = [
    Param { name: "project", about: "Only this project; without it every one", repeats: true },
    Param { name: "wait", about: "How long to wait for the end: 5m by default and at most", repeats: false },
];

/// The parameters, for the OpenAPI document.
pub(super) struct ListParams;

impl IntoParams for ListParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        params::describe(PARAMS.iter())
    }
}

/// The parameters, for the OpenAPI document.
pub(super) struct EvaluateParams;

impl IntoParams for EvaluateParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        params::describe(EVALUATE.iter())
    }
}

/// A list that is asked for.
#[derive(Clone, Debug)]
pub struct ListQuery {
    /// Which anomalies.
    pub query: AnomalyQuery,
    /// How long to wait for the judgement of what is stored, microseconds.
    pub wait: Micros,
}

/// Reads the parameters of a list.
///
/// # Errors
/// A parameter is wrong; the message says which.
pub fn list(pairs: &Pairs, now: Micros) -> Result<ListQuery, Error> {
    params::check(pairs, PARAMS.iter(), false)?;
    let texts = |name| params::all(pairs, name).map(str::to_owned).collect();
    let kinds = params::all(pairs, "kind").map(kind).collect::<Result<_, _>>()?;
    let severity = params::one(pairs, "severity").map(severity).transpose()?;
    let state = params::one(pairs, "state").map(state).transpose()?;
    let range = TimeRange { from: params::instant(pairs, "since", now)?, to: params::instant(pairs, "until", now)? };
    if let (Some(from), Some(to)) = (range.from, range.to)
        && from >= to
    {
        return Err(Error::invalid("until", "parameter \"until\" is not after \"since\""));
    }
    let limit = match params::one(pairs, "limit") {
        None => LIMIT,
        Some(text) => text.parse().ok().filter(|n| (1..=MAX_ANOMALIES).contains(n)).ok_or_else(|| {
            Error::invalid("limit", format!("parameter \"limit\": \"{text}\" is no number from 1 to {MAX_ANOMALIES}"))
        })?,
    };
    let after = params::one(pairs, "cursor").map(cursor).transpose()?;
    let query = AnomalyQuery {
        projects: texts("project"),
        metrics: texts("metric"),
        kinds,
        severity,
        state,
        judged: false,
        range,
        limit,
        after,
    };
    Ok(ListQuery { query, wait: wait(pairs, WAIT)? })
}

/// Reads the parameters of an evaluation: which projects, and how long to wait.
pub(super) fn evaluate(pairs: &Pairs) -> Result<(Vec<String>, Micros), Error> {
    params::check(pairs, EVALUATE.iter(), false)?;
    Ok((params::all(pairs, "project").map(str::to_owned).collect(), wait(pairs, LONGEST_WAIT)?))
}

/// The query that says whether something bad goes on among what another one selects.
#[must_use]
pub fn open(query: &AnomalyQuery) -> AnomalyQuery {
    AnomalyQuery {
        severity: Some(Severity::Warning),
        state: Some(AnomalyState::Firing),
        limit: 1,
        after: None,
        ..query.clone()
    }
}

/// Where the page after this one begins.
#[must_use]
pub fn next(page: &[Anomaly], limit: usize) -> Option<String> {
    let last = page.last().filter(|_| page.len() >= limit)?;
    Some(format!("{}.{}", last.detected_at, last.id))
}

fn wait(pairs: &Pairs, usual: Micros) -> Result<Micros, Error> {
    let Some(text) = params::one(pairs, "wait") else { return Ok(usual) };
    when::duration(text)
        .filter(|us| (0..=LONGEST_WAIT).contains(us))
        .ok_or_else(|| Error::invalid("wait", format!("parameter \"wait\": \"{text}\" is no duration from 0s to 5m")))
}

fn cursor(text: &str) -> Result<(Micros, String), Error> {
    let parts = text.split_once('.').and_then(|(at, id)| Some((params::number(at)?, id.to_owned())));
    parts.filter(|(_, id)| !id.is_empty()).ok_or_else(params::foreign_cursor)
}

fn kind(text: &str) -> Result<AnomalyKind, Error> {
    Ok(match text {
        "spike" => AnomalyKind::Spike,
        "shift" => AnomalyKind::Shift,
        "proportion" => AnomalyKind::Proportion,
        "drift" => AnomalyKind::Drift,
        "silence" => AnomalyKind::Silence,
        "rule" => AnomalyKind::Rule,
        _ => {
            let set = ["spike", "shift", "proportion", "drift", "silence", "rule"];
            return Err(params::not_one_of("kind", text, set));
        }
    })
}

fn severity(text: &str) -> Result<Severity, Error> {
    Ok(match text {
        "info" => Severity::Info,
        "warning" => Severity::Warning,
        "critical" => Severity::Critical,
        _ => return Err(params::not_one_of("severity", text, ["info", "warning", "critical"])),
    })
}

fn state(text: &str) -> Result<AnomalyState, Error> {
    Ok(match text {
        "firing" => AnomalyState::Firing,
        "resolved" => AnomalyState::Resolved,
        _ => return Err(params::not_one_of("state", text, ["firing", "resolved"])),
    })
}
