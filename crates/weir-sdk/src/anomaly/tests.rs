//! The detector over a real file, with generated calls of two days.

use std::io::{Read, Write};
use std::time::SystemTime;

use weir_core::time::{HOUR, MINUTE};

use super::*;
use crate::{BranchDecision, LlmCall};

const NOW: Micros = 1_763_683_230_000_000;

struct Store {
    _folder: tempfile::TempDir,
    logger: ObservabilityLogger,
}

impl Store {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let logger = ObservabilityLogger::open(folder.path().join("my.db")).unwrap();
        Self { _folder: folder, logger }
    }

    fn at(us: Micros) -> Option<SystemTime> {
        Some(SystemTime::UNIX_EPOCH + Duration::from_micros(us as u64))
    }

    /// So many calls, spread over the hour that ends `ago` before now.
    fn calls(&self, ago: Micros, count: i64, tokens: i64, cost: f64, latency_ms: f64) {
        for n in 0..count {
            self.logger.log_llm_call(LlmCall {
                timestamp: Self::at(NOW - ago - HOUR + MINUTE + n * (HOUR - 2 * MINUTE) / count),
                prompt_tokens: Some(tokens / 2),
                completion_tokens: Some(tokens - tokens / 2),
                cost: Some(cost),
                latency_ms: Some(latency_ms),
                ..LlmCall::new("gpt-4o")
            });
        }
    }

    fn decisions(&self, ago: Micros, to: &str, count: i64) {
        for n in 0..count {
            self.logger.log_branch_decision(BranchDecision {
                timestamp: Self::at(NOW - ago - HOUR + MINUTE + n * MINUTE / 4),
                request_id: Some(format!("req-{n}")),
                workflow: Some("support".into()),
                ..BranchDecision::new("classify", to)
            });
        }
    }

    fn found(&self) -> Vec<(String, String)> {
        let detector = AnomalyDetector::new(&self.logger).at(NOW);
        detector.try_check_anomalies().unwrap().into_iter().map(|a| (a.rule, a.subject)).collect()
    }
}

#[test]
fn the_last_hour_is_compared_with_the_day_before() {
    let store = Store::new();
    for hours in 1..10 {
        store.calls(hours * HOUR, 30, 100, 0.001, 200.0);
    }
    store.calls(0, 30, 110, 0.0011, 210.0);
    assert_eq!(store.found(), []);
    // Three times as many tokens, five times the cost and twice the time, in half of the calls.
    store.calls(0, 30, 300, 0.005, 600.0);
    let all = |rule: &str| (rule.to_owned(), "all calls".to_owned());
    assert_eq!(store.found(), [all("tokens"), all("cost"), all("latency")]);
}

#[test]
fn a_branch_that_takes_another_share_is_found() {
    let store = Store::new();
    for hours in 1..4 {
        store.decisions(hours * HOUR, "answer", 40);
        store.decisions(hours * HOUR, "escalate", 10);
    }
    store.decisions(0, "answer", 20);
    store.decisions(0, "escalate", 20);
    let branch = |to: &str| ("branch_rate".to_owned(), format!("support: classify -> {to}"));
    assert_eq!(store.found(), [branch("answer"), branch("escalate")]);
}

#[test]
fn detectors_of_ones_own_stand_beside_the_rules() {
    struct Always;
    impl Detector for Always {
        fn check(&self, reading: &Reading) -> Vec<Anomaly> {
            vec![Anomaly { rule: "always".into(), samples: reading.window.calls.count, ..Anomaly::default() }]
        }
    }
    let store = Store::new();
    store.calls(0, 7, 10, 0.0, 1.0);
    let found = AnomalyDetector::new(&store.logger).detector(Always).at(NOW).check_anomalies();
    assert_eq!(found.iter().map(|a| (&*a.rule, a.samples)).collect::<Vec<_>>(), [("always", 7)]);
}

#[test]
fn a_webhook_gets_the_sentences_and_the_anomalies() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut piece = [0; 4_096];
        while !request.ends_with(b"}]}") {
            let n = stream.read(&mut piece).unwrap();
            request.extend_from_slice(&piece[..n]);
        }
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        String::from_utf8(request).unwrap()
    });
    let anomaly = Anomaly { message: "more tokens".into(), subject: "all calls".into(), ..Anomaly::default() };
    Webhook::new(&url).unwrap().alert(&[anomaly]).unwrap();
    let request = server.join().unwrap();
    assert!(request.contains(r#"{"text":"more tokens","anomalies":[{"#), "{request}");
}
