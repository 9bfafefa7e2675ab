//! Weir's own API under `/api/v1`, described by OpenAPI from its code.
//!
//! Invariants: an endpoint's meaning is a pure function from parameters and a store to JSON, which the command line
//! calls offline; a handler only runs it on a bounded number of blocking threads. Unknown parameters are refused. A
//! write is answered when it is durable.

mod alert_access;
mod alert_rules;
mod alerts;
mod alerts_json;
pub mod alerts_query;
mod anomalies;
mod anomalies_json;
pub mod anomalies_query;
mod anomalies_series;
#[cfg(test)]
mod anomalies_tests;
mod backup;
mod cache;
mod call_json;
mod calls;
mod calls_filter;
pub mod calls_query;
mod channels;
mod channels_json;
#[cfg(test)]
mod channels_tests;
mod compare;
mod compare_fold;
mod compare_json;
mod compare_query;
mod facets;
mod facets_count;
mod facets_json;
#[cfg(test)]
mod fake;
mod gc;
mod live;
mod number;
mod openapi;
mod params;
mod places;
mod prompts;
mod prompts_json;
#[cfg(test)]
mod prompts_tests;
mod query;
mod raw;
pub mod read;
mod readiness;
mod respond;
mod scores;
mod scores_json;
mod settings;
mod settings_json;
#[cfg(test)]
mod settings_tests;
mod settings_view;
mod spans;
mod spans_json;
mod state;
mod stats;
mod stats_json;
pub mod stats_query;
mod status;
mod targets;
mod text;
mod trace;
mod trace_json;
mod trace_path;
mod trace_read;
pub mod when;
mod workflow;
mod workflow_graph;
mod workflow_json;
mod workflow_query;
mod workflow_read;

pub use alerts::list_of_file;
pub use alerts_json::{
    AlertDetail, AlertList, AlertView, HistoryLine, HistoryList, MuteList, ReplayJson, RuleList, RuleView,
};
pub use anomalies_json::{AnomalyList, WatchJson};
pub use anomalies_series::{AnomalySeries, SeriesBranch, SeriesPart, SeriesPoint};
pub use backup::{BackupAnswer, MakeBackup, VerifiedJson};
pub use call_json::{Call, CallList, Prompt, Tokens};
pub use channels_json::{
    ChannelJson, ChannelList, ChannelTestAnswer, ChannelTestJson, NotificationJson, NotificationList,
};
pub use compare::compare_versions;
pub use compare_json::{CompareAnswer, CostJson, DifferenceJson, MeanJson, SpreadJson, TestJson, VersionJson};
pub use facets_json::{FacetJson, FacetValueJson, FacetsAnswer};
pub use gc::{CollectGarbage, GcAnswer};
pub use number::Usd;
pub use params::Pairs;
pub use readiness::JudgeReadiness;
pub use scores_json::{ScoreJson, ScoreList, ScoreNameJson, ScoreNames};
pub use settings::{Configured, MeasureStorage};
pub use settings_json::{
    CacheKeptJson, DeploymentJson, KeyJson, KeysAnswer, LimitJson, LimitsAnswer, PriceJson, PricesAnswer, ProviderJson,
    ProvidersAnswer, RatesJson, RetentionAnswer, StorageAnswer, StoragePart, StoredProject, TierJson, UseJson,
};
pub use state::{ApiState, FlushCache, TakeSpans};
pub use stats_json::{BucketJson, FiguresJson, GroupJson, LatencyJson, StatsAnswer};
pub use status::{BatchesJson, BudgetJson, CacheJson, ExporterJson, JournalJson, StatusAnswer};
pub use targets::{BudgetList, BudgetView, SloList, SloView};
pub use trace_json::{PathAnswer, PathBranchJson, PathCallJson, PathStepJson, TraceSpans};
pub use trace_read::{get_request_path, get_trace, get_trace_path};
pub use workflow_json::{
    ChangeJson, DurationsJson, EdgeBeforeJson, EdgeBucketJson, EdgeJson, NodeJson, ShareTestJson, ToolBucketJson,
    ToolFiguresJson, ToolJson, WorkflowAnswer, WorkflowBucketJson, WorkflowList, WorkflowRowJson,
};
pub use workflow_read::{get_workflow, list_workflows};

