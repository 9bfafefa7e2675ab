//! One connection at work.

use std::io::Write as _;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{HOST, HeaderValue};
use http::{Method, Request};
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::sync::mpsc::UnboundedReceiver;

use super::answer::{self, Answer};
use super::prompt::Prompt;
use super::report::Report;
use super::run::Plan;

/// Longest pause after failures in a row.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// Where the next request's time comes from.
#[derive(Debug, Clone)]
pub(crate) enum Pace {
    /// At once, while requests are left.
    Closed(Rc<std::cell::Cell<u64>>),
    /// When the schedule says so.
    Open(Rc<Mutex<UnboundedReceiver<Instant>>>),
}

/// The bodies to send.
#[derive(Debug)]
pub(crate) enum Bodies {
    One(Bytes),
    Varied(Prompt),
}

pub(crate) struct Connection {
    pub(crate) plan: Rc<Plan>,
    pub(crate) pace: Pace,
    pub(crate) bodies: Bodies,
    /// No request begins after this.
    pub(crate) end: Instant,
    /// Requests begun before this are not counted.
    pub(crate) count_from: Instant,
}

enum Failure {
    Io,
    Timeout,
}

impl Connection {
    /// Sends until the time, the requests or the tries are used up.
    pub(crate) async fn work(mut self) -> Report {
        let mut report = Report::default();
        let mut sender = None;
        let mut failures = 0;
        while let Some(due) = self.next().await {
            let begun = due.unwrap_or_else(Instant::now);
            if begun.elapsed() > self.plan.timeout && Instant::now() > self.end {
                // The backlog of a target that fell behind: nobody would have waited for it.
                report.requests += 1;
                report.timeouts += 1;
                continue;
            }
            let counted = begun >= self.count_from;
            if counted && due.is_some() {
                report.late.record(begun.elapsed().as_micros() as u64);
            }
            let outcome = self.ask(&mut sender).await;
            if counted {
                report.requests += 1;
            }
            match outcome {
                Ok(answer) => {
                    failures = 0;
                    self.note(&answer);
                    if counted {
                        self.count(&mut report, begun, &answer);
                    }
                }
                Err(failure) => {
                    sender = None;
                    failures += 1;
                    match failure {
                        Failure::Io if counted => report.io_errors += 1,
                        Failure::Timeout if counted => report.timeouts += 1,
                        _ => {}
                    }
                    if failures >= self.plan.tries {
                        break;
                    }
                    tokio::time::sleep((Duration::from_millis(5) * failures).min(LONGEST_PAUSE)).await;
                }
            }
        }
        report
    }

    /// Waits for the next request's turn; the instant is when it fell due, for open loops.
    async fn next(&self) -> Option<Option<Instant>> {
        match &self.pace {
            Pace::Closed(left) => {
                if left.get() == 0 || Instant::now() >= self.end {
                    return None;
                }
                left.set(left.get() - 1);
                Some(None)
            }
            Pace::Open(due) => due.lock().await.recv().await.map(Some),
        }
    }

    async fn ask(&mut self, sender: &mut Option<SendRequest<Full<Bytes>>>) -> Result<Answer, Failure> {
        let limit = self.plan.timeout;
        let body = match &mut self.bodies {
            Bodies::One(body) => body.clone(),
            Bodies::Varied(prompt) => prompt.body(),
        };
        let plan = &*self.plan;
        let exchange = async {
            if sender.as_ref().is_none_or(SendRequest::is_closed) {
                *sender = Some(connect(plan).await?);
            }
            let Some(connected) = sender else {
                return Err(Failure::Io);
            };
            connected.ready().await.map_err(|_| Failure::Io)?;
            let response = connected.send_request(request(plan, body)).await.map_err(|_| Failure::Io)?;
            answer::read(response, plan.stream, plan.stamps).await.map_err(|_| Failure::Io)
        };
        match tokio::time::timeout(limit, exchange).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::Timeout),
        }
    }

    fn count(&self, report: &mut Report, begun: Instant, answer: &Answer) {
        report.bytes += answer.bytes;
        if !(200..300).contains(&answer.status) {
            report.http_errors += 1;
        } else if self.plan.stream && !answer.marked {
            report.incomplete += 1;
        } else {
            report.ok += 1;
            report.latency.record(begun.elapsed().as_micros() as u64);
            for under_way in &answer.chunks {
                report.chunk.record(*under_way);
            }
            if let Some(first) = answer.first {
                report.first_event.record(first.saturating_duration_since(begun).as_micros() as u64);
            }
        }
    }

    /// Writes down the id of an answer that was read to its end.
    fn note(&self, answer: &Answer) {
        let Some(ids) = &self.plan.ids else { return };
        let id = answer.id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or("-");
        let good = (200..300).contains(&answer.status);
        let line = match (good, self.plan.stream && !answer.marked) {
            (true, false) => format!("{id} complete\n"),
            (true, true) => format!("{id} incomplete\n"),
            (false, _) => format!("{id} status={}\n", answer.status),
        };
        // A full disk shows in the file; the load goes on.
        let _ = ids.lock().write_all(line.as_bytes());
    }
}

async fn connect(plan: &Plan) -> Result<SendRequest<Full<Bytes>>, Failure> {
    let stream = TcpStream::connect(plan.target.addr).await.map_err(|_| Failure::Io)?;
    stream.set_nodelay(true).map_err(|_| Failure::Io)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|_| Failure::Io)?;
    tokio::task::spawn_local(async move {
        // A broken connection shows in the request's own result.
        let _ = connection.await;
    });
    Ok(sender)
}

fn request(plan: &Plan, body: Bytes) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = plan.target.path.clone();
    let headers = request.headers_mut();
    headers.insert(HOST, plan.host.clone());
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    for (name, value) in &plan.headers {
        headers.insert(name.clone(), value.clone());
    }
    request
}
