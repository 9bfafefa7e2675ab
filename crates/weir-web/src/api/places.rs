//! Bounded work for handlers: on blocking threads, so much at a time.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Semaphore;
use weir_core::error::{Code, Error};

/// How long a client waits for its place.
const PATIENCE: Duration = Duration::from_secs(10);

/// Places for work of one kind.
#[derive(Clone)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    /// What is waited for, for people.
    of: &'static str,
}

impl Places {
    pub(super) fn new(number: usize, of: &'static str) -> Self {
        Self { free: Arc::new(Semaphore::new(number)), of }
    }

    /// Does the work and gives its answer as JSON. What has begun is finished even where the client goes away.
    pub(super) async fn json<T: Serialize>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<Vec<u8>, Error> {
        let place = tokio::time::timeout(PATIENCE, Arc::clone(&self.free).acquire_owned()).await;
        let Ok(Ok(place)) = place else {
            let said = format!("too many requests wait for the {}", self.of);
            return Err(Error::new(Code::Overloaded, said).retry_after_ms(1_000));
        };
        let work = tokio::task::spawn_blocking(move || {
            let _place = place;
            serde_json::to_vec(&work()?).map_err(|e| Error::new(Code::Internal, e.to_string()))
        });
        work.await.unwrap_or_else(|e| Err(Error::new(Code::Internal, format!("the work broke off: {e}"))))
    }
}
