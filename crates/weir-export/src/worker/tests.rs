//! The loop over a store in memory and a target that is told how to behave.

use tokio::sync::mpsc;
use weir_core::observe::Unobserved;
use weir_core::span::Span;
use weir_core::time::Clock;

use super::outbox::Outbox;
use super::*;
use crate::status::ExportStatus;
use crate::target::Delivery;

type Script = Box<dyn Fn(i64, u32) -> Result<(), Failure> + Send + Sync>;

/// Takes the calls that its script lets it take: given the call's place and the number of the attempt.
struct Scripted {
    script: Script,
    seen: mpsc::UnboundedSender<(i64, bool)>,
}

impl Target for Scripted {
    type Progress = u32;
    fn name(&self) -> &'static str {
        "fake"
    }
    async fn deliver(&self, delivery: &mut Delivery<u32>) -> Result<(), Failure> {
        delivery.progress += 1;
        let place = delivery.span.request_id.as_ref().unwrap().parse().unwrap();
        let _ = self.seen.send((place, delivery.doubtful));
        tokio::task::yield_now().await;
        (self.script)(place, delivery.progress)
    }
}

/// Runs a worker until its cursor is at `upto`. Returns the attempts in their order, and the figures.
async fn run(outbox: &Arc<Outbox>, concurrency: usize, upto: i64, script: Script) -> (Vec<(i64, bool)>, ExportStatus) {
    let (seen, mut attempts) = mpsc::unbounded_channel();
    let shared = Arc::new(Shared::new(ExportStatus::default()));
    let parts = Parts { store: outbox.clone(), observer: Arc::new(Unobserved), clock: Clock::fixed(1) };
    let worker = Worker::new(Arc::new(Scripted { script, seen }), parts, shared.clone(), concurrency);
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(worker.run(stopped));
    let deadline = Instant::now() + Duration::from_secs(20);
    while outbox.cursor() < upto && Instant::now() < deadline {
        tokio::task::yield_now().await;
    }
    stop.send(true).unwrap();
    running.await.unwrap();
    assert_eq!(outbox.cursor(), upto);
    let mut all = Vec::new();
    while let Ok(attempt) = attempts.try_recv() {
        all.push(attempt);
    }
    (all, shared.get())
}

fn outage(reason: Reason) -> Failure {
    Failure::outage(reason, "down")
}

#[tokio::test]
async fn every_call_is_delivered_once_in_order_and_only_the_first_window_is_doubtful() {
    let outbox = Outbox::of(600, &[3, 4, 300]);
    let (attempts, status) = run(&outbox, 1, 600, Box::new(|_, _| Ok(()))).await;
    let places: Vec<i64> = attempts.iter().map(|(place, _)| *place).collect();
    assert_eq!(places, (1..=600).filter(|n| ![3, 4, 300].contains(n)).collect::<Vec<_>>());
    assert!(attempts.iter().all(|(place, doubtful)| *doubtful == (*place <= Window::AHEAD)));
    assert_eq!((status.exported, status.skipped), (597, 3));
}

#[tokio::test]
async fn a_refused_call_is_tried_three_times_and_holds_up_nobody() {
    let outbox = Outbox::of(40, &[]);
    let script: Script = Box::new(|place, _| if place == 7 { Err(Failure::Refused("bad".into())) } else { Ok(()) });
    let (attempts, status) = run(&outbox, 4, 40, script).await;
    assert_eq!(attempts.iter().filter(|(place, _)| *place == 7).count(), 3);
    assert_eq!((attempts.len(), status.exported, status.skipped), (42, 39, 1));
    assert_eq!(status.last_error, Some((1, "bad".into())));
}

#[tokio::test]
async fn an_outage_pauses_everybody_and_one_call_tries_the_way() {
    let outbox = Outbox::of(30, &[]);
    let down = std::sync::atomic::AtomicU32::new(10);
    let script: Script = Box::new(move |_, _| {
        let left = down.load(std::sync::atomic::Ordering::Relaxed);
        if left == 0 {
            return Ok(());
        }
        down.store(left - 1, std::sync::atomic::Ordering::Relaxed);
        Err(outage(Reason::Connection))
    });
    let (attempts, status) = run(&outbox, 8, 30, script).await;
    // The eight that were under way, and two that tried the way alone.
    assert_eq!(attempts.len(), 40);
    assert_eq!((status.exported, status.skipped, status.state), (30, 0, State::Ok));
}

#[tokio::test]
async fn a_call_that_breaks_the_target_is_left_once_others_pass() {
    let outbox = Outbox::of(60, &[]);
    let script: Script = Box::new(|place, _| if place == 1 { Err(outage(Reason::ServerError)) } else { Ok(()) });
    let (attempts, status) = run(&outbox, 1, 60, script).await;
    assert_eq!((status.exported, status.skipped), (59, 1));
    assert!(attempts.iter().filter(|(place, _)| *place == 1).count() <= 22);
}

#[test]
fn an_outage_costs_no_call_however_long_it_is() {
    let mut job: Job<Scripted> = Job::new(1, Span::default(), false);
    for reason in [Reason::ServerError, Reason::Timeout, Reason::Connection] {
        for _ in 0..100 {
            assert_eq!(job.judge(&outage(reason), 5), Verdict::Pause(None));
        }
    }
    for n in 0..100 {
        assert_eq!(job.judge(&outage(Reason::Auth), n), Verdict::Pause(None));
    }
}

#[tokio::test]
async fn a_defect_costs_only_its_call() {
    let outbox = Outbox::of(10, &[]);
    let script: Script = Box::new(|place, _| if place == 2 { panic!("told to") } else { Ok(()) });
    let (_, status) = run(&outbox, 2, 10, script).await;
    assert_eq!((status.exported, status.skipped), (9, 1));
}

#[tokio::test]
async fn what_the_target_rejects_for_good_is_not_tried_again() {
    let outbox = Outbox::of(9, &[]);
    let script: Script = Box::new(|place, _| if place == 4 { Err(Failure::Rejected("no".into())) } else { Ok(()) });
    let (attempts, status) = run(&outbox, 3, 9, script).await;
    assert_eq!((attempts.len(), status.exported, status.skipped), (9, 8, 1));
}
