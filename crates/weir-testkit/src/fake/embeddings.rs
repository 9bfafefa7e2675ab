//! `/embeddings`: vectors that are near each other when their texts share words.

use std::fmt::Write as _;

use base64::Engine as _;
use serde_json::Value;

use super::json::{self, push_str};
use super::service::Turn;
use super::usage::{Counts, Usage};

const DIMENSIONS: usize = 64;

/// The answer; `body` is the request, which is read again for its `input`.
pub(crate) fn whole(turn: &Turn<'_>, body: &[u8]) -> String {
    let dimensions = turn.ask.dimensions.or(turn.behaviour.dims).unwrap_or(DIMENSIONS).clamp(1, 8192);
    let base64 = turn.ask.encoding_format.as_deref() == Some("base64");
    let mut out = String::from("{\"object\":\"list\",\"data\":[");
    for (index, text) in inputs(body).iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(out, "{comma}{{\"object\":\"embedding\",\"index\":{index},\"embedding\":");
        let vector = vector(text, dimensions);
        if base64 {
            let bytes: Vec<u8> = vector.iter().flat_map(|figure| figure.to_le_bytes()).collect();
            push_str(&mut out, &base64::engine::general_purpose::STANDARD.encode(bytes));
        } else {
            let figures: Vec<String> = vector.iter().map(f32::to_string).collect();
            let _ = write!(out, "[{}]", figures.join(","));
        }
        out.push('}');
    }
    out.push_str("],\"model\":");
    push_str(&mut out, turn.model);
    let usage = match turn.usage {
        Usage::Told(counts) => Usage::Told(Counts { completion: 0, ..counts }),
        other => other,
    };
    if let Some(usage) = usage.embeddings() {
        let _ = write!(out, ",\"usage\":{usage}");
    }
    if turn.behaviour.bigint {
        out.push(',');
        out.push_str(json::BIGINT);
    }
    out.push('}');
    out
}

/// The texts to embed: a string, strings, token ids, or lists of token ids.
fn inputs(body: &[u8]) -> Vec<String> {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    match &request["input"] {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) if list.iter().all(Value::is_number) => vec![tokens(list)],
        Value::Array(list) => list
            .iter()
            .map(|item| match item {
                Value::Array(ids) => tokens(ids),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn tokens(ids: &[Value]) -> String {
    ids.iter().map(Value::to_string).collect::<Vec<_>>().join(" ")
}

/// A bag of hashed words of length one.
fn vector(text: &str, dimensions: usize) -> Vec<f32> {
    let mut sums = vec![0_f32; dimensions];
    for word in text.split_whitespace() {
        let word = word.trim_matches(|c: char| c.is_ascii_punctuation()).to_lowercase();
        // FNV-1a, spread over four places so that words seldom coincide.
        let mut hash = word
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        for _ in 0..4 {
            hash = (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let place = (hash >> 33) as usize % dimensions;
            sums[place] += if hash & 1 == 0 { 1.0 } else { -1.0 };
        }
    }
    let length = sums.iter().map(|figure| figure * figure).sum::<f32>().sqrt();
    if length == 0.0 {
        sums[0] = 1.0;
    } else {
        sums.iter_mut().for_each(|figure| *figure /= length);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cosine(a: &str, b: &str) -> f32 {
        vector(a, 256).iter().zip(vector(b, 256)).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn near_texts_have_near_vectors() {
        assert!(cosine("what is the capital of France", "What is the capital of France?") > 0.99);
        assert!(cosine("what is the capital of France", "write a poem about autumn leaves") < 0.5);
    }

    #[test]
    fn inputs_of_every_form() {
        assert_eq!(inputs(br#"{"input":"a b"}"#), ["a b"]);
        assert_eq!(inputs(br#"{"input":[1,2]}"#), ["1 2"]);
        assert_eq!(inputs(br#"{"input":[[1],[2,3]]}"#), ["1", "2 3"]);
        assert_eq!(inputs(br#"{"input":["a","b"]}"#), ["a", "b"]);
    }
}
