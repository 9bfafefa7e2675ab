//! What `DELETE /api/v1/cache` does.

use weir_core::error::{Code, Error};
use weir_gateway::Gateway;

/// Deletes every cached answer, or those of a namespace; how many. Done when that is on disk.
///
/// # Errors
/// Where the cache is off: what an earlier configuration left on disk would come back with it.
pub(super) fn flush(gateway: &Gateway, namespace: Option<&str>) -> Result<u64, Error> {
    if !gateway.snapshot().config.cache.is_on() {
        let message = "the cache is off, so there is nothing to delete; what it left on disk goes with the files \
                       cache.db, cache.db-wal and cache.db-shm of the data folder, once Weir is stopped";
        return Err(Error::new(Code::Conflict, message));
    }
    let cache = gateway.cache();
    let lost = cache.stats().persist_dropped;
    let deleted = namespace.map_or_else(|| cache.flush_all(), |name| cache.clear(name));
    if !cache.sync() || cache.stats().persist_dropped > lost {
        let message = "the answers are gone from memory, but the file cannot be written now and may give them back \
                       at the next start; the log says why";
        return Err(Error::new(Code::StoreUnavailable, message));
    }
    Ok(deleted as u64)
}
