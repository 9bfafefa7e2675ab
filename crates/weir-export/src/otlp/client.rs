//! One request to an OTLP endpoint.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::Url;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE};
use weir_fronts::otlp::out::{self, Encoded};

use super::settings::Settings;
use crate::failure::Failure;
use crate::http::{Http, Terms};

/// A client of one endpoint.
pub(super) struct Client {
    http: Http,
    url: Url,
}

/// Spans of a request that the target does not keep, although it took the request.
pub(super) struct Rejected {
    /// How many.
    pub(super) count: usize,
    /// Why, for a person.
    pub(super) message: String,
}

impl Client {
    pub(super) fn new(settings: &Settings) -> Result<Self, reqwest::Error> {
        let http = Http::new(Terms {
            at: settings.shown_uri(),
            headers: settings.headers.clone(),
            secrets: settings.secrets.clone(),
            timeout: settings.timeout,
            connections: 1,
        })?;
        Ok(Self { http, url: settings.url.clone() })
    }

    /// Sends spans in one request. Returns what of them the target does not keep.
    pub(super) async fn request<'a>(
        &self,
        spans: impl IntoIterator<Item = &'a Encoded>,
    ) -> Result<Option<Rejected>, Failure> {
        let body = zipped(&out::request(spans));
        let request = self.http.client().post(self.url.clone()).header(CONTENT_TYPE, "application/x-protobuf");
        let answer = self.http.send(request.header(CONTENT_ENCODING, "gzip").body(body)).await?;
        if !answer.status.is_success() {
            return Err(self.http.refused(&answer, &out::said(&answer.body)));
        }
        let partial = out::partial_success(&answer.body);
        Ok(partial.map(|(count, message)| Rejected {
            count: usize::try_from(count).unwrap_or_default(),
            message: self.http.clean(&message),
        }))
    }
}

fn zipped(body: &[u8]) -> Vec<u8> {
    // The quickest level: prompts are alike, so that it finds most of what there is to be found.
    let mut zip = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    // Writing to memory does not fail.
    let _ = zip.write_all(body);
    zip.finish().unwrap_or_default()
}
