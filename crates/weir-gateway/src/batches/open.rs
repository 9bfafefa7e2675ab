//! The beginning of a batch, or its continuation: its input is checked and indexed, what an earlier run has written is
//! read back. Blocks; runs on a thread of its own.

use std::fs::File;
use std::io::{self, BufReader};

use weir_core::time::Micros;
use weir_core::token::TokenCounts;
use weir_store::catalog::{BatchCounts, BatchProblem, BatchRecord, BatchStatus};
use weir_store::telemetry::StoreError;

use super::active::{Active, Halt};
use super::folder::Folder;
use super::line::problem;
use super::output;
use super::part::Part;
use super::service::Service;
use super::validate::{self, Index, Rules};

/// Room for the members around a body.
const AROUND_BODY: u64 = 64 << 10;

/// What became of a batch that was to be opened.
#[derive(Debug)]
pub(super) enum Opened {
    /// It can go on.
    Active(Box<Active>),
    /// It has ended without a single request.
    Ended(Box<BatchRecord>),
}

/// Why a batch cannot be opened now; may pass.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("its files cannot be used: {0}")]
    Files(#[from] io::Error),
}

impl Service {
    /// Opens a batch.
    pub(super) fn open_batch(&self, batch: &BatchRecord) -> Result<Opened, OpenError> {
        let begun = batch.output_file.is_some();
        if batch.status == BatchStatus::Cancelling && !begun {
            return Ok(Opened::Ended(Box::new(self.end_unbegun(batch, &[])?)));
        }
        let input = match File::open(self.folder.path(&batch.input_file)) {
            Ok(input) => input,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let message = format!("the content of {} is gone from the data folder", batch.input_file);
                let gone = vec![problem("input_not_found", Some("input_file_id"), message)];
                return self.end_unusable(batch, gone);
            }
            Err(error) => return Err(error.into()),
        };
        let snapshot = self.gateway.snapshot();
        let config = &snapshot.config;
        let max_line = usize::try_from(config.gateway.max_body.0 + AROUND_BODY).unwrap_or(usize::MAX);
        let rules = Rules {
            endpoint: batch.endpoint.clone(),
            // A limit that is lowered later does not reach batches that have begun: what was accepted stays so.
            max_requests: if begun { usize::MAX } else { config.batches.max_requests },
            max_line: if begun { usize::MAX } else { max_line },
        };
        let mut reader = BufReader::with_capacity(256 << 10, &input);
        match validate::check(&mut reader, &rules)? {
            Err(problems) => self.end_unusable(batch, problems),
            Ok(index) => {
                let Some(batch) = self.begin(&batch.id, &index)? else {
                    return Err(StoreError::Unavailable(format!("{} is gone from the catalog", batch.id)).into());
                };
                Ok(Opened::Active(Box::new(self.take_up(batch, Some(input), index)?)))
            }
        }
    }

    /// Ends a batch whose input cannot be used. One that has begun ends like any other, so that what was answered
    /// before is kept; which of its requests were not made its input cannot tell any more.
    fn end_unusable(&self, batch: &BatchRecord, problems: Vec<BatchProblem>) -> Result<Opened, OpenError> {
        if batch.output_file.is_none() {
            return Ok(Opened::Ended(Box::new(self.end_unbegun(batch, &problems)?)));
        }
        let mut active = self.take_up(batch.clone(), None, Index::default())?;
        active.halt = problems.into_iter().next().map(Halt::Failed);
        Ok(Opened::Active(Box::new(active)))
    }

    /// Ends a batch none of whose requests was made: as failed, or as cancelled where it was told so.
    fn end_unbegun(&self, batch: &BatchRecord, problems: &[BatchProblem]) -> Result<BatchRecord, StoreError> {
        let now = self.now();
        let ended = self.catalog.change_batch(&batch.id, &[], &mut |batch| {
            if batch.status == BatchStatus::Cancelling {
                batch.status = BatchStatus::Cancelled;
                batch.cancelled_us = Some(now);
            } else {
                batch.status = BatchStatus::Failed;
                batch.failed_us = Some(now);
            }
            batch.errors = problems.to_vec();
            batch.output_file = None;
            batch.error_file = None;
        })?;
        Ok(ended.unwrap_or_else(|| batch.clone()))
    }

    /// Notes that a batch is under way, and under which ids its files are written; both stay over restarts.
    fn begin(&self, id: &str, index: &Index) -> Result<Option<BatchRecord>, StoreError> {
        let now = self.now();
        self.catalog.change_batch(id, &[], &mut |batch| {
            if batch.status == BatchStatus::Validating {
                batch.status = BatchStatus::InProgress;
            }
            batch.in_progress_us.get_or_insert(now);
            batch.model.clone_from(&index.model);
            batch.counts.total = index.slots.len() as u64;
            batch.output_file.get_or_insert_with(Folder::new_id);
            batch.error_file.get_or_insert_with(Folder::new_id);
        })
    }

    /// Reads back what an earlier run has written.
    fn take_up(&self, mut batch: BatchRecord, input: Option<File>, index: Index) -> Result<Active, OpenError> {
        let mut done = vec![false; index.slots.len()];
        let mut usage = TokenCounts::default();
        let mut counts = BatchCounts { total: batch.counts.total, ..BatchCounts::default() };
        let mut read = |id: &Option<String>, count: &mut u64| -> io::Result<Part> {
            let id = id.as_deref().unwrap_or_default();
            self.folder.reopen(id)?;
            let before = self.folder.growing_bytes(id);
            let part = Part::open(&self.folder.part(id), |line| {
                let Some(written) = output::read_back(line) else { return false };
                if let Some(position) = index.ids.get(&validate::digest(&written.custom_id)) {
                    done[*position as usize] = true;
                }
                if written.made {
                    usage = usage.saturating_add(written.tokens);
                    *count += 1;
                }
                true
            })?;
            // All that was there is counted since the start; a torn line is gone now.
            self.give_room(before.saturating_sub(part.length()));
            Ok(part)
        };
        let answers = read(&batch.output_file, &mut counts.completed)?;
        let failures = read(&batch.error_file, &mut counts.failed)?;
        let left = done.iter().filter(|done| !**done).count();
        if counts.completed + counts.failed > 0 {
            tracing::info!(batch = %batch.id, answered = done.len() - left, left, "a batch is taken up again");
        }
        batch.counts = counts;
        batch.usage = usage;
        let halt = halted(&batch, self.now());
        let mut active = Active::new(batch, input, index.slots, done, answers, failures);
        active.halt = halt;
        Ok(active)
    }
}

/// Whether a batch makes no more requests by what its record says.
pub(super) fn halted(batch: &BatchRecord, now: Micros) -> Option<Halt> {
    match batch.status {
        BatchStatus::Cancelling => Some(Halt::Cancelled),
        _ if batch.expires_us.is_some_and(|at| at <= now) => Some(Halt::Expired),
        _ => None,
    }
}
