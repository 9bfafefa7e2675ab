//! Writes of the catalog: one thread, one transaction for all that waits, so that many writers share the price of
//! making it durable.
//!
//! Invariants: a write is answered when it is durable; a write that fails changes nothing and none of the others; a
//! write that panics fails, and the thread goes on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use parking_lot::Mutex;
use rusqlite::Connection;

use crate::telemetry::StoreError;

/// Writes that wait at most; who comes then waits for a place.
const QUEUE: usize = 1_024;
/// Writes of one transaction at most: bounds how long the first one waits for the last.
const GROUP: usize = 128;

/// The way to the writing thread. Dropping it waits for the thread to end, so that the file is closed after.
#[derive(Debug)]
pub(super) struct Writer {
    /// `None` only while it is dropped.
    jobs: Option<SyncSender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        // A panic of the thread is not ours to pass on: the writes that it left were refused.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl Writer {
    /// Starts the thread. Others may write on the same connection between its transactions.
    pub(super) fn start(db: Arc<Mutex<Connection>>) -> Result<Self, StoreError> {
        let (jobs, queue) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("catalog".into())
            .spawn(move || run(&db, &queue))
            .map_err(|e| StoreError::Unavailable(format!("the catalog's thread cannot be started: {e}")))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Runs a write in a transaction, whole or not at all; returns when it is durable.
    pub(super) fn write<T, E>(&self, work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = sync_channel(1);
        let job = Write { work: Some(work), result: None, answer };
        let gone = || E::from(StoreError::Unavailable("the catalog's thread has ended".into()));
        self.jobs.as_ref().ok_or_else(gone)?.send(Box::new(job)).map_err(|_| gone())?;
        answered.recv().unwrap_or_else(|_| {
            Err(StoreError::Unavailable("a write met a defect and was not stored; the log says more".into()).into())
        })
    }
}

trait Job: Send {
    /// Does the work; `false` when it is to be undone.
    fn run(&mut self, db: &Connection) -> bool;
    /// Tells the caller; `undone` says why the transaction could not be committed.
    fn answer(self: Box<Self>, undone: Option<&str>);
}

impl std::fmt::Debug for dyn Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Job")
    }
}

struct Write<T, E, F> {
    work: Option<F>,
    result: Option<Result<T, E>>,
    answer: SyncSender<Result<T, E>>,
}

impl<T, E, F> Job for Write<T, E, F>
where
    T: Send,
    E: From<StoreError> + Send,
    F: FnOnce(&Connection) -> Result<T, E> + Send,
{
    fn run(&mut self, db: &Connection) -> bool {
        let Some(work) = self.work.take() else { return false };
        // What it worked on is undone; a panic leaves no result, and so the caller without an answer.
        self.result = catch_unwind(AssertUnwindSafe(|| work(db))).ok();
        matches!(self.result, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, undone: Option<&str>) {
        let Some(result) = self.result else { return };
        let result = match (result, undone) {
            (Ok(_), Some(why)) => Err(StoreError::Unavailable(why.to_owned()).into()),
            (result, _) => result,
        };
        // A caller that is gone needs no answer.
        let _ = self.answer.send(result);
    }
}

fn run(db: &Mutex<Connection>, queue: &Receiver<Box<dyn Job>>) {
    let mut group = Vec::with_capacity(GROUP);
    while let Ok(first) = queue.recv() {
        group.push(first);
        group.extend(queue.try_iter().take(GROUP - 1));
        let committed = commit(&mut db.lock(), &mut group);
        let undone = committed.err().map(|e| match e {
            StoreError::Unavailable(why) => why,
            other => other.to_string(),
        });
        for job in group.drain(..) {
            job.answer(undone.as_deref());
        }
    }
}

fn commit(db: &mut Connection, group: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
    let transaction = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    if let [only] = group {
        return if only.run(&transaction) { Ok(transaction.commit()?) } else { Ok(transaction.rollback()?) };
    }
    for job in group {
        transaction.prepare_cached("SAVEPOINT job")?.execute([])?;
        if !job.run(&transaction) {
            // A full disk ends the whole transaction: then this fails, and with it all of them.
            transaction.prepare_cached("ROLLBACK TO job")?.execute([])?;
        }
        transaction.prepare_cached("RELEASE job")?.execute([])?;
    }
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer() -> (Arc<Mutex<Connection>>, Writer) {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY)").unwrap();
        let db = Arc::new(Mutex::new(db));
        (db.clone(), Writer::start(db).unwrap())
    }

    fn put(writer: &Writer, n: i64, fail: bool) -> Result<i64, StoreError> {
        writer.write(move |db| {
            db.execute("INSERT INTO t VALUES (?1)", [n])?;
            if fail { Err(StoreError::Unsupported("no".into())) } else { Ok(n) }
        })
    }

    #[test]
    fn a_write_that_fails_undoes_itself_alone() {
        let (db, writer) = writer();
        let held = db.lock();
        std::thread::scope(|scope| {
            // All wait for the connection and are committed together.
            let all: Vec<_> = (0..20)
                .map(|n| {
                    scope.spawn({
                        let w = &writer;
                        move || put(w, n, n % 3 == 0)
                    })
                })
                .collect();
            drop(held);
            for (n, done) in all.into_iter().enumerate() {
                assert_eq!(done.join().unwrap().is_err(), n % 3 == 0);
            }
        });
        let count: i64 = db.lock().query_row("SELECT count(*) FROM t WHERE n % 3 <> 0", [], |row| row.get(0)).unwrap();
        let wrong: i64 = db.lock().query_row("SELECT count(*) FROM t WHERE n % 3 = 0", [], |row| row.get(0)).unwrap();
        assert_eq!((count, wrong), (13, 0));
    }

    #[test]
    fn the_connection_is_let_go_when_the_writer_is_dropped() {
        let (db, writer) = writer();
        put(&writer, 1, false).unwrap();
        drop(writer);
        assert_eq!(Arc::strong_count(&db), 1);
    }

    #[test]
    fn a_write_that_panics_is_refused_and_the_next_one_done() {
        let (_db, writer) = writer();
        let refused = writer.write::<(), StoreError>(|_| std::panic::resume_unwind(Box::new("defect")));
        assert!(matches!(refused, Err(StoreError::Unavailable(_))));
        assert_eq!(put(&writer, 1, false).unwrap(), 1);
        assert!(put(&writer, 1, false).is_err());
        assert_eq!(put(&writer, 2, false).unwrap(), 2);
    }
}
