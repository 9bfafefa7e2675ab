use std::time::SystemTime;

use serde_json::Value;
use weir_core::id::SpanId;
use weir_core::span::{Span, SpanKind, Status};

use super::Moment;
use super::check::{self, len, quoted};
use super::labels::Labels;
use crate::error::SdkError;
use crate::workflow::StepContext;

/// A decision of a workflow, from one node to another: a row of `branch_decisions`. The request and both nodes must be
/// there; within a step the request is the step's.
///
/// ```
/// use weir_sdk::{BranchDecision, ObservabilityLogger};
/// # let folder = tempfile::tempdir()?;
/// let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
/// logger.log_branch_decision(BranchDecision {
///     request_id: Some("req-1".into()),
///     condition: Some("confidence > 0.8".into()),
///     condition_result: Some(true.into()),
///     context: Some(serde_json::json!({"confidence": 0.93})),
///     workflow: Some("support".into()),
///     ..BranchDecision::new("classify", "answer")
/// });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BranchDecision {
    /// When it was taken; past times are taken as they are. Without it, now.
    pub timestamp: Option<SystemTime>,
    /// The request that it is a part of; without it, the current step's.
    pub request_id: Option<String>,
    /// The node that was left.
    pub from_node: String,
    /// The node that was entered.
    pub to_node: String,
    /// The condition that was tested.
    pub condition: Option<String>,
    /// What came of it: mostly true or false, any JSON value.
    pub condition_result: Option<Value>,
    /// What it was decided on.
    pub context: Option<Value>,
    /// The department that pays.
    pub department: Option<String>,
    /// The end user.
    pub user: Option<String>,
    /// The conversation.
    pub session: Option<String>,
    /// The workflow; without it the current step's.
    pub workflow: Option<String>,
    /// The span that it is a step of; without it the current step.
    pub parent: Option<SpanId>,
}

impl BranchDecision {
    /// A decision from a node to another, all else to be filled in.
    ///
    /// ```
    /// let decision = weir_sdk::BranchDecision::new("classify", "answer");
    /// assert_eq!((&*decision.from_node, &*decision.to_node), ("classify", "answer"));
    /// ```
    #[must_use]
    pub fn new(from_node: impl Into<String>, to_node: impl Into<String>) -> Self {
        Self { from_node: from_node.into(), to_node: to_node.into(), ..Self::default() }
    }

    pub(super) fn check(&self, within: Option<&StepContext>) -> Result<(), SdkError> {
        check::request_id(self.request_id.as_deref())?;
        if self.request_id.is_none() && within.is_none() {
            return Err(SdkError::invalid("request_id", "is missing: a decision belongs to a request"));
        }
        check::name("from_node", &self.from_node)?;
        check::name("to_node", &self.to_node)
    }

    pub(super) fn weight(&self) -> usize {
        let values = [&self.context, &self.condition_result].map(|value| check::value_weight(value.as_ref()));
        check::BASE_WEIGHT + len(self.condition.as_ref()) + values.iter().sum::<usize>()
    }

    pub(super) fn into_span(self, moment: &Moment) -> Span {
        let (start, end) = check::times(self.timestamp, None, moment.now);
        let labels = Labels {
            request_id: self.request_id,
            department: self.department,
            user: self.user,
            session: self.session,
            workflow: self.workflow,
            parent: self.parent,
        };
        let mut span = Span {
            kind: Some(SpanKind::Branch),
            name: Some(self.from_node.clone()),
            start_us: Some(start),
            end_us: Some(end),
            status: Some(Status::Success),
            ..labels.into_span(moment)
        };
        let members = [
            ("from_node", Some(quoted(&self.from_node))),
            ("to_node", Some(quoted(&self.to_node))),
            ("condition", self.condition.as_deref().map(quoted)),
            ("condition_result", self.condition_result.map(|value| value.to_string())),
            ("context", self.context.map(|value| value.to_string())),
        ];
        for (name, json) in members {
            if let Some(json) = json {
                span.attributes.insert(name.to_owned(), json);
            }
        }
        span
    }
}
