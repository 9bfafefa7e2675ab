//! The other side: connections to providers, requests to them, and what they answer.

mod body;
mod client;
mod headers;
mod provider;

pub use body::UpstreamBody;
pub use client::Client;
pub use headers::{answer_headers, forwarded_headers, is_forwarded, retry_after, upstream_request_id};
pub use provider::{Provider, ProviderError, Timeouts};
