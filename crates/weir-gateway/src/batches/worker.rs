//! The worker: one loop that owns every batch under way and lets their requests take turns. Nobody else changes a batch
//! but to tell it to stop.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinSet;
use weir_core::time::{HOUR, Micros, SECOND};
use weir_store::catalog::{BatchRecord, BatchStatus};

use super::active::{Active, Attempt, Halt, next_in_turn};
use super::call::{Outcome, Task};
use super::open::{OpenError, Opened, halted};
use super::pace::pause;
use super::service::Service;

/// Most batches whose requests take turns, and most of one key among them; later ones wait, as each holds an index of
/// its input in memory (17 bytes per request).
const MOST_ACTIVE: usize = 128;
const MOST_OF_ONE_KEY: usize = 16;
/// Pause after the disk or the catalog failed.
const AFTER_FAILURE: Micros = 5 * SECOND;
/// Longest sleep: settings may change, and clocks jump.
const LONGEST_SLEEP: Micros = 30 * SECOND;
/// How often expired files are looked for, and how many are deleted at a time.
const PRUNE_EVERY: Micros = HOUR / 4;
const PRUNE_AT_ONCE: usize = 1_000;

/// Something that was done beside the loop.
enum Done {
    /// An attempt at a request of the batch of this id.
    Made(String, Attempt, Outcome),
    /// The batch of this id was to be opened.
    Opened(String, Result<Opened, OpenError>),
    /// A batch's end; one that failed is to be tried again.
    Finished(Box<Active>, Result<Box<BatchRecord>, OpenError>),
    Pruned,
}

struct Worker {
    service: Arc<Service>,
    active: Vec<Active>,
    /// Batches that are being opened or ended, and their owners.
    elsewhere: HashMap<String, String>,
    jobs: JoinSet<Done>,
    /// Requests under way.
    under_way: usize,
    /// Requests given out so far.
    turn: u64,
    /// When the catalog is looked at again though nobody said that there is something.
    look_at: Micros,
    prune_at: Micros,
    /// Whether there was no room for answers the last time.
    full: bool,
}

/// Runs batches until [`Service::stop`]; returns when what was under way then has ended and is written.
pub async fn run(service: Arc<Service>) {
    let mut worker = Worker {
        service,
        active: Vec::new(),
        elsewhere: HashMap::new(),
        jobs: JoinSet::new(),
        under_way: 0,
        turn: 0,
        look_at: 0,
        prune_at: 0,
        full: false,
    };
    while !worker.round().await {}
}

impl Worker {
    /// One round: look, give out requests, write, wait. Whether it is the end.
    async fn round(&mut self) -> bool {
        let now = self.service.now();
        let stopping = self.service.stopping.load(Ordering::Relaxed);
        let config = self.service.config();
        if !stopping && config.enabled {
            if now >= self.look_at {
                self.look(now).await;
            }
            if now >= self.prune_at {
                self.prune(now);
            }
            self.give_out(config.concurrency, config.retries, now);
        }
        self.write(now).await;
        if stopping && self.jobs.is_empty() {
            return true;
        }
        self.wait(stopping, now).await;
        false
    }

    /// Waits until something is done, told, or due. What was due at `now` already could not be done then, and something
    /// else will tell when it can.
    async fn wait(&mut self, stopping: bool, now: Micros) {
        let due = self.active.iter().filter_map(|batch| batch.wakes_at(now));
        let next = due.chain([self.look_at, self.prune_at]).filter(|at| *at > now && !stopping).min();
        let until = next.unwrap_or(Micros::MAX).min(now + LONGEST_SLEEP);
        let sleep = Duration::from_micros(u64::try_from(until - self.service.now()).unwrap_or(0).max(1_000));
        tokio::select! {
            Some(done) = self.jobs.join_next() => {
                self.take(done.ok());
                // Whatever else is there goes into the same write.
                while let Some(done) = self.jobs.try_join_next() {
                    self.take(done.ok());
                }
            }
            () = self.service.wake.notified() => self.look_at = 0,
            () = tokio::time::sleep(sleep) => {}
        }
    }

    /// Learns of new batches and of those that are to stop.
    async fn look(&mut self, now: Micros) {
        self.look_at = now + LONGEST_SLEEP;
        let service = self.service.clone();
        let read = tokio::task::spawn_blocking(move || service.catalog.open_batches()).await;
        let open = match read {
            Ok(Ok(open)) => open,
            Ok(Err(error)) => {
                tracing::warn!(%error, "batches cannot be looked up now");
                self.look_at = now + AFTER_FAILURE;
                return;
            }
            Err(_) => return,
        };
        for batch in open {
            if let Some(active) = self.active.iter_mut().find(|active| active.record.id == batch.id) {
                if batch.status == BatchStatus::Cancelling {
                    active.halt.get_or_insert(Halt::Cancelled);
                }
            } else if !self.elsewhere.contains_key(&batch.id) && self.has_place(&batch) {
                self.elsewhere.insert(batch.id.clone(), batch.owner.clone());
                let service = self.service.clone();
                self.jobs.spawn(async move {
                    let id = batch.id.clone();
                    let opened = tokio::task::spawn_blocking(move || service.open_batch(&batch)).await;
                    Done::Opened(id, opened.unwrap_or_else(|e| Err(defect(&e))))
                });
            }
        }
    }

