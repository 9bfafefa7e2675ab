//! Single values with labels: scores, what evaluations came to, and what happened. Alert rules look at them beside the
//! figures of calls. Telemetry knows scores and spans ([`crate::sums::Measured`]), the catalog the rest
//! ([`crate::catalog::Happenings`]).

use weir_core::time::Micros;

use crate::telemetry::{Dimension, TimeRange};

/// Most values of one answer.
pub const MAX_VALUES: usize = 200_000;

/// A value, and what it is told apart by.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelled {
    /// When it was given.
    pub at: Micros,
    /// The value; 1 for something that happened.
    pub value: f64,
    /// The labels that were asked for, in their order; `None` where it has none.
    pub labels: Vec<Option<String>>,
}

/// What scores are told apart by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScoreLabel {
    /// A dimension of the call that was scored; of a trace its first call's, or its first span's where it has none.
    Of(Dimension),
    /// Who or what judged: `human`, `judge`, `code`, `api`.
    Source,
    /// The person, model or program.
    Author,
    /// Id of the run that the scored trace belongs to: an evaluation.
    Run,
}

impl ScoreLabel {
    /// The one of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "source" => Some(Self::Source),
            "author" => Some(Self::Author),
            "run" => Some(Self::Run),
            name => Dimension::parse(name).map(Self::Of),
        }
    }

    /// Every name.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        Dimension::ALL.iter().map(|d| d.as_str()).chain(["source", "author", "run"]).collect()
    }
}

/// Which scores are asked for.
#[derive(Clone, Debug, Default)]
pub struct ScoreQuery {
    /// Their name.
    pub name: String,
    /// When they were given.
    pub range: TimeRange,
    /// What they are to be told apart by.
    pub labels: Vec<ScoreLabel>,
}

/// What results of evaluations are told apart by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvalLabel {
    /// The project of the run.
    Project,
    /// The name of the run.
    Run,
    /// A param of the run.
    Param(String),
    /// A tag of the run.
    Tag(String),
}

impl EvalLabel {
    /// The one of that name: `project`, `run`, `params.NAME` or `tags.NAME`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let key = |key: &str| (!key.is_empty()).then(|| key.to_owned());
        match name {
            "project" => Some(Self::Project),
            "run" => Some(Self::Run),
            name => match name.split_once('.') {
                Some(("params", rest)) => key(rest).map(Self::Param),
                Some(("tags", rest)) => key(rest).map(Self::Tag),
                _ => None,
            },
        }
    }
}

/// Which results of evaluations are asked for.
#[derive(Clone, Debug, Default)]
pub struct EvalQuery {
    /// Name of the metric that the runs logged. A run without it is asked for `NAME/mean`, as MLflow names what an
    /// evaluation came to.
    pub name: String,
    /// When it was logged.
    pub range: TimeRange,
    /// What they are to be told apart by.
    pub labels: Vec<EvalLabel>,
}

/// What may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A run ended well.
    RunFinished,
    /// A run failed, or was killed.
    RunFailed,
    /// A version of a prompt was made.
    PromptVersion,
    /// A version of a model was registered.
    ModelVersion,
    /// A guardrail blocked something, or failed.
    Guardrail,
    /// A span of any kind failed, or was blocked.
    SpanFailed,
}

impl EventKind {
    /// All of them by name.
    pub const ALL: [(&'static str, Self); 6] = [
        ("run_finished", Self::RunFinished),
        ("run_failed", Self::RunFailed),
        ("prompt_version", Self::PromptVersion),
        ("model_version", Self::ModelVersion),
        ("guardrail", Self::Guardrail),
        ("span_failed", Self::SpanFailed),
    ];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// The one of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }
}

/// What events are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventLabel {
    /// What happened.
    Event,
    /// In which project; prompts and registered models have none.
    Project,
    /// To what: a run, `NAME@VERSION` of a prompt or model, a span.
    Name,
    /// The kind of a span.
    Kind,
}

impl EventLabel {
    /// All of them by name.
    pub const ALL: [(&'static str, Self); 4] =
        [("event", Self::Event), ("project", Self::Project), ("name", Self::Name), ("kind", Self::Kind)];

    /// The one of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, label)| *label)
    }
}

/// Which events are asked for.
#[derive(Clone, Debug, Default)]
pub struct EventQuery {
    /// Of these kinds.
    pub kinds: Vec<EventKind>,
    /// When they happened: of a span its end.
    pub range: TimeRange,
    /// What they are to be told apart by.
    pub labels: Vec<EventLabel>,
}

impl EventQuery {
    /// An event as it was asked for.
    #[must_use]
    pub fn event(
        &self,
        at: Micros,
        event: EventKind,
        project: Option<&str>,
        name: Option<&str>,
        kind: Option<&str>,
    ) -> Labelled {
        let label = |label: &EventLabel| match label {
            EventLabel::Event => Some(event.as_str().to_owned()),
            EventLabel::Project => project.map(str::to_owned),
            EventLabel::Name => name.map(str::to_owned),
            EventLabel::Kind => kind.map(str::to_owned),
        };
        Labelled { at, value: 1.0, labels: self.labels.iter().map(label).collect() }
    }
}
