//! Any bytes as a request body: the envelope's edits keep it an object, labels and translations do not panic.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use weir_gateway::exchange::envelope::Envelope;
use weir_gateway::exchange::labels::Labels;
use weir_gateway::translate::{chat_to_messages, messages_to_chat};

fuzz_target!(|data: &[u8]| {
    if let Ok(envelope) = Envelope::parse(data) {
        let original = Bytes::copy_from_slice(data);
        assert_eq!(envelope.edit().apply(&original), original);
        let mut edits = envelope.edit();
        edits.set("model", "\"m\"");
        edits.set("stream_options", "{\"include_usage\":true}");
        edits.remove("cache");
        edits.remove("metadata");
        let edited = edits.apply(&original);
        let again = Envelope::parse(&edited).expect("an edited object is an object");
        assert_eq!(again.get("model"), Some("\"m\""));
        assert_eq!(again.get("stream_options"), Some("{\"include_usage\":true}"));
        Labels::default().add_body(&envelope);
    }
    let _ = chat_to_messages::request(data, &chat_to_messages::RequestOptions { model: "m", ..Default::default() });
    let _ = messages_to_chat::request(data, &messages_to_chat::RequestOptions { model: "m", ..Default::default() });
});
