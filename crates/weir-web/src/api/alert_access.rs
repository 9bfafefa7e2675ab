//! What the handlers of alerts share: bounded work on blocking threads, bodies, and refusals.

use std::sync::Arc;

use axum::body::Body;
use http::Request;
use serde::Serialize;
use serde::de::DeserializeOwned;
use weir_core::error::{Code, Error};
use weir_store::catalog::{AlertRuleProblem, Alerts};
use weir_watch::alerts::live::{Alerter, AskError};
use weir_watch::alerts::parse::{Problem, typed};
use weir_watch::alerts::reads::Reads;

use super::places::Places;
use super::read::refusal;

/// Largest body.
const MAX_BODY: usize = 256 << 10;
/// Requests that may be worked on at the same time.
const PLACES: usize = 8;

/// Alerts and what evaluates them.
#[derive(Clone)]
pub(super) struct AlertAccess {
    pub(super) alerter: Arc<Alerter>,
    pub(super) catalog: Arc<dyn Alerts>,
    pub(super) reads: Arc<dyn Reads>,
    places: Places,
}

impl AlertAccess {
    pub(super) fn new(alerter: Arc<Alerter>, catalog: Arc<dyn Alerts>, reads: Arc<dyn Reads>) -> Self {
        Self { alerter, catalog, reads, places: Places::new(PLACES, "alerts") }
    }

    /// Runs on a blocking thread and gives the answer as JSON.
    pub(super) async fn blocking<T: Serialize>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<Vec<u8>, Error> {
        let access = self.clone();
        self.places.json(move || work(&access)).await
    }
}

/// Reads a body; an empty one is an empty object.
pub(super) async fn body<T: DeserializeOwned>(request: Request<Body>) -> Result<T, Error> {
    let bytes = axum::body::to_bytes(request.into_body(), MAX_BODY)
        .await
        .map_err(|_| Error::new(Code::BodyTooLarge, "the body is larger than 256 KiB or broke off"))?;
    let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
    let value = serde_json::from_slice(bytes)
        .map_err(|e| Error::new(Code::InvalidRequest, format!("the body: {}", weir_core::unread::reason(&e))))?;
    typed(value).map_err(|problem| wrong(&problem))
}

/// A document that is wrong.
pub(super) fn wrong(problem: &Problem) -> Error {
    Error::invalid(problem.field.clone(), problem.to_string())
}

/// Why something was not done, with what it answers.
pub(super) fn asked(error: AskError) -> Error {
    let said = error.to_string();
    match error {
        AskError::NoRule(_) | AskError::NoAlert(_) | AskError::NoMute(_) => Error::new(Code::NotFound, said),
        AskError::Fixed(..) => Error::new(Code::Conflict, said),
        AskError::Problem(problem) => wrong(&problem),
        AskError::Wrong(member, _) => Error::invalid(member, said),
        AskError::Rule(AlertRuleProblem::Unknown) => Error::new(Code::NotFound, said),
        AskError::Rule(AlertRuleProblem::Store(error)) | AskError::Store(error) => refusal(error),
        AskError::Rule(_) => Error::new(Code::Conflict, said),
    }
}
