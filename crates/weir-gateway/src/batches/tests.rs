//! The worker over a gateway with the demo model, on a clock that the tests hold.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use weir_core::access::{Identity, Role};
use weir_core::id::TraceId;
use weir_core::observe::Unobserved;
use weir_core::time::{Clock, DAY, HOUR, SECOND};
use weir_store::catalog::{BatchRecord, BatchStatus, Batches, FileQuery, FileRecord};
use weir_store::journal::Journal;
use weir_store::sqlite::SqliteCatalog;

use super::wire::NewBatch;
use super::{Service, run};
use crate::config::{BatchesConfig, Config, KeyConfig, Secret};
use crate::prompts::Library;
use crate::record::Recorder;
use crate::{Gateway, Parts};

const CHAT: &str = "/v1/chat/completions";

struct Rig {
    folder: tempfile::TempDir,
    clock: Clock,
    gateway: Arc<Gateway>,
    catalog: Arc<SqliteCatalog>,
    service: Arc<Service>,
}

impl Rig {
    fn new(config: Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::fixed(1_800_000_000 * SECOND);
        let journal = Arc::new(Journal::open(folder.path(), 1 << 30).unwrap());
        let observer = Arc::new(Unobserved);
        let catalog = Arc::new(SqliteCatalog::open(folder.path()).unwrap());
        let prompts = Library::open(catalog.clone(), &config.prompts, clock.clone()).unwrap();
        let parts = Parts {
            env: Arc::new(|_| None),
            prompts: Arc::new(prompts),
            data: None,
            recorder: Recorder::new(journal, observer.clone(), clock.clone()),
            observer,
            clock: clock.clone(),
        };
        let gateway = Gateway::new(config, parts).unwrap();
        let service = Service::open(gateway.clone(), catalog.clone(), folder.path()).unwrap();
        Self { folder, clock, gateway, catalog, service }
    }

    fn input(&self, owner: &str, lines: &str) -> String {
        let id = format!("file-{}", TraceId::new());
        std::fs::write(self.service.content(&id), lines).unwrap();
        let now = self.clock.now();
        let file = FileRecord {
            id: id.clone(),
            owner: owner.to_owned(),
            purpose: "batch".to_owned(),
            bytes: lines.len() as u64,
            created_us: now,
            expires_us: Some(now + 30 * DAY),
            ..FileRecord::default()
        };
        self.catalog.put_file(&file).unwrap();
        id
    }

    fn batch(&self, who: &Identity, lines: &str) -> String {
        let new = NewBatch {
            input_file: self.input(&who.name, lines),
            endpoint: CHAT.to_owned(),
            completion_window: "24h".to_owned(),
            metadata: None,
        };
        self.service.create(who, new).unwrap().id
    }

