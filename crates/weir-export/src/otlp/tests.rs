//! The exporter against an endpoint that is told how to behave.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use weir_core::observe::Unobserved;
use weir_core::span::{Span, SpanKind};
use weir_core::time::Clock;
use weir_core::units::Time;

use super::receiver::{Receiver, Reply};
use super::*;
use crate::worker::outbox::Outbox;

/// Spans named by their place, from 1.
fn spans(n: usize) -> Arc<Outbox> {
    let span = |n: usize| Span { name: Some(n.to_string()), kind: Some(SpanKind::Chain), ..Span::default() };
    Outbox::holding((1..=n).map(span))
}

fn names(places: impl IntoIterator<Item = usize>) -> Vec<String> {
    places.into_iter().map(|n| n.to_string()).collect()
}

fn export(outbox: &Arc<Outbox>, receiver: &Receiver, timeout: Time) -> Exporter {
    let headers = [("x-key".to_owned(), "secret-key".into())].into();
    let config =
        OtlpExportConfig { endpoint: Some(receiver.url.as_str().into()), headers, timeout, ..Default::default() };
    let Ok(Choice::On(settings)) = choose(&config, &|_| None) else { panic!("it is on") };
    let parts = Parts { store: outbox.clone(), observer: Arc::new(Unobserved), clock: Clock::fixed(1) };
    start(&settings, Arc::new(|_: &str| None), parts).unwrap()
}

async fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let look = async {
        loop {
            if let Some(found) = ask() {
                return found;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), look).await.unwrap_or_else(|_| panic!("not in time: {what}"))
}

/// Exports until the cursor is at `upto`; returns the figures.
async fn run(outbox: &Arc<Outbox>, receiver: &Receiver, upto: i64) -> ExportStatus {
    let exporter = export(outbox, receiver, Time::secs(10));
    eventually("all is done", || (outbox.cursor() >= upto).then_some(())).await;
    let status = exporter.status();
    assert!(exporter.stop(Duration::from_secs(10)));
    status
}

