//! Work on several things at once, in threads, as most of it waits for the disk or for a server.

use anyhow::anyhow;
use parking_lot::Mutex;

/// Things that are worked on at once.
const AT_ONCE: usize = 16;

/// Does something with each of them. The first failure ends it; what is under way is ended first.
pub(crate) fn each<T: Send>(all: Vec<T>, work: impl Fn(T) -> anyhow::Result<()> + Sync) -> anyhow::Result<()> {
    let threads = AT_ONCE.min(all.len());
    let (left, failed) = (Mutex::new(all.into_iter()), Mutex::new(None));
    let next = || left.lock().next();
    let run = || {
        while let Some(one) = next().filter(|_| failed.lock().is_none()) {
            if let Err(error) = work(one) {
                failed.lock().get_or_insert(error);
            }
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| anyhow!("a thread of the import broke")))
    })?;
    failed.into_inner().map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn all_are_done_or_the_failure_is_told() {
        let sum = AtomicU64::new(0);
        each((1..=100).collect(), |n| {
            sum.fetch_add(n, Ordering::Relaxed);
            Ok(())
        })
        .unwrap();
        assert_eq!(sum.into_inner(), 5_050);
        let failed = each((0..100).collect(), |n: u64| if n == 7 { Err(anyhow!("seven")) } else { Ok(()) });
        assert_eq!(failed.unwrap_err().to_string(), "seven");
    }
}