    /// Waits for a batch to be as asked for.
    async fn until(&self, id: &str, is: impl Fn(&BatchRecord) -> bool) -> BatchRecord {
        for _ in 0..4_000 {
            let batch = self.service.batch(&chief(), id).unwrap();
            if is(&batch) {
                return batch;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{:?}", self.service.batch(&chief(), id).unwrap());
    }

    async fn ended(&self, id: &str) -> BatchRecord {
        self.until(id, |batch| batch.status.has_ended()).await
    }

    fn content(&self, id: Option<&str>) -> String {
        std::fs::read_to_string(self.service.content(id.unwrap())).unwrap()
    }
}

fn chief() -> Identity {
    Identity::anonymous()
}

fn request(id: &str) -> String {
    let body = r#"{"model":"demo/echo","messages":[{"role":"user","content":"hi"}]}"#;
    format!("{{\"custom_id\":\"{id}\",\"method\":\"POST\",\"url\":\"{CHAT}\",\"body\":{body}}}\n")
}

fn key(name: &str, rpm: u32) -> KeyConfig {
    KeyConfig {
        name: name.to_owned(),
        key: Some(Secret::from(format!("wk-{name}"))),
        rpm: Some(rpm),
        ..KeyConfig::default()
    }
}

#[tokio::test]
async fn what_the_key_may_not_do_within_a_day_expires() {
    let rig = Rig::new(Config { keys: vec![key("slow", 2)], ..Config::default() });
    let who = Identity { name: "slow".into(), role: Role::Call, ..chief() };
    let worker = tokio::spawn(run(rig.service.clone()));
    let id = rig.batch(&who, &(request("a") + &request("b") + &request("c")));
    let batch = rig.until(&id, |batch| batch.counts.completed == 2).await;
    assert_eq!(batch.status, BatchStatus::InProgress);
    rig.clock.advance(DAY);
    rig.service.wake.notify_one();
    let batch = rig.ended(&id).await;
    assert_eq!((batch.status, batch.counts.completed, batch.counts.failed), (BatchStatus::Expired, 2, 0));
    assert_eq!(batch.expired_us, Some(rig.clock.now()));
    assert_eq!(rig.content(batch.output_file.as_deref()).lines().count(), 2);
    let left = rig.content(batch.error_file.as_deref());
    // Which of the three was refused depends on who came first.
    assert!(left.lines().count() == 1 && left.contains("batch_expired"), "{left}");
    rig.service.stop();
    worker.await.unwrap();
}

#[tokio::test]
async fn a_batch_is_taken_up_where_its_files_end() {
    let rig = Rig::new(Config::default());
    let id = rig.batch(&chief(), &(request("a") + &request("b") + &request("c")));
    // An earlier run that answered b, failed a, and died while it wrote c.
    let (answers, failures) = (format!("file-{}", TraceId::new()), format!("file-{}", TraceId::new()));
    let part = |id: &str| rig.folder.path().join("files").join(format!("{id}.part"));
    let line = |id: &str, status: u16| {
        format!(
            r#"{{"id":"x","custom_id":"{id}","response":{{"status_code":{status},"request_id":"r","body":{{"usage":{{"prompt_tokens":100,"completion_tokens":7}}}}}},"error":null}}"#
        )
    };
    std::fs::write(part(&answers), format!("{}\n{}", line("b", 200), &line("c", 200)[..90])).unwrap();
    // The catalog did not learn that this one had become whole.
    std::fs::write(rig.service.content(&failures), format!("{}\n", line("a", 400))).unwrap();
    let begun = |batch: &mut BatchRecord| {
        batch.status = BatchStatus::Finalizing;
        batch.output_file = Some(answers.clone());
        batch.error_file = Some(failures.clone());
    };
    rig.catalog.change_batch(&id, &[], &mut { begun }).unwrap();
    let service = Service::open(rig.gateway.clone(), rig.catalog.clone(), rig.folder.path()).unwrap();
    let worker = tokio::spawn(run(service.clone()));
    let batch = rig.ended(&id).await;
    assert_eq!((batch.status, batch.counts.completed, batch.counts.failed), (BatchStatus::Completed, 2, 1));
    assert!(batch.usage.total() > 107);
    let written = rig.content(Some(&answers));
    let ids: Vec<bool> = written.lines().map(|l| l.contains("\"custom_id\":\"b\"")).collect();
    assert_eq!(ids, [true, false], "{written}");
    assert_eq!(rig.content(Some(&failures)).lines().count(), 1);
    service.stop();
    worker.await.unwrap();
}

/// A batch of three requests, the first of which an earlier run has answered.
fn begun(rig: &Rig) -> String {
    let id = rig.batch(&chief(), &(request("a") + &request("b") + &request("c")));
    let (answers, failures) = (format!("file-{}", TraceId::new()), format!("file-{}", TraceId::new()));
    let answer = r#"{"id":"x","custom_id":"a","response":{"status_code":200,"request_id":"r","body":{}},"error":null}"#;
    std::fs::write(rig.folder.path().join("files").join(format!("{answers}.part")), format!("{answer}\n")).unwrap();
    let begin = |batch: &mut BatchRecord| {
        batch.status = BatchStatus::InProgress;
        batch.counts.total = 3;
        batch.output_file = Some(answers.clone());
        batch.error_file = Some(failures.clone());
    };
    rig.catalog.change_batch(&id, &[], &mut { begin }).unwrap();
    id
}

#[tokio::test]
async fn lowered_limits_do_not_reach_a_batch_that_has_begun() {
    let mut config = Config::default();
    config.gateway.max_body = weir_core::units::Bytes(1 << 10);
    config.batches.max_requests = 1;
    let rig = Rig::new(config);
    let id = begun(&rig);
    // Longer than any line that would be taken now.
    let wide = format!("{}{}", " ".repeat(200 << 10), request("b"));
    let input = rig.service.batch(&chief(), &id).unwrap().input_file;
    std::fs::write(rig.service.content(&input), request("a") + &wide + &request("c")).unwrap();
    let worker = tokio::spawn(run(rig.service.clone()));
    let batch = rig.ended(&id).await;
    assert_eq!((batch.status, batch.counts.completed), (BatchStatus::Completed, 3), "{batch:?}");
    rig.service.stop();
    worker.await.unwrap();
}

#[tokio::test]
async fn answers_are_kept_when_the_input_becomes_unusable() {
    for spoil in [false, true] {
        let rig = Rig::new(Config::default());
        let id = begun(&rig);
        let input = rig.service.content(&rig.service.batch(&chief(), &id).unwrap().input_file);
        if spoil { std::fs::write(input, "nonsense\n") } else { std::fs::remove_file(input) }.unwrap();
        let worker = tokio::spawn(run(rig.service.clone()));
        let batch = rig.ended(&id).await;
        assert_eq!((batch.status, batch.counts.total, batch.counts.completed), (BatchStatus::Failed, 3, 1));
        assert_eq!(batch.errors.len(), 1);
        assert_eq!(rig.content(batch.output_file.as_deref()).lines().count(), 1);
        rig.service.stop();
        worker.await.unwrap();
    }
}

#[tokio::test]
async fn a_batch_waits_for_room_and_what_it_writes_is_counted() {
    let batches = BatchesConfig {
        concurrency: 1,
        max_files_total: weir_core::units::Bytes(60 << 10),
        ..BatchesConfig::default()
    };
    let rig = Rig::new(Config { batches, ..Config::default() });
    let other = rig.input("", &"x".repeat(50_000));
    let id = rig.batch(&chief(), &(0..40).map(|n| request(&n.to_string())).collect::<String>());
    let open = || Service::open(rig.gateway.clone(), rig.catalog.clone(), rig.folder.path()).unwrap();
    let used = |service: &Service| service.used.load(std::sync::atomic::Ordering::Relaxed);
    let service = open();
    let worker = tokio::spawn(run(service.clone()));
    rig.until(&id, |_| !service.has_room(0)).await;
    service.stop();
    worker.await.unwrap();
    let waiting = service.batch(&chief(), &id).unwrap();
    assert_eq!(waiting.status, BatchStatus::InProgress);
    assert!((1..40).contains(&waiting.counts.completed), "{waiting:?}");
    let part = rig.folder.path().join("files").join(format!("{}.part", waiting.output_file.unwrap()));
    let line = std::fs::read_to_string(&part).unwrap().lines().map(str::len).max().unwrap() as u64;
    assert!(used(&service) <= (60 << 10) + line, "at most one write beyond it: {}", used(&service));
    // What was written is counted after a restart too, without the torn line.
    let whole = std::fs::metadata(&part).unwrap().len();
    std::fs::write(&part, std::fs::read_to_string(&part).unwrap() + "{torn").unwrap();
    let again = open();
    assert_eq!(used(&again), used(&service) + 5);
    let worker = tokio::spawn(run(again.clone()));
    rig.until(&id, |_| std::fs::metadata(&part).unwrap().len() == whole && used(&again) == used(&service)).await;
    again.delete_file(&chief(), &other).unwrap();
    let batch = rig.ended(&id).await;
    assert_eq!((batch.status, batch.counts.completed), (BatchStatus::Completed, 40));
    again.stop();
    worker.await.unwrap();
    assert_eq!(used(&again), rig.catalog.file_bytes(super::service::LEAST_ROOM).unwrap());
}

#[tokio::test]
async fn several_batches_end_and_expired_files_go() {
    let batches =
        BatchesConfig { concurrency: 1, keep: weir_core::units::Time::secs(48 * 3600), ..BatchesConfig::default() };
    let rig = Rig::new(Config { batches, ..Config::default() });
    let many: String = (0..200).map(|n| request(&n.to_string())).collect();
    let long = rig.batch(&chief(), &many);
    let short = rig.batch(&chief(), &request("only"));
    let worker = tokio::spawn(run(rig.service.clone()));
    let (short, long) = tokio::join!(rig.ended(&short), rig.ended(&long));
    assert_eq!((short.counts.completed, long.counts.completed), (1, 200));
    let files = || rig.catalog.files(&FileQuery { limit: 10, ..FileQuery::default() }).unwrap().len();
    assert_eq!(files(), 4);
    rig.clock.advance(49 * HOUR);
    rig.service.wake.notify_one();
    for _ in 0..2_000 {
        if files() == 2 && rig.catalog.batches(None, None, 9).unwrap().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(files(), 2, "the outputs are gone, the inputs were to be kept longer");
    assert!(!rig.service.content(long.output_file.as_deref().unwrap()).exists());
    rig.service.stop();
    worker.await.unwrap();
}

#[test]
fn one_key_shuts_no_other_out() {
    let rig = Rig::new(Config { keys: vec![key("a", 10), key("b", 10)], ..Config::default() });
    let who = |name: &str| Identity { name: name.into(), role: Role::Call, ..chief() };
    let input_file = rig.input("a", &request("x"));
    let new = |input_file: String| NewBatch {
        input_file,
        endpoint: CHAT.to_owned(),
        completion_window: "24h".to_owned(),
        metadata: None,
    };
    for _ in 0..100 {
        rig.service.create(&who("a"), new(input_file.clone())).unwrap();
    }
    let refused = rig.service.create(&who("a"), new(input_file)).unwrap_err();
    assert!(refused.message.contains("100 batches of this key"), "{}", refused.message);
    rig.batch(&who("b"), &request("x"));
}

#[test]
fn a_stranger_sees_nothing_and_a_key_is_needed() {
    let rig = Rig::new(Config { keys: vec![key("a", 10)], ..Config::default() });
    let who = |name: &str, role| Identity { name: name.into(), role, ..chief() };
    let id = rig.batch(&who("a", Role::Call), &request("x"));
    let file = rig.service.batch(&who("a", Role::Call), &id).unwrap().input_file;
    for stranger in [who("b", Role::Call), who("b", Role::Read)] {
        assert!(rig.service.batch(&stranger, &id).is_err() && rig.service.file(&stranger, &file).is_err());
        assert!(rig.service.cancel(&stranger, &id).is_err() && rig.service.delete_file(&stranger, &file).is_err());
        assert!(rig.service.batches(&stranger, None, 9).unwrap().is_empty());
    }
    assert!(rig.service.batch(&who("b", Role::Admin), &id).is_ok());
    assert!(rig.service.admit(&HeaderMap::new()).is_err());
}