fn has(names: &[String], name: &str) -> bool {
    names.iter().any(|n| n == name)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_together_is_sent_together_each_once_and_in_order() {
    let (receiver, _task) = Receiver::start(Box::new(|_, headers| {
        assert_eq!(headers["x-key"], "secret-key");
        Reply::Take
    }))
    .await;
    let outbox = spans(1_000);
    let status = run(&outbox, &receiver, 1_000).await;
    assert_eq!(receiver.taken(), names(1..=1_000));
    assert_eq!((status.exported, status.skipped, status.state), (1_000, 0, State::Ok));
    assert_eq!((status.target, status.uri.as_str()), ("otlp", receiver.url.as_str()));
    let requests = receiver.asked();
    assert!(requests.len() < 100, "{}", requests.len());
    assert!(requests.iter().all(|names| names.len() <= batch::MOST));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_waited_for_and_caught_up_with_in_order() {
    for status in [429, 502, 503, 504] {
        let (receiver, _task) = Receiver::start(Box::new(move |_, _| {
            Reply::Answer(status, "busy".to_owned(), vec![("retry-after", "0".to_owned())])
        }))
        .await;
        let outbox = spans(300);
        let exporter = export(&outbox, &receiver, Time::secs(10));
        let error = eventually("it is noticed", || {
            let status = exporter.status();
            (status.state == State::Retrying).then_some(status.last_error).flatten()
        })
        .await;
        assert!(error.1.contains(&format!("answers {status}: busy")), "{error:?}");
        assert_eq!((outbox.cursor(), receiver.taken().len()), (0, 0));
        receiver.behave(Box::new(|_, _| Reply::Take));
        eventually("it is caught up with", || (outbox.cursor() == 300).then_some(())).await;
        // The first one tries the way: it is the one that has failed least.
        let mut taken = receiver.taken();
        let first: usize = taken.remove(0).parse().unwrap();
        assert_eq!(taken, names((1..=300).filter(|n| *n != first)));
        assert_eq!((exporter.status().exported, exporter.status().skipped), (300, 0));
        exporter.stop(Duration::from_secs(10));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_span_that_is_refused_is_found_and_left_alone() {
    for status in [400, 413] {
        let behaviour =
            move |names: &[String], _: &_| if has(names, "77") { Reply::status(status) } else { Reply::Take };
        let (receiver, _task) = Receiver::start(Box::new(behaviour)).await;
        let outbox = spans(300);
        let figures = run(&outbox, &receiver, 300).await;
        assert_eq!((figures.exported, figures.skipped), (299, 1));
        let mut taken: Vec<usize> = receiver.taken().iter().map(|name| name.parse().unwrap()).collect();
        taken.sort_unstable();
        assert_eq!(taken, (1..=300).filter(|n| *n != 77).collect::<Vec<_>>(), "each once");
        assert_eq!(receiver.asked().iter().filter(|names| **names == ["77"]).count(), 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_target_does_not_keep_is_counted_and_not_sent_again() {
    let told = AtomicUsize::new(0);
    let (receiver, _task) = Receiver::start(Box::new(move |names, _| {
        if names.len() > 3 && told.fetch_add(1, Ordering::Relaxed) == 0 { Reply::KeepOut(3) } else { Reply::Take }
    }))
    .await;
    let outbox = spans(150);
    let figures = run(&outbox, &receiver, 150).await;
    assert_eq!((figures.exported, figures.skipped, figures.state), (147, 3, State::Ok));
    assert!(figures.last_error.unwrap().1.contains("spans of a request: too old"));
    assert_eq!(receiver.taken(), names(1..=150));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_span_that_breaks_the_target_takes_no_others_with_it() {
    let behaviour = |names: &[String], _: &_| if has(names, "5") { Reply::status(500) } else { Reply::Take };
    let (receiver, _task) = Receiver::start(Box::new(behaviour)).await;
    let outbox = spans(100);
    let exporter = export(&outbox, &receiver, Time::secs(10));
    eventually("the others pass", || (receiver.taken().len() >= 99).then_some(())).await;
    let status = eventually("and are counted", || Some(exporter.status()).filter(|s| s.exported == 99)).await;
    assert_eq!(status.skipped, 0);
    assert!(!has(&receiver.taken(), "5"));
    exporter.stop(Duration::from_secs(10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_does_not_come_is_not_waited_for_and_the_spans_are_sent_again() {
    let asked = AtomicUsize::new(0);
    let (receiver, _task) =
        Receiver::start(Box::new(
            move |_, _| {
                if asked.fetch_add(1, Ordering::Relaxed) == 0 { Reply::Hang } else { Reply::Take }
            },
        ))
        .await;
    let outbox = spans(20);
    let exporter = export(&outbox, &receiver, Time::millis(300));
    eventually("all are there", || (outbox.cursor() == 20).then_some(())).await;
    assert_eq!(exporter.status().exported, 20);
    let taken = receiver.taken();
    assert!(names(1..=20).iter().all(|name| has(&taken, name)) && taken.len() > 20, "some are there twice");
    exporter.stop(Duration::from_secs(10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_crash_between_sending_and_noting_it_nothing_is_missing() {
    let (receiver, _task) = Receiver::start(Box::new(|_, _| Reply::Hang)).await;
    let outbox = spans(40);
    let crashed = export(&outbox, &receiver, Time::secs(60));
    eventually("it was sent", || (!receiver.taken().is_empty()).then_some(())).await;
    assert_eq!(outbox.cursor(), 0, "the cursor stays behind what is known to be done");
    receiver.behave(Box::new(|_, _| Reply::Take));
    run(&outbox, &receiver, 40).await;
    let taken = receiver.taken();
    assert!(names(1..=40).iter().all(|name| has(&taken, name)));
    drop(crashed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redirects_are_not_followed_and_secrets_are_not_told() {
    let (elsewhere, _other) = Receiver::start(Box::new(|_, _| Reply::Take)).await;
    let to = format!("{}/v1/traces", elsewhere.url);
    let (receiver, _task) = Receiver::start(Box::new(move |_, headers| {
        let key = headers["x-key"].to_str().unwrap().to_owned();
        Reply::Answer(307, key, vec![("location", to.clone())])
    }))
    .await;
    let outbox = spans(1);
    let exporter = export(&outbox, &receiver, Time::secs(10));
    let error = eventually("it is noticed", || exporter.status().last_error).await;
    assert!(error.1.contains("it redirects"), "{error:?}");
    receiver.behave(Box::new(|_, headers| {
        Reply::Answer(401, format!("{} is wrong", headers["x-key"].to_str().unwrap()), Vec::new())
    }));
    let told = |error: &(i64, String)| error.1.contains("answers 401: *** is wrong");
    eventually("the key is not told", || exporter.status().last_error.filter(told)).await;
    assert!(elsewhere.asked().is_empty());
    exporter.stop(Duration::from_secs(10));
}
