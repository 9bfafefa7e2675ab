//! Taking a file from a multipart form: its bytes go to the disk as they come, within the bounds of size, room and
//! time, and only a whole file gets a name and a row.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::Stream;
use http::HeaderMap;
use multer::{Constraints, Field, Multipart, SizeLimit};
use tokio::io::{AsyncWriteExt, BufWriter};
use weir_core::access::Identity;
use weir_core::error::{Code, Error};
use weir_core::time::{HOUR, Micros, SECOND};
use weir_store::catalog::FileRecord;

use super::folder::Folder;
use super::service::{LEAST_ROOM, Service, unavailable};

/// What a file may be for; the other purposes of OpenAI's are for what Weir does not do.
const PURPOSES: &[&str] = &["batch", "user_data"];
/// Longest value of a member beside the file, and most members.
const MAX_VALUE: usize = 4 << 10;
const MAX_MEMBERS: usize = 16;
/// Room for the form around the file.
const AROUND_FILE: u64 = 64 << 10;
/// Most that is read ahead of what was taken in.
const MAX_AHEAD: u64 = 1 << 20;
/// Longest name that is kept, characters.
const MAX_NAME: usize = 255;
/// Longest time for a whole upload.
const WITHIN: Duration = Duration::from_secs(3600);
/// How long a file may be asked to be kept, as OpenAI has it.
const EXPIRES: std::ops::RangeInclusive<Micros> = HOUR..=30 * 24 * HOUR;

/// Takes a file in.
///
/// # Errors
/// 400 naming what is wrong with the form, 408 when it comes too slowly, 413 when the file is too large or there is no
/// room.
pub(crate) async fn receive(
    service: &Arc<Service>,
    who: &Identity,
    headers: &HeaderMap,
    body: Body,
) -> Result<FileRecord, Error> {
    let kind = headers.get(http::header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(kind).map_err(|_| {
        let message = "the request must be a multipart/form-data form with \"file\" and \"purpose\"";
        Error::new(Code::InvalidRequest, message)
    })?;
    let most = service.config().max_file;
    let announced = headers.get(http::header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > most.0.saturating_add(AROUND_FILE)) {
        return Err(too_large(most));
    }
    let taken = Arc::new(AtomicU64::new(0));
    let idle = service.gateway.snapshot().config.gateway.request_timeout.0;
    let stream = Paced { body: body.into_data_stream(), given: 0, taken: taken.clone(), yielded: false };
    let limit = SizeLimit::new().whole_stream(most.0.saturating_add(AROUND_FILE));
    let form = Multipart::with_constraints(stream, boundary, Constraints::new().size_limit(limit));
    let reading = read_form(service, who, form, &taken, idle);
    tokio::time::timeout(WITHIN, reading).await.unwrap_or_else(|_| Err(too_slow(WITHIN)))
}

async fn read_form(
    service: &Arc<Service>,
    who: &Identity,
    mut form: Multipart<'_>,
    taken: &AtomicU64,
    idle: Duration,
) -> Result<FileRecord, Error> {
    let (mut purpose, mut seconds, mut upload) = (None, None, None);
    let mut members = 0;
    let most = service.config().max_file;
    while let Some(mut field) = timed(idle, form.next_field()).await?.map_err(|e| unreadable(&e, most))? {
        members += 1;
        if members > MAX_MEMBERS {
            return Err(Error::new(Code::InvalidRequest, format!("the form has more than {MAX_MEMBERS} members")));
        }
        match field.name() {
            Some("file") if upload.is_none() => {
                let name = clean_name(field.file_name().unwrap_or_default());
                let mut file = Upload::begin(service, name).await?;
                while let Some(piece) = timed(idle, field.chunk()).await?.map_err(|e| unreadable(&e, most))? {
                    taken.fetch_add(piece.len() as u64, Ordering::Relaxed);
                    file.add(&piece, most).await?;
                }
                upload = Some(file);
            }
            Some("file") => return Err(Error::invalid("file", "the form has more than one \"file\"")),
            Some("purpose") => purpose = Some(value(field, taken, idle).await?),
            Some("expires_after[seconds]") => seconds = Some(value(field, taken, idle).await?),
            // Members that OpenAI has and Weir does not need.
            _ => drop(value(field, taken, idle).await?),
        }
    }
    let known = PURPOSES.join(", ");
    let purpose = purpose
        .filter(|purpose| !purpose.is_empty())
        .ok_or_else(|| Error::invalid("purpose", format!("\"purpose\" is missing; send one of {known}")))?;
    if !PURPOSES.contains(&purpose.as_str()) {
        let message = format!("files are not taken for the purpose {purpose:?}, only for {known}");
        return Err(Error::invalid("purpose", message));
    }
    let lifetime = seconds.map(|text| lifetime(&text)).transpose()?;
    let upload = upload.ok_or_else(|| Error::invalid("file", "\"file\" is missing"))?;
    upload.end(who, purpose, lifetime).await
}

async fn value(mut field: Field<'_>, taken: &AtomicU64, idle: Duration) -> Result<String, Error> {
    let mut all = Vec::new();
    while let Some(piece) = timed(idle, field.chunk()).await?.map_err(|e| broken(&e))? {
        taken.fetch_add(piece.len() as u64, Ordering::Relaxed);
        if all.len() + piece.len() > MAX_VALUE {
            let name = field.name().unwrap_or_default().to_owned();
            return Err(Error::invalid(name, format!("a member of the form is longer than {MAX_VALUE} bytes")));
        }
        all.extend_from_slice(&piece);
    }
    String::from_utf8(all).map_err(|_| Error::new(Code::InvalidRequest, "a member of the form is not UTF-8"))
}

fn lifetime(text: &str) -> Result<Micros, Error> {
    let time = text.trim().parse::<Micros>().ok().and_then(|seconds| seconds.checked_mul(SECOND));
    time.filter(|time| EXPIRES.contains(time)).ok_or_else(|| {
        Error::invalid("expires_after", "\"expires_after.seconds\" must be a whole number from 3600 to 2592000")
    })
}

/// The name that a caller gives a file, only ever shown: without folders and control characters, and not too long.
fn clean_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
    if name.is_empty() { "upload".to_owned() } else { name }
}

