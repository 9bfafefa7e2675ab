use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use hyper::body::Incoming;
use tokio::time::Sleep;

/// The body of an upstream's answer: from the network, or made here by the demo provider.
#[derive(Debug)]
pub enum UpstreamBody {
    /// From a connection.
    Network(Incoming),
    /// Pieces that are sent one after the other with a pause between them.
    Made {
        /// What is still to come.
        pieces: VecDeque<Bytes>,
        /// The pause before each piece but the first.
        pause: Duration,
        /// The pause that runs.
        sleep: Option<Pin<Box<Sleep>>>,
    },
}

impl UpstreamBody {
    /// A body of ready pieces.
    #[must_use]
    pub fn made(pieces: VecDeque<Bytes>, pause: Duration) -> Self {
        Self::Made { pieces, pause, sleep: None }
    }

    /// The next piece; `None` at the proper end.
    pub fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, hyper::Error>>> {
        match self {
            Self::Network(incoming) => loop {
                let frame = std::task::ready!(Pin::new(&mut *incoming).poll_frame(cx));
                match frame {
                    None => return Poll::Ready(None),
                    Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                    // Trailers carry nothing for us.
                    Some(Ok(frame)) => {
                        if let Ok(data) = frame.into_data() {
                            return Poll::Ready(Some(Ok(data)));
                        }
                    }
                }
            },
            Self::Made { pieces, pause, sleep } => {
                if let Some(running) = sleep {
                    std::task::ready!(running.as_mut().poll(cx));
                    *sleep = None;
                }
                let piece = pieces.pop_front();
                if !pieces.is_empty() && !pause.is_zero() {
                    *sleep = Some(Box::pin(tokio::time::sleep(*pause)));
                }
                Poll::Ready(piece.map(Ok))
            }
        }
    }

    /// The next piece; `None` at the proper end.
    pub async fn piece(&mut self) -> Option<Result<Bytes, hyper::Error>> {
        std::future::poll_fn(|cx| self.poll_piece(cx)).await
    }
}