    /// Whether a batch may be opened now.
    fn has_place(&self, batch: &BatchRecord) -> bool {
        let owners = || self.active.iter().map(|active| &active.record.owner).chain(self.elsewhere.values());
        let of_one = owners().filter(|owner| **owner == batch.owner).count();
        let begun = batch.output_file.is_some();
        // One that was cancelled before it began needs no place.
        if batch.status == BatchStatus::Cancelling && !begun {
            return true;
        }
        let has_room = begun || self.service.has_room(0) || halted(batch, self.service.now()).is_some();
        has_room && owners().count() < MOST_ACTIVE && of_one < MOST_OF_ONE_KEY
    }

    /// Gives out requests, one of each batch in turn, until the pool is full.
    fn give_out(&mut self, concurrency: usize, retries: u32, now: Micros) {
        for batch in &mut self.active {
            if batch.halt.is_none() {
                batch.halt = halted(&batch.record, now);
            }
        }
        let unwritten = self.active.iter().flat_map(|batch| &batch.unwritten);
        let full = !self.service.has_room(unwritten.map(|answer| answer.line.len() as u64).sum());
        if full && !std::mem::replace(&mut self.full, full) && !self.active.is_empty() {
            tracing::warn!("batches wait for room: batches.max_files_total is reached; delete files or raise it");
        }
        self.full = full;
        while !full && self.under_way < concurrency {
            let Some((batch, attempt)) = next_in_turn(&mut self.active, &mut self.turn, now) else { break };
            // Without an input there are no requests to take.
            let Some(input) = batch.input.clone() else { break };
            self.under_way += 1;
            let task = Task {
                gateway: self.service.gateway.clone(),
                batch: batch.record.id.clone(),
                owner: batch.record.owner.clone(),
                endpoint: batch.record.endpoint.clone(),
                input,
                slot: batch.slots[attempt.position as usize],
                attempt,
                last: attempt.tries >= retries,
            };
            self.jobs.spawn(async move { Done::Made(task.batch.clone(), attempt, task.make().await) });
        }
    }

    fn take(&mut self, done: Option<Done>) {
        let now = self.service.now();
        match done {
            Some(Done::Made(id, attempt, outcome)) => {
                self.under_way -= 1;
                if let Some(batch) = self.active.iter_mut().find(|batch| batch.record.id == id) {
                    batch.under_way = batch.under_way.saturating_sub(1);
                    settle(batch, attempt, outcome, now);
                }
            }
            Some(Done::Opened(id, opened)) => {
                self.elsewhere.remove(&id);
                match opened {
                    Ok(Opened::Active(active)) => {
                        self.service.progress.lock().insert(id, active.record.counts);
                        self.active.push(*active);
                        // It may have been told to stop while it was opened.
                        self.look_at = 0;
                    }
                    Ok(Opened::Ended(batch)) => self.tell(&batch),
                    Err(error) => {
                        tracing::warn!(batch = %id, %error, "a batch cannot be opened now; it is tried again");
                        self.look_at = self.look_at.min(now + AFTER_FAILURE);
                    }
                }
            }
            Some(Done::Finished(mut active, ended)) => {
                self.elsewhere.remove(&active.record.id);
                match ended {
                    Ok(batch) => self.tell(&batch),
                    Err(error) => {
                        tracing::warn!(batch = %active.record.id, %error, "a batch cannot be ended now; it is tried again");
                        active.write_after = now + AFTER_FAILURE;
                        self.active.push(*active);
                    }
                }
            }
            Some(Done::Pruned) => {}
            // Only the end of the runtime ends a job so; attempts catch their own defects.
            None => self.look_at = 0,
        }
    }

    /// Writes what was answered, and ends the batches that are over.
    async fn write(&mut self, now: Micros) {
        let writing = |batch: &mut Active| !batch.unwritten.is_empty() && now >= batch.write_after;
        let with_answers: Vec<Active> = self.active.extract_if(.., writing).collect();
        for mut batch in with_answers {
            let service = self.service.clone();
            let written = tokio::task::spawn_blocking(move || {
                let written = batch.write();
                service.count_growth(&mut batch);
                (batch, written)
            });
            let Ok((mut batch, written)) = written.await else { continue };
            if let Err(error) = written {
                tracing::error!(batch = %batch.record.id, %error, "answers of a batch cannot be written; it waits");
                batch.write_after = self.service.now() + AFTER_FAILURE;
            }
            self.service.progress.lock().insert(batch.record.id.clone(), batch.record.counts);
            self.active.push(batch);
        }
        for mut batch in self.active.extract_if(.., |batch| batch.is_over() && now >= batch.write_after) {
            self.elsewhere.insert(batch.record.id.clone(), batch.record.owner.clone());
            let service = self.service.clone();
            self.jobs.spawn_blocking(move || {
                let ended = service.finish_batch(&mut batch).map(Box::new);
                Done::Finished(Box::new(batch), ended)
            });
        }
    }