use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_core::access::Role;

/// The routes of the API, by the role that a key needs for them.
pub fn routes(state: ApiState) -> Vec<(Role, axum::Router)> {
    let state = state::Shared::from(state);
    let of = |(role, table): (Role, OpenApiRouter<state::Shared>)| {
        (role, table.split_for_parts().0.with_state(state.clone()))
    };
    tables().into_iter().map(of).collect()
}

/// The API's OpenAPI document.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    let frame = OpenApiRouter::with_openapi(openapi::Frame::openapi());
    tables().into_iter().fold(frame, |all, (_, table)| all.merge(table)).into_openapi()
}

fn tables() -> [(Role, OpenApiRouter<state::Shared>); 3] {
    let reads = OpenApiRouter::new()
        .routes(routes!(calls::list))
        .routes(routes!(live::tail))
        .routes(routes!(facets::get))
        .routes(routes!(calls::get))
        .routes(routes!(stats::get))
        .routes(routes!(workflow::list))
        .routes(routes!(workflow::get))
        .routes(routes!(trace::get))
        .routes(routes!(trace::path))
        .routes(routes!(trace::of_request))
        .routes(routes!(prompts::list))
        .routes(routes!(prompts::get))
        .routes(routes!(prompts::version))
        .routes(routes!(prompts::diff))
        .routes(routes!(prompts::render))
        .routes(routes!(compare::get))
        .routes(routes!(scores::list))
        .routes(routes!(scores::names))
        .routes(routes!(anomalies::list))
        .routes(routes!(anomalies::get))
        .routes(routes!(anomalies_series::get))
        .routes(routes!(channels::list))
        .routes(routes!(channels::notifications))
        .routes(routes!(alerts::list))
        .routes(routes!(alerts::history))
        .routes(routes!(alerts::get))
        .routes(routes!(alerts::mutes))
        .routes(routes!(alert_rules::list))
        .routes(routes!(alert_rules::get))
        .routes(routes!(alert_rules::dry_run))
        .routes(routes!(targets::budgets))
        .routes(routes!(targets::slos))
        .routes(routes!(settings::limits))
        .routes(routes!(settings::prices))
        .routes(routes!(settings::retention))
        .routes(routes!(settings::providers))
        .routes(routes!(settings::storage))
        .routes(routes!(status::get))
        .routes(routes!(readiness::get))
        .routes(routes!(openapi::document));
    let writes = OpenApiRouter::new()
        .routes(routes!(scores::put))
        .routes(routes!(spans::put))
        .routes(routes!(anomalies::feedback))
        .routes(routes!(anomalies::evaluate))
        .routes(routes!(alerts::acknowledge))
        .routes(routes!(alerts::mute))
        .routes(routes!(alerts::unmute));
    let changes = OpenApiRouter::new()
        .routes(routes!(settings::keys))
        .routes(routes!(cache::flush))
        .routes(routes!(gc::run))
        .routes(routes!(channels::test))
        .routes(routes!(backup::make))
        .routes(routes!(alert_rules::create))
        .routes(routes!(alert_rules::change, alert_rules::delete))
        .routes(routes!(alert_rules::evaluate))
        .routes(routes!(prompts::create))
        .routes(routes!(prompts::set_label, prompts::delete_label));
    [(Role::Read, reads.layer(packed())), (Role::Write, writes), (Role::Admin, changes)]
}

/// Packs answers for clients that take it, but neither small ones nor the live tail: figures and traces become a tenth, at a
/// millisecond for 100 kB.
fn packed() -> CompressionLayer<impl Predicate> {
    let worth = SizeAbove::new(4_096).and(NotForContentType::SSE);
    CompressionLayer::new().gzip(true).quality(CompressionLevel::Fastest).compress_when(worth)
}

#[cfg(test)]
mod tests;