async fn timed<T>(within: Duration, work: impl Future<Output = T>) -> Result<T, Error> {
    tokio::time::timeout(within, work).await.map_err(|_| too_slow(within))
}

fn too_slow(within: Duration) -> Error {
    Error::new(
        Code::RequestTimeout,
        format!("nothing of the upload came within {} s, or not all of it", within.as_secs()),
    )
}

fn too_large(most: weir_core::units::Bytes) -> Error {
    Error::new(Code::BodyTooLarge, format!("the file is larger than {most} (batches.max_file); divide it"))
}

fn unreadable(error: &multer::Error, most: weir_core::units::Bytes) -> Error {
    match error {
        multer::Error::StreamSizeExceeded { .. } => too_large(most),
        _ => broken(error),
    }
}

fn broken(error: &multer::Error) -> Error {
    Error::new(Code::InvalidRequest, format!("the form cannot be read: {error}"))
}

/// A file that is being uploaded; dropped before its end, nothing is left of it.
struct Upload {
    service: Arc<Service>,
    id: String,
    name: String,
    path: PathBuf,
    file: Option<BufWriter<tokio::fs::File>>,
    length: u64,
    room: u64,
}

impl Upload {
    async fn begin(service: &Arc<Service>, name: String) -> Result<Self, Error> {
        service.take_room(LEAST_ROOM)?;
        let id = Folder::new_id();
        let path = service.folder.upload(&id);
        let mut upload = Self { service: service.clone(), id, name, path, file: None, length: 0, room: LEAST_ROOM };
        let file = tokio::fs::File::create(&upload.path).await.map_err(|e| unwritable(&e))?;
        upload.file = Some(BufWriter::with_capacity(256 << 10, file));
        Ok(upload)
    }

    async fn add(&mut self, piece: &Bytes, most: weir_core::units::Bytes) -> Result<(), Error> {
        self.length += piece.len() as u64;
        if self.length > most.0 {
            return Err(too_large(most));
        }
        if let Some(more) = self.length.checked_sub(self.room).filter(|more| *more > 0) {
            self.service.take_room(more)?;
            self.room += more;
        }
        match &mut self.file {
            Some(file) => file.write_all(piece).await.map_err(|e| unwritable(&e)),
            None => Ok(()),
        }
    }

    /// Syncs the file, gives it its name, then its row.
    async fn end(mut self, who: &Identity, purpose: String, lifetime: Option<Micros>) -> Result<FileRecord, Error> {
        if let Some(mut file) = self.file.take() {
            file.flush().await.map_err(|e| unwritable(&e))?;
            file.get_ref().sync_all().await.map_err(|e| unwritable(&e))?;
        }
        let now = self.service.now();
        let record = FileRecord {
            id: self.id.clone(),
            owner: who.name.clone(),
            purpose,
            filename: self.name.clone(),
            bytes: self.length,
            created_us: now,
            expires_us: Some(self.service.expiry(now, lifetime)),
        };
        let (service, path, row) = (self.service.clone(), self.path.clone(), record.clone());
        service
            .blocking(move |service| {
                service.folder.complete(&path, &row.id).map_err(|e| unwritable(&e))?;
                service.catalog.put_file(&row).map_err(|error| {
                    service.folder.remove(&row.id);
                    unavailable(error)
                })
            })
            .await?;
        // From here on the room belongs to the file.
        self.room = 0;
        Ok(record)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.room > 0 {
            self.service.used.fetch_sub(self.room, Ordering::Relaxed);
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn unwritable(error: &std::io::Error) -> Error {
    Error::new(Code::StoreUnavailable, format!("the file cannot be written: {error}"))
}

/// A body that gives one piece at a time and never runs far ahead of what was taken in: the form's reader would else
/// gather all that is ready in memory.
struct Paced {
    body: BodyDataStream,
    given: u64,
    taken: Arc<AtomicU64>,
    yielded: bool,
}

impl Stream for Paced {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::replace(&mut self.yielded, false) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.given.saturating_sub(self.taken.load(Ordering::Relaxed)) > MAX_AHEAD {
            return Poll::Ready(Some(Err(std::io::Error::other("the form's headers are too long"))));
        }
        let polled = std::task::ready!(Pin::new(&mut self.body).poll_next(cx));
        self.yielded = true;
        Poll::Ready(polled.map(|piece| match piece {
            Ok(piece) => {
                self.given += piece.len() as u64;
                Ok(piece)
            }
            Err(error) => Err(std::io::Error::other(error)),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_only_names() {
        assert_eq!(clean_name("../../etc/pass\nwd"), "passwd");
        assert_eq!(clean_name("C:\\x\\in put.jsonl"), "in put.jsonl");
        assert_eq!(clean_name("a/"), "upload");
        assert_eq!(clean_name(&"é".repeat(300)).chars().count(), 255);
    }

    #[test]
    fn lifetimes_have_bounds() {
        assert_eq!(lifetime("3600").unwrap(), HOUR);
        for wrong in ["", "3599", "2592001", "9223372036854775807", "1h"] {
            assert_eq!(lifetime(wrong).unwrap_err().param.as_deref(), Some("expires_after"), "{wrong}");
        }
    }
}
