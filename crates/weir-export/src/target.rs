//! What an exporter delivers to.

use std::sync::Arc;

use weir_core::span::Span;

use crate::failure::Failure;

/// A call on its way, with what earlier attempts have achieved.
#[derive(Debug)]
pub struct Delivery<P> {
    /// The call.
    pub span: Arc<Span>,
    /// Whether the target may have the call although nobody here knows: it must be looked for before it is made.
    pub doubtful: bool,
    /// What the target keeps between attempts.
    pub progress: P,
}

/// A system that calls are exported to.
pub trait Target: Send + Sync + 'static {
    /// What is kept between the attempts of one call.
    type Progress: Default + Send + 'static;

    /// Its name in cursors, metrics and the log.
    fn name(&self) -> &'static str;

    /// Makes the call known to the target, going on where an earlier attempt ended. Repeating it changes nothing, but
    /// for the step that `doubtful` guards.
    fn deliver(&self, delivery: &mut Delivery<Self::Progress>) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Puts right what earlier trouble has left behind: a little at a time, while all is well.
    fn tidy(&self) -> impl Future<Output = ()> + Send {
        async {}
    }
}
