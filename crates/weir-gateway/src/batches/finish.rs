//! The end of a batch: requests that were not made are written down as such, the files become whole, and the catalog
//! learns of all in one transaction. Can be repeated after a death at any point. Blocks; runs on a thread of its own.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::Ordering;

use weir_store::catalog::{BatchRecord, BatchStatus, FileRecord};

use super::active::{Active, Halt};
use super::line;
use super::open::OpenError;
use super::output;
use super::part::Part;
use super::service::{LEAST_ROOM, Service};
use super::validate::Slot;

/// Lines of requests that were not made are written in groups of about this size.
const GROUP: usize = 256 << 10;

/// The text of a request.
pub(super) fn read_slot(input: &File, slot: Slot) -> io::Result<Vec<u8>> {
    let mut text = vec![0; slot.length as usize];
    input.read_exact_at(&mut text, slot.offset)?;
    Ok(text)
}

impl Service {
    /// Ends a batch that is over; returns it as it is then.
    pub(super) fn finish_batch(&self, active: &mut Active) -> Result<BatchRecord, OpenError> {
        let now = self.now();
        let id = active.record.id.clone();
        self.catalog.change_batch(&id, &[], &mut |batch| {
            if batch.status == BatchStatus::InProgress {
                batch.status = BatchStatus::Finalizing;
            }
            batch.finalizing_us.get_or_insert(now);
        })?;
        // Written without room too: a batch must be able to end, and these lines are short.
        let rest = write_rest(active);
        self.count_growth(active);
        rest?;
        let output = self.complete(active.record.output_file.as_deref(), &active.answers)?;
        let errors = self.complete(active.record.error_file.as_deref(), &active.failures)?;
        let batch = &active.record;
        let row = |made: &Option<(String, u64)>, what: &str| {
            made.as_ref().map(|(id, bytes)| self.produced(batch, id, what, *bytes))
        };
        let files: Vec<FileRecord> = [row(&output, "output"), row(&errors, "error")].into_iter().flatten().collect();
        let now = self.now();
        let ended = self.catalog.change_batch(&id, &files, &mut |batch| {
            batch.output_file = output.as_ref().map(|(id, _)| id.clone());
            batch.error_file = errors.as_ref().map(|(id, _)| id.clone());
            batch.counts = active.record.counts;
            batch.usage = active.record.usage;
            let (status, at) = match &active.halt {
                Some(Halt::Failed(problem)) => {
                    batch.errors = vec![problem.clone()];
                    (BatchStatus::Failed, &mut batch.failed_us)
                }
                _ if batch.status == BatchStatus::Cancelling => (BatchStatus::Cancelled, &mut batch.cancelled_us),
                Some(Halt::Expired) => (BatchStatus::Expired, &mut batch.expired_us),
                _ => (BatchStatus::Completed, &mut batch.completed_us),
            };
            *at = Some(now);
            batch.status = status;
        })?;
        // Their bytes are counted since they were written.
        let room = files.iter().map(|file| LEAST_ROOM.saturating_sub(file.bytes)).sum();
        self.used.fetch_add(room, Ordering::Relaxed);
        Ok(ended.unwrap_or_else(|| active.record.clone()))
    }

    /// Makes a growing file whole, or removes it where it holds nothing.
    fn complete(&self, id: Option<&str>, part: &Part) -> io::Result<Option<(String, u64)>> {
        let Some(id) = id else { return Ok(None) };
        if part.length() == 0 {
            self.folder.remove(id);
            return Ok(None);
        }
        // Renamed already, if an attempt before this one got so far.
        if self.folder.part(id).exists() {
            self.folder.complete(&self.folder.part(id), id)?;
        }
        Ok(Some((id.to_owned(), part.length())))
    }
}

/// Writes down the requests that are not made any more, each with the reason.
fn write_rest(active: &mut Active) -> io::Result<()> {
    let (code, message) = match &active.halt {
        None => return Ok(()),
        Some(Halt::Cancelled) => ("batch_cancelled", "This request was not made: the batch was cancelled before it."),
        Some(Halt::Expired) => {
            ("batch_expired", "This request could not be executed before the completion window expired.")
        }
        Some(Halt::Failed(problem)) => ("batch_failed", problem.message.as_str()),
    };
    let Some(input) = active.input.clone() else { return Ok(()) };
    let mut group = Vec::new();
    let mut positions = Vec::new();
    for position in 0..active.slots.len() {
        if !active.done[position] {
            let text = read_slot(&input, active.slots[position])?;
            let custom_id = line::parse(&text, &active.record.endpoint).map(|l| l.custom_id).unwrap_or_default();
            group.extend_from_slice(&output::not_made(&custom_id, code, message));
            positions.push(position);
        }
        if group.len() >= GROUP || (position + 1 == active.slots.len() && !group.is_empty()) {
            active.failures.append(&group)?;
            group.clear();
            positions.drain(..).for_each(|position| active.done[position] = true);
        }
    }
    Ok(())
}
