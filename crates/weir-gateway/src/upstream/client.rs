//! One connection pool per provider, over TCP or rustls.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

/// Idle connections kept per provider.
const MAX_IDLE: usize = 1024;
/// Idle connections are closed before most servers close theirs (60 to 75 s), so that few requests meet a closed one.
const IDLE_FOR: Duration = Duration::from_secs(50);

/// A pool of connections to one provider.
#[derive(Clone, Debug)]
pub struct Client(hyper_util::client::legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Client {
    /// A pool without connections. Certificates are checked against the compiled-in Mozilla roots and, where the
    /// machine has some, its own.
    #[must_use]
    pub fn new(connect_timeout: Duration) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(connect_timeout));
        tcp.set_keepalive(Some(Duration::from_secs(60)));
        tcp.enforce_http(false);
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(weir_tls::client())
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_FOR)
            .pool_max_idle_per_host(MAX_IDLE)
            .build(https);
        Self(client)
    }

    /// Sends a request; resolves when the head of the answer is there. Dropping the future cancels the call.
    ///
    /// # Errors
    /// When no connection could be made, or it broke before the head was complete.
    pub async fn send(
        &self,
        request: http::Request<Full<Bytes>>,
    ) -> Result<http::Response<Incoming>, hyper_util::client::legacy::Error> {
        self.0.request(request).await
    }
}
