//! From the parameters of `/api/v1/workflows` to what is read from the store.

use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use weir_core::error::Error;
use weir_core::span::SpanKind;
use weir_core::time::{DAY, HOUR, MINUTE, Micros};
use weir_store::telemetry::{StepsQuery, TimeRange};

use super::params::{self, Pairs, Param};
use super::stats_query;

/// Most buckets that a range is cut into: every step has a series of its own.
const MAX_BUCKETS: i64 = 1_000;
/// From here on back the store keeps figures per hour, and further back per day.
const MINUTES_BACK: Micros = 2 * DAY;
const HOURS_BACK: Micros = 400 * DAY;
/// The name that stands for the steps that name no workflow.
const UNNAMED: &str = "-";

static PARAMS: [Param; 4] = [
    Param {
        name: "from",
        about: "Started at or after: RFC 3339, a date, a Unix time, or a time ago (`-24h`, `7d`); rounded down to the \
                minute, or to the hour where it lies more than two days back. Default: 24 h before `to`",
        repeats: false,
    },
    Param { name: "to", about: "Started before; written as `from`, rounded up. Default: now", repeats: false },
    Param { name: "project", about: "Only steps of this project", repeats: false },
    Param {
        name: "bucket",
        about: "Width of a series' buckets, whole minutes: `1m`, `1h`, `1d`, ... Without it there are only totals",
        repeats: false,
    },
];

/// The parameters, for the OpenAPI document.
pub(super) struct WorkflowParams;

impl IntoParams for WorkflowParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        params::describe(PARAMS.iter())
    }
}

/// Which steps are looked at.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct WorkflowQuery {
    /// First instant inside.
    pub(super) from: Micros,
    /// First instant after.
    pub(super) to: Micros,
    /// Only of this project.
    pub(super) project: Option<String>,
    /// Width of the series' buckets.
    pub(super) bucket: Option<Micros>,
}

impl WorkflowQuery {
    /// The steps of one kind within the window.
    pub(super) fn now(&self, kind: SpanKind, workflow: Option<Option<String>>) -> StepsQuery {
        StepsQuery {
            range: TimeRange { from: Some(self.from), to: Some(self.to) },
            kind,
            project: self.project.clone(),
            workflow,
            bucket: self.bucket,
        }
    }

    /// The same in the window before.
    pub(super) fn before(&self, kind: SpanKind, workflow: Option<Option<String>>) -> StepsQuery {
        let range = TimeRange { from: Some(self.before_from()), to: Some(self.from) };
        StepsQuery { range, bucket: None, ..self.now(kind, workflow) }
    }

    /// Where the window before begins: it is as long as this one and ends where this one begins.
    pub(super) fn before_from(&self) -> Micros {
        self.from.saturating_sub(self.to.saturating_sub(self.from))
    }
}

/// The query. `now` is what relative times and the default range count from.
///
/// # Errors
/// A 400 that names the parameter at fault.
pub(super) fn query(pairs: &Pairs, now: Micros) -> Result<WorkflowQuery, Error> {
    params::check(pairs, PARAMS.iter(), false)?;
    let to = params::instant(pairs, "to", now)?.unwrap_or(now);
    let from = params::instant(pairs, "from", now)?.unwrap_or(to.saturating_sub(DAY));
    if from > to {
        return Err(Error::invalid("to", "parameter \"to\" lies before \"from\": exchange them"));
    }
    // The store rounds outwards to what it keeps: rounded here, the two windows never share an hour.
    let (from, to) = (floor(from, grain(from, now)), ceil(to, grain(to, now)));
    let bucket = stats_query::bucket(pairs, to.saturating_sub(from), MAX_BUCKETS)?;
    Ok(WorkflowQuery { from, to, project: params::one(pairs, "project").map(str::to_owned), bucket })
}

/// The workflow that a path names; `None` is the steps that name none.
pub(super) fn workflow(name: &str) -> Option<String> {
    (name != UNNAMED).then(|| name.to_owned())
}

fn grain(at: Micros, now: Micros) -> Micros {
    match now.saturating_sub(at) {
        HOURS_BACK.. => DAY,
        MINUTES_BACK.. => HOUR,
        _ => MINUTE,
    }
}

fn floor(at: Micros, width: Micros) -> Micros {
    at.div_euclid(width).saturating_mul(width)
}

fn ceil(at: Micros, width: Micros) -> Micros {
    floor(at.saturating_add(width - 1), width)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2025-11-21T00:00:30Z
    const NOW: Micros = 1_763_683_230_000_000;

    fn ask(pairs: &[(&str, &str)]) -> Result<WorkflowQuery, String> {
        let pairs: Vec<_> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        query(&pairs, NOW).map_err(|e| e.message)
    }

    #[test]
    fn the_window_before_is_as_long_and_ends_where_this_one_begins() {
        let query = ask(&[("project", "shop"), ("bucket", "1h")]).unwrap();
        assert_eq!((query.to - query.from, query.from % MINUTE), (DAY + MINUTE, 0));
        assert!(query.from <= NOW - DAY && query.to >= NOW);
        let unnamed = query.before(SpanKind::Tool, Some(None));
        assert_eq!(unnamed.range, TimeRange { from: Some(query.from - DAY - MINUTE), to: Some(query.from) });
        assert_eq!((unnamed.kind, unnamed.workflow, unnamed.bucket), (SpanKind::Tool, Some(None), None));
        assert_eq!(unnamed.project.as_deref(), Some("shop"));
        assert_eq!(query.now(SpanKind::Tool, None).bucket, Some(HOUR));
    }

    #[test]
    fn what_lies_further_back_is_rounded_as_it_is_kept() {
        let query = ask(&[("from", "2025-11-10T10:20:30Z"), ("to", "2025-11-10T11:20:30Z")]).unwrap();
        assert_eq!((query.from % HOUR, query.to - query.from), (0, 2 * HOUR));
        let query = ask(&[("from", "2020-01-01T10:20:30Z"), ("to", "2020-01-01T11:20:30Z")]).unwrap();
        assert_eq!((query.from % DAY, query.to - query.from), (0, DAY));
    }

    #[test]
    fn refusals_say_what_to_change() {
        let no = |pairs: &[(&str, &str)]| ask(pairs).unwrap_err();
        assert_eq!(no(&[("projects", "x")]), "there is no parameter \"projects\": did you mean \"project\"?");
        assert_eq!(no(&[("from", "1h"), ("to", "2h")]), "parameter \"to\" lies before \"from\": exchange them");
        assert_eq!(no(&[("project", "a"), ("project", "b")]), "parameter \"project\" is given twice: keep one");
        assert!(no(&[("bucket", "1m")]).ends_with("more than 1000; take wider ones or a shorter range"));
    }

    #[test]
    fn a_dash_is_the_steps_that_name_no_workflow() {
        assert_eq!((workflow("-"), workflow("support")), (None, Some("support".into())));
    }
}
