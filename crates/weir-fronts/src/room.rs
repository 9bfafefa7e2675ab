//! Room in memory that requests share.
//!
//! Invariant: what all of them hold together is never more than the room; who finds too little left is told at once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Room is counted in pieces of so many bytes.
pub(crate) const PIECE: usize = 16 << 10;

/// Room in memory for requests.
pub(crate) struct Room(Arc<Semaphore>);

/// Bytes that a request holds; given back when dropped.
#[derive(Debug, Default)]
pub(crate) struct Held(Option<OwnedSemaphorePermit>);

/// There is too little room left.
#[derive(Debug)]
pub(crate) struct Full;

impl Room {
    /// Room for so many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new((bytes / PIECE).clamp(1, Semaphore::MAX_PERMITS))))
    }

    /// Takes room, or gives some back, until what is held is for so many bytes.
    ///
    /// # Errors
    /// When there is too little left; what was held stays held.
    pub(crate) fn hold(&self, held: &mut Held, bytes: usize) -> Result<(), Full> {
        let (has, wanted) = (held.0.as_ref().map_or(0, OwnedSemaphorePermit::num_permits), bytes.div_ceil(PIECE));
        if wanted <= has {
            drop(held.0.as_mut().and_then(|permit| permit.split(has - wanted)));
            return Ok(());
        }
        let more = u32::try_from(wanted - has).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.0).try_acquire_many_owned(more).map_err(|_| Full)?;
        match &mut held.0 {
            Some(have) => have.merge(permit),
            none => *none = Some(permit),
        }
        Ok(())
    }

    /// Pieces that nobody holds.
    #[cfg(test)]
    pub(crate) fn free(&self) -> usize {
        self.0.available_permits()
    }
}
