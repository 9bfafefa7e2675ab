//! Reads a stretch of traffic once and feeds it to many engines.

use weir_core::time::Micros;
use weir_store::telemetry::StoreError;

use super::cells;
use super::tracked::{Found, Projects, Said, Tracked};
use super::{Options, Traffic};

/// Rows or slices of one read: some tens of milliseconds, so that no snapshot lives for long.
const ROWS_AT_ONCE: usize = 20_000;
/// A project with calls in one of the last buckets of so many is followed as its calls come.
const RECENT: i64 = 3;

/// Feeds the buckets of a range. `newcomers`: those that are not there yet are taken in while there is room; how many
/// found none.
pub(super) fn feed(
    traffic: &dyn Traffic,
    options: &Options,
    projects: &mut Projects,
    (from, to): (Micros, Micros),
    newcomers: Option<&mut dyn FnMut(&str)>,
    said: &Said,
    found: &mut Found,
) -> Result<(), StoreError> {
    let width = options.settings.bucket;
    let mut newcomers = newcomers;
    let mut next = Some(from).filter(|from| *from < to);
    while let Some(from) = next {
        let page = traffic.activity(from, to, width, ROWS_AT_ONCE)?;
        for bucket in page.buckets {
            for (name, bucket) in cells::buckets(bucket) {
                if !projects.contains_key(&name)
                    && let Some(refused) = &mut newcomers
                {
                    if projects.len() >= options.projects {
                        refused(&name);
                        continue;
                    }
                    projects.insert(name.clone(), Tracked::new(&name, options, bucket.start));
                }
                if let Some(tracked) = projects.get_mut(&name) {
                    tracked.push(traffic, options, &bucket, said, found);
                }
            }
        }
        next = page.next;
    }
    Ok(())
}

/// Follows those whose calls come in time up to an instant; the others sleep until they have some.
pub(super) fn follow(
    traffic: &dyn Traffic,
    options: &Options,
    projects: &mut Projects,
    to: Micros,
    said: &Said,
    found: &mut Found,
) {
    for tracked in projects.values_mut() {
        tracked.live |= tracked.active > to - RECENT * options.settings.bucket;
        if tracked.live {
            tracked.rest(traffic, options, to, said, found);
            tracked.live = !tracked.is_asleep(to);
        }
    }
}
