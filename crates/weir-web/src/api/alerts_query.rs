//! The parameters of `/api/v1/alerts` and of what belongs to it.

use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use weir_core::anomaly::Severity;
use weir_core::error::Error;
use weir_core::time::Micros;
use weir_store::catalog::{AlertHistoryQuery, AlertQuery, MAX_ALERTS};

use super::params::{self, Pairs, Param};
use super::when;

/// Alerts of a page where nothing is said.
const LIMIT: usize = 200;
/// What goes on, or is about to: the states of a list where nothing is said.
const USUAL: [&str; 3] = ["firing", "no_data", "pending"];
const STATES: [&str; 4] = ["firing", "no_data", "pending", "resolved"];

static LIST: [Param; 5] = [
    Param {
        name: "state",
        about: "firing, no_data, pending, resolved, or all; without it the first three",
        repeats: true,
    },
    Param { name: "rule", about: "Of this rule's id", repeats: true },
    Param { name: "project", about: "Of this project", repeats: true },
    Param { name: "severity", about: "At least as bad: info, warning or critical", repeats: false },
    Param { name: "limit", about: "At most that many, 1 to 1000; 200 by default", repeats: false },
];

static HISTORY: [Param; 4] = [
    Param { name: "fingerprint", about: "Of this alert", repeats: false },
    Param { name: "rule", about: "Of this rule's id", repeats: false },
    Param { name: "limit", about: "At most that many, 1 to 1000; 200 by default", repeats: false },
    Param { name: "cursor", about: "`next` of the page before", repeats: false },
];

static REPLAY: [Param; 2] = [
    Param {
        name: "from",
        about: "The first instant: 24h (ago), RFC 3339 or a Unix time, at most 14d ago; without it only the last",
        repeats: false,
    },
    Param { name: "to", about: "Up to then; now by default", repeats: false },
];

static DRY_RUN: [Param; 1] =
    [Param { name: "span", about: "How much of the past, as in 24h; 14d by default and at most", repeats: false }];

static CHANGE: [Param; 1] = [Param {
    name: "version",
    about: "Only if the rule has this version still; another one is refused with 409",
    repeats: false,
}];

macro_rules! described {
    ($($name:ident = $table:ident),+) => {$(
        /// The parameters, for the OpenAPI document.
        pub(super) struct $name;

        impl IntoParams for $name {
            fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                params::describe($table.iter())
            }
        }
    )+};
}
described!(
    ListParams = LIST,
    HistoryParams = HISTORY,
    ReplayParams = REPLAY,
    DryRunParams = DRY_RUN,
    ChangeParams = CHANGE
);

/// Reads the parameters of a list.
///
/// # Errors
/// A parameter is wrong; the message says which.
pub fn list(pairs: &Pairs) -> Result<AlertQuery, Error> {
    params::check(pairs, LIST.iter(), false)?;
    let texts = |name| params::all(pairs, name).map(str::to_owned).collect::<Vec<_>>();
    let mut phases = Vec::new();
    for state in params::all(pairs, "state") {
        match state {
            "all" => phases.extend(STATES),
            _ => phases.push(
                STATES
                    .into_iter()
                    .find(|known| *known == state)
                    .ok_or_else(|| params::not_one_of("state", state, STATES.into_iter().chain(["all"])))?,
            ),
        }
    }
    if phases.is_empty() {
        phases.extend(USUAL);
    }
    Ok(AlertQuery {
        rules: texts("rule"),
        projects: texts("project"),
        phases: phases.into_iter().map(str::to_owned).collect(),
        severity: params::one(pairs, "severity").map(severity).transpose()?,
        limit: limit(pairs)?,
    })
}

/// The query that says whether something fires among what another one selects.
#[must_use]
pub fn open(query: &AlertQuery) -> AlertQuery {
    AlertQuery {
        phases: vec!["firing".to_owned(), "no_data".to_owned()],
        severity: None,
        limit: MAX_ALERTS,
        ..query.clone()
    }
}

/// Reads the parameters of a history.
pub(super) fn history(pairs: &Pairs) -> Result<AlertHistoryQuery, Error> {
    params::check(pairs, HISTORY.iter(), false)?;
    Ok(AlertHistoryQuery {
        fingerprint: params::one(pairs, "fingerprint").map(str::to_owned),
        rule: params::one(pairs, "rule").map(str::to_owned),
        before: params::line_before(pairs)?,
        limit: limit(pairs)?,
    })
}

/// Reads the parameters of an evaluation of the past.
pub(super) fn replay(pairs: &Pairs, now: Micros) -> Result<(Option<Micros>, Option<Micros>), Error> {
    params::check(pairs, REPLAY.iter(), false)?;
    Ok((params::instant(pairs, "from", now)?, params::instant(pairs, "to", now)?))
}

/// Reads the parameters of a dry run: how much of the past.
///
/// # Errors
/// A parameter is wrong; the message says which.
pub fn dry_run(pairs: &Pairs) -> Result<Option<Micros>, Error> {
    params::check(pairs, DRY_RUN.iter(), false)?;
    let Some(text) = params::one(pairs, "span") else { return Ok(None) };
    let most = weir_watch::alerts::dry_run::SPAN;
    let span = when::duration(text).filter(|us| (1..=most).contains(us));
    span.map(Some)
        .ok_or_else(|| Error::invalid("span", format!("parameter \"span\": \"{text}\" is no duration up to 14d")))
}

/// Reads the version that a change is of.
pub(super) fn version(pairs: &Pairs) -> Result<Option<u32>, Error> {
    params::check(pairs, CHANGE.iter(), false)?;
    params::one(pairs, "version")
        .map(|text| {
            text.parse()
                .map_err(|_| Error::invalid("version", format!("parameter \"version\": \"{text}\" is no whole number")))
        })
        .transpose()
}

fn limit(pairs: &Pairs) -> Result<usize, Error> {
    match params::one(pairs, "limit") {
        None => Ok(LIMIT),
        Some(text) => text.parse().ok().filter(|n| (1..=MAX_ALERTS).contains(n)).ok_or_else(|| {
            Error::invalid("limit", format!("parameter \"limit\": \"{text}\" is no number from 1 to {MAX_ALERTS}"))
        }),
    }
}

fn severity(text: &str) -> Result<Severity, Error> {
    Ok(match text {
        "info" => Severity::Info,
        "warning" => Severity::Warning,
        "critical" => Severity::Critical,
        _ => return Err(params::not_one_of("severity", text, ["info", "warning", "critical"])),
    })
}