    /// Says how a batch ended, and makes room for the next.
    fn tell(&mut self, batch: &BatchRecord) {
        self.service.progress.lock().remove(&batch.id);
        self.look_at = 0;
        let counts = &batch.counts;
        let seconds = (self.service.now() - batch.created_us) / SECOND;
        let problem = batch.errors.first().map(|problem| problem.message.as_str()).unwrap_or_default();
        tracing::info!(
            batch = %batch.id,
            key = %batch.owner,
            status = batch.status.as_str(),
            requests = counts.total,
            completed = counts.completed,
            failed = counts.failed,
            seconds,
            problem,
            "a batch has ended"
        );
    }

    /// Deletes files and batches whose time is up.
    fn prune(&mut self, now: Micros) {
        self.prune_at = now + PRUNE_EVERY;
        let service = self.service.clone();
        self.jobs.spawn_blocking(move || {
            if let Err(error) = service.prune(now) {
                tracing::warn!(%error, "expired files cannot be deleted now");
            }
            Done::Pruned
        });
    }
}

impl Service {
    fn prune(&self, now: Micros) -> Result<(), weir_store::telemetry::StoreError> {
        for file in self.catalog.expired_files(now, PRUNE_AT_ONCE)? {
            if self.catalog.delete_file(&file.id)? == weir_store::catalog::FileDeleted::Yes {
                self.freed(&file);
            }
        }
        let keep = Micros::try_from(self.config().keep.0.as_micros()).unwrap_or(Micros::MAX);
        self.catalog.delete_batches(now.saturating_sub(keep))?;
        Ok(())
    }
}

/// What an attempt came to, for its batch.
fn settle(batch: &mut Active, attempt: Attempt, outcome: Outcome, now: Micros) {
    match outcome {
        Outcome::Answered(answer) => {
            batch.pace.answered();
            batch.unwritten.push(answer);
        }
        Outcome::Limited(after) => {
            batch.pace.refused(attempt.position, after, now);
            batch.put_back(attempt, now + pause(after));
        }
        Outcome::Passing(after) => batch.put_back(Attempt { tries: attempt.tries + 1, ..attempt }, now + after),
        Outcome::Hopeless(problem) => {
            batch.halt.get_or_insert(Halt::Failed(problem));
        }
        Outcome::Unreadable(error) => {
            tracing::warn!(batch = %batch.record.id, error, "the input of a batch cannot be read now; it waits");
            batch.pace.wait(AFTER_FAILURE, now);
            batch.put_back(attempt, now + AFTER_FAILURE);
        }
    }
}

fn defect(error: &tokio::task::JoinError) -> OpenError {
    OpenError::Files(std::io::Error::other(format!("opening it met a defect: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batches::active::Answer;
    use weir_core::time::MINUTE;
    use weir_core::token::TokenCounts;

    /// Makes what may be made from `now` on, with up to eight requests under way; those below `costly` are refused for
    /// a day. Returns how many were answered and how many were refused within the given time.
    fn run_for(batch: &mut Active, costly: u32, now: &mut Micros, time: Micros) -> (usize, usize) {
        let (mut answered, mut refused) = (0, 0);
        let end = *now + time;
        loop {
            let attempts: Vec<Attempt> = std::iter::from_fn(|| batch.take(*now)).take(8).collect();
            for attempt in &attempts {
                batch.under_way -= 1;
                let outcome = if attempt.position < costly {
                    refused += 1;
                    Outcome::Limited(24 * HOUR)
                } else {
                    answered += 1;
                    let answer = Answer {
                        position: attempt.position,
                        line: Vec::new(),
                        good: true,
                        tokens: TokenCounts::default(),
                    };
                    Outcome::Answered(answer)
                };
                settle(batch, *attempt, outcome, *now);
            }
            for answer in batch.unwritten.drain(..) {
                batch.done[answer.position as usize] = true;
            }
            if attempts.is_empty() {
                *now = batch.wakes_at(*now).unwrap_or(end).clamp(*now + 1, end);
            }
            if *now == end {
                return (answered, refused);
            }
        }
    }

    #[test]
    fn one_request_that_cannot_be_made_holds_up_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let mut batch = crate::batches::active::tests::active(folder.path(), &[false; 400]);
        let mut now = 0;
        assert_eq!(run_for(&mut batch, 1, &mut now, SECOND), (399, 1));
        assert!(!batch.is_over(), "it waits for its budget");
        assert_eq!(run_for(&mut batch, 1, &mut now, 10 * MINUTE), (0, 10));
        assert_eq!(run_for(&mut batch, 0, &mut now, MINUTE), (1, 0));
    }

    #[test]
    fn many_that_cannot_be_made_delay_the_others_only() {
        let folder = tempfile::tempdir().unwrap();
        let mut batch = crate::batches::active::tests::active(folder.path(), &[false; 400]);
        let (answered, refused) = run_for(&mut batch, 30, &mut 0, HOUR);
        assert_eq!(answered, 370);
        assert!(refused < 30 * 60, "{refused}");
    }
}
