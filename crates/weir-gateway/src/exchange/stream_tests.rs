use std::sync::Arc;

use http_body_util::BodyExt;
use weir_core::observe::Unobserved;
use weir_core::time::{Clock, SECOND};
use weir_store::journal::Journal;
use weir_store::sqlite::SqliteCatalog;

use super::*;
use crate::config::Config;
use crate::gateway::{Gateway, Parts};
use crate::prompts::Library;
use crate::record::Recorder;

#[tokio::test]
async fn a_stream_that_is_never_silent_ends_at_its_deadline() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, config) = (Clock::fixed(1_000 * SECOND), Config::default());
    let catalog = Arc::new(SqliteCatalog::open(folder.path()).unwrap());
    let observer = Arc::new(Unobserved);
    let parts = Parts {
        env: Arc::new(|_| None),
        prompts: Arc::new(Library::open(catalog, &config.prompts, clock.clone()).unwrap()),
        data: None,
        recorder: Recorder::new(
            Arc::new(Journal::open(folder.path(), 1 << 30).unwrap()),
            observer.clone(),
            clock.clone(),
        ),
        observer,
        clock,
    };
    let gateway = Gateway::new(config, parts).unwrap();
    let mut call = Call::new(gateway.clone(), gateway.snapshot(), "r1".to_owned(), "chat");
    call.span.stream = Some(true);
    let source = StreamSource {
        splitter: Splitter::new(1 << 20),
        pending: Vec::new(),
        // There is always another piece, so that nobody ever waits.
        body: UpstreamBody::Made {
            pieces: (0..100).map(|n| format!("data: {n}\n\n").into()).collect(),
            pause: Duration::ZERO,
            sleep: None,
        },
        translation: None,
        endpoint: Endpoint::Chat,
        form: Form::OpenAi,
        idle: Duration::from_secs(60),
        deadline: Instant::now(),
        drain: false,
    };
    let all = StreamBody::new(call, source).collect().await.unwrap().to_bytes();
    let text = String::from_utf8(all.to_vec()).unwrap();
    assert!(text.contains("total_timeout"), "{text}");
}
