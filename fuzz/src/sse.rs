//! Any bytes as an upstream's stream: the splitter loses none, the readers and translators do not panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weir_gateway::answer::{ReaderOptions, reader};
use weir_gateway::providers::Endpoint;
use weir_gateway::sse::Splitter;
use weir_gateway::translate::{chat_to_messages, messages_to_chat};

fuzz_target!(|data: &[u8]| {
    let Some((cut, stream)) = data.split_first() else { return };
    let at = usize::from(*cut) % (stream.len() + 1);
    let mut whole = Splitter::new(1 << 20);
    let mut cut = Splitter::new(1 << 20);
    whole.push(stream);
    cut.push(&stream[..at]);
    let mut first = Vec::new();
    while let Ok(Some(event)) = cut.next_event() {
        first.push(event);
    }
    cut.push(&stream[at..]);
    while let Ok(Some(event)) = cut.next_event() {
        first.push(event);
    }
    let mut events = Vec::new();
    while let Ok(Some(event)) = whole.next_event() {
        events.push(event);
    }
    assert_eq!(first, events);
    let mut joined: Vec<u8> = events.iter().flat_map(|e| e.raw.to_vec()).collect();
    joined.extend_from_slice(whole.rest());
    assert_eq!(joined, stream);

    for endpoint in [Endpoint::Chat, Endpoint::Completions, Endpoint::Responses, Endpoint::Messages] {
        let mut reader = reader(endpoint, ReaderOptions { client_wants_usage: false, choices: 1, max_text: 1 << 16 });
        for event in &events {
            reader.event(event);
        }
        let _ = (reader.assembled(), reader.text());
        reader.whole(stream);
    }
    let mut out = Vec::new();
    let mut from_messages = chat_to_messages::Stream::new(chat_to_messages::RequestContext::default());
    let mut from_chat = messages_to_chat::Stream::new(messages_to_chat::RequestContext::default());
    for event in &events {
        let name = event.name.as_deref().and_then(|n| std::str::from_utf8(n).ok());
        if let Some(data) = &event.data {
            from_messages.event(name, data, &mut out);
            from_chat.event(name, data, &mut out);
        }
    }
    from_messages.end(&mut out);
    from_chat.end(&mut out);
});
