//! Request bodies: a chat completion with a prompt of ordinary English.

use bytes::Bytes;
use fastrand::Rng;

use crate::english::English;

/// Makes request bodies of one model and size.
#[derive(Debug)]
pub struct Prompt {
    model: String,
    size: usize,
    stream: bool,
    english: English,
    rng: Rng,
}

impl Prompt {
    /// Bodies for `model` with a user message of `size` bytes; one seed gives one row of bodies.
    pub fn new(model: &str, size: usize, stream: bool, english: English, seed: u64) -> Self {
        Self { model: model.to_owned(), size, stream, english, rng: Rng::with_seed(seed) }
    }

    /// The next body.
    pub fn body(&mut self) -> Bytes {
        let mut out = String::with_capacity(self.size + 200);
        out.push_str("{\"model\":");
        out.push_str(&serde_json::Value::from(self.model.as_str()).to_string());
        if self.stream {
            out.push_str(",\"stream\":true,\"stream_options\":{\"include_usage\":true}");
        }
        out.push_str(",\"messages\":[{\"role\":\"user\",\"content\":");
        let text = self.english.take(self.size, &mut self.rng);
        match &self.english {
            English::Words => {
                out.push('"');
                out.push_str(&text);
                out.push('"');
            }
            English::Text(_) => out.push_str(&serde_json::Value::from(text).to_string()),
        }
        out.push_str("}],\"temperature\":0.7}");
        out.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_json_of_the_asked_size_and_differ() {
        let mut prompt = Prompt::new("m\"x", 1000, true, English::Words, 1);
        let (one, two) = (prompt.body(), prompt.body());
        assert_ne!(one, two);
        for body in [&one, &two] {
            let value: serde_json::Value = serde_json::from_slice(body).unwrap();
            assert_eq!(value["messages"][0]["content"].as_str().map(str::len), Some(1000));
            assert_eq!(value["model"], "m\"x");
        }
        assert_eq!(Prompt::new("m\"x", 1000, true, English::Words, 1).body(), one);
    }
}
