use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use super::*;

const KEY: Key = Key([1; 32]);

fn lead(flights: &Arc<Flights<u32>>) -> Lead<u32> {
    match flights.join(KEY) {
        Joined::Lead(lead) => lead,
        Joined::Wait(_) => panic!("somebody leads already"),
    }
}

fn wait(flights: &Arc<Flights<u32>>) -> Wait<u32> {
    match flights.join(KEY) {
        Joined::Wait(wait) => wait,
        Joined::Lead(_) => panic!("nobody leads"),
    }
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_asks_and_a_thousand_get_its_answer() {
    let flights: Arc<Flights<u32>> = Arc::default();
    let asked = Arc::new(AtomicUsize::new(0));
    let joined = Arc::new(tokio::sync::Barrier::new(1_001));
    let tasks: Vec<_> = (0..1_001)
        .map(|_| {
            let (flights, asked, joined) = (flights.clone(), asked.clone(), joined.clone());
            tokio::spawn(async move {
                match flights.join(KEY) {
                    Joined::Lead(lead) => {
                        joined.wait().await;
                        asked.fetch_add(1, Ordering::SeqCst);
                        lead.land(7);
                        7
                    }
                    Joined::Wait(wait) => {
                        joined.wait().await;
                        match wait.landed().await {
                            Landed::Filled(value) => value,
                            other => panic!("{other:?}"),
                        }
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), 7);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert!(flights.is_empty());
}

#[tokio::test]
async fn a_lead_that_ends_without_an_answer_passes_to_exactly_one() {
    let flights: Arc<Flights<u32>> = Arc::default();
    let first = lead(&flights);
    let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(wait(&flights).landed())).collect();
    for one in &mut waiting {
        assert!(poll(one.as_mut()).is_pending());
    }
    drop(first);
    let Poll::Ready(Landed::Lead(second)) = poll(waiting.remove(0).as_mut()) else { panic!("not the first to wait") };
    assert!(waiting.iter_mut().all(|one| poll(one.as_mut()).is_pending()));
    let late = wait(&flights);
    second.land(5);
    for one in waiting {
        assert!(matches!(one.await, Landed::Filled(5)));
    }
    assert!(matches!(late.landed().await, Landed::Filled(5)));
    assert!(flights.is_empty());
}

#[tokio::test]
async fn the_next_to_lead_may_be_gone_already() {
    let flights: Arc<Flights<u32>> = Arc::default();
    let first = lead(&flights);
    let mut second = Box::pin(wait(&flights).landed());
    let mut third = Box::pin(wait(&flights).landed());
    assert!(poll(second.as_mut()).is_pending() && poll(third.as_mut()).is_pending());
    // The lead is handed to the second, which goes away before it has seen that.
    drop(first);
    drop(second);
    let Poll::Ready(Landed::Lead(_lead)) = poll(third.as_mut()) else { panic!("the lead was lost") };
    assert_eq!(flights.len(), 1);
}

#[tokio::test]
async fn one_that_waits_without_having_been_polled_holds_up_nobody() {
    let flights: Arc<Flights<u32>> = Arc::default();
    let first = lead(&flights);
    let asleep = wait(&flights);
    drop(first);
    let second = lead(&flights);
    second.land(1);
    assert!(matches!(asleep.landed().await, Landed::Filled(1)));
}

#[tokio::test]
async fn a_panic_passes_the_lead_on() {
    let flights: Arc<Flights<u32>> = Arc::default();
    let first = lead(&flights);
    let waiting = wait(&flights);
    let died = tokio::spawn(async move {
        let _lead = first;
        panic!("as a test wants it");
    });
    assert!(died.await.is_err());
    assert!(matches!(waiting.landed().await, Landed::Lead(_)));
    assert!(flights.is_empty());
}

#[tokio::test]
async fn an_answer_of_no_use_lets_all_go_alone() {
    let flights: Arc<Flights<u32>> = Arc::default();
    let first = lead(&flights);
    let waiting: Vec<_> = (0..9).map(|_| wait(&flights)).collect();
    first.release();
    for one in waiting {
        assert!(matches!(one.landed().await, Landed::Alone));
    }
    assert!(flights.is_empty());
}

#[tokio::test]
async fn a_wait_can_be_bounded_and_given_up() {
    let flights: Arc<Flights<u32>> = Arc::default();
    let first = lead(&flights);
    {
        let mut given_up = pin!(wait(&flights).landed());
        assert!(poll(given_up.as_mut()).is_pending());
    }
    first.land(1);
    assert!(flights.is_empty());
    // What has landed belongs to its own flight only.
    let second = lead(&flights);
    let waiting = wait(&flights);
    second.land(2);
    assert!(matches!(waiting.landed().await, Landed::Filled(2)));
}

#[tokio::test]
async fn keys_do_not_wait_for_each_other() {
    let flights: Arc<Flights<u32>> = Arc::default();
    let _first = lead(&flights);
    assert!(matches!(flights.join(Key([2; 32])), Joined::Lead(_)));
    assert_eq!(flights.len(), 1, "the other is over");
}
