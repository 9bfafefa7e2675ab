//! `/api/v1/budgets` and `/api/v1/slos`: how budgets and objectives stand.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_core::time::{Micros, rfc3339};
use weir_watch::budgets::{self, BudgetStatus, Method, Unit};
use weir_watch::calendar::Period;
use weir_watch::slo::{self, BurnRate, Indicator, Slo, SloStatus};

use super::alert_access::AlertAccess;
use super::query::Query;
use super::read::refusal;
use super::respond::{ErrorAnswer, Refusal, json};
use super::state::Shared;

/// How every budget stands in its present period.
#[utoipa::path(
    get,
    path = "/api/v1/budgets",
    operation_id = "listBudgets",
    tag = "alerts",
    responses(
        (status = 200, description = "The budgets", body = BudgetList),
        (status = 503, description = "The store cannot answer now", body = ErrorAnswer),
    )
)]
pub(super) async fn budgets(State(shared): State<Shared>, Query(pairs): Query) -> Result<Response, Refusal> {
    super::params::none(&pairs)?;
    let now = shared.clock.now();
    let work = move |access: &AlertAccess| {
        let mut all = Vec::new();
        for budget in &access.alerter.setup().configured.targets.budgets {
            let standing = budgets::standing(budget, access.reads.as_ref(), now).map_err(refusal)?;
            all.extend(standing.into_iter().map(|(labels, status)| BudgetView::new(labels, status)));
        }
        Ok(BudgetList { budgets: all })
    };
    Ok(json(shared.alerts.blocking(work).await?))
}

/// How every objective stands.
#[utoipa::path(
    get,
    path = "/api/v1/slos",
    operation_id = "listSlos",
    tag = "alerts",
    responses(
        (status = 200, description = "The objectives", body = SloList),
        (status = 503, description = "The store cannot answer now", body = ErrorAnswer),
    )
)]
pub(super) async fn slos(State(shared): State<Shared>, Query(pairs): Query) -> Result<Response, Refusal> {
    super::params::none(&pairs)?;
    let now = shared.clock.now();
    let work = move |access: &AlertAccess| {
        let mut all = Vec::new();
        for slo in &access.alerter.setup().configured.targets.slos {
            // Whole minutes, as rules see them.
            let now = now - now.rem_euclid(weir_core::time::MINUTE);
            all.push(SloView::new(slo, slo::standing(slo, access.reads.as_ref(), now).map_err(refusal)?));
        }
        Ok(SloList { slos: all })
    };
    Ok(json(shared.alerts.blocking(work).await?))
}

/// Every budget.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BudgetList {
    /// The budgets; one that is for each value of a dimension stands for each.
    pub budgets: Vec<BudgetView>,
}

/// How a budget stands.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = BudgetStatus)]
pub struct BudgetView {
    /// Its name.
    pub name: String,
    /// The values that it is for, where it is for each.
    pub labels: BTreeMap<String, String>,
    /// How much may be spent, in `unit`.
    pub amount: f64,
    /// `usd` or `tokens`.
    #[schema(value_type = String)]
    pub unit: Unit,
    /// `day`, `week` or `month`.
    pub period: Period,
    /// Begin of the period.
    #[serde(with = "rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub from: Micros,
    /// Its end.
    #[serde(with = "rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub to: Micros,
    /// What was spent in it.
    pub spent: f64,
    /// What is left; 0 when more was spent.
    pub remaining: f64,
    /// Spent by amount.
    pub share: f64,
    /// The highest threshold that was reached.
    pub crossed: Option<f64>,
    /// What will have been spent at its end.
    pub projected: f64,
    /// When the amount will be reached, if before the end.
    #[serde(with = "rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub exhausted_at: Option<Micros>,
    /// How the forecast came about: `holt_winters`, `run_rate` or `unknown`.
    #[schema(value_type = String)]
    pub forecast: Method,
}

impl BudgetView {
    fn new(labels: BTreeMap<String, String>, status: BudgetStatus) -> Self {
        Self {
            name: status.name,
            labels,
            amount: status.limit,
            unit: status.unit,
            period: status.period,
            from: status.from,
            to: status.to,
            spent: status.spent,
            remaining: status.remaining,
            share: status.share,
            crossed: status.crossed,
            projected: status.projected,
            exhausted_at: status.exhausted_at,
            forecast: status.forecast,
        }
    }
}

/// Every objective.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SloList {
    /// The objectives.
    pub slos: Vec<SloView>,
}

/// How an objective stands.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = SloStatus)]
pub struct SloView {
    /// Its name.
    pub name: String,
    /// Share that must be good.
    pub objective: f64,
    /// What is bad: `errors`, `latency` or `score`.
    pub indicator: String,
    /// The latency in milliseconds, or the score, that is still good.
    pub target: Option<f64>,
    /// Begin of its window.
    #[serde(with = "rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub from: Micros,
    /// Its end.
    #[serde(with = "rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub to: Micros,
    /// Calls or scores in it.
    pub total: u64,
    /// Those that were bad.
    pub bad: u64,
    /// Share that was good; null where there are none.
    pub good_share: Option<f64>,
    /// Share of the error budget that is left; negative when more was spent.
    pub budget_left: f64,
    /// How fast it burns, over pairs of windows, fastest first.
    #[schema(value_type = Vec<BurnRateJson>)]
    pub burn_rates: Vec<BurnRate>,
    /// Whether one of them is too fast.
    pub firing: bool,
}

/// How fast an error budget is spent over a pair of windows.
#[derive(ToSchema)]
#[schema(as = BurnRate)]
#[expect(dead_code, reason = "describes what is written elsewhere")]
pub(super) struct BurnRateJson {
    /// How bad it is when it fires: `warning` or `critical`.
    severity: String,
    /// The long window, seconds.
    long_s: i64,
    /// The short one, seconds.
    short_s: i64,
    /// Times as fast as allowed, over the long window.
    long_rate: f64,
    /// And over the short one.
    short_rate: f64,
    /// Above which it fires.
    factor: f64,
    /// What was looked at in the long window.
    total: u64,
    /// Whether it does.
    firing: bool,
}

impl SloView {
    fn new(slo: &Slo, status: SloStatus) -> Self {
        let (indicator, target) = match &slo.indicator {
            Indicator::Errors => ("errors", None),
            Indicator::LatencyMs(most) => ("latency", Some(*most)),
            Indicator::ScoreBelow { least, .. } => ("score", Some(*least)),
        };
        Self {
            name: slo.name.clone(),
            objective: slo.objective,
            indicator: indicator.to_owned(),
            target,
            from: status.from,
            to: status.to,
            total: status.count.total,
            bad: status.count.bad,
            good_share: (status.count.total > 0).then(|| 1.0 - status.count.ratio()),
            budget_left: status.left,
            firing: status.rates.iter().any(|rate| rate.firing),
            burn_rates: status.rates,
        }
    }
}
