use crate::error::Error;
use crate::token::count_text;
use base64::Engine;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const DIMENSIONS: usize = 64;
const MAX_INPUTS: usize = 2_048;

#[derive(Deserialize)]
struct Request {
    input: Value,
    #[serde(default)]
    encoding_format: Option<String>,
}

/// Answers an embeddings request in OpenAI's form with bag-of-words vectors: each word adds to a few dimensions chosen
/// by its hash, so that texts that share words are near.
///
/// # Errors
/// When `input` cannot be read, or holds too many texts.
pub fn embeddings(model: &str, body: &[u8]) -> Result<Value, Error> {
    let request: Request =
        serde_json::from_slice(body).map_err(|e| Error::invalid("input", format!("\"input\" cannot be read: {e}")))?;
    let inputs: Vec<String> = match request.input {
        Value::String(text) => vec![text],
        Value::Array(items) if items.len() <= MAX_INPUTS => items.iter().map(text_of).collect(),
        Value::Array(_) => {
            return Err(Error::invalid("input", format!("at most {MAX_INPUTS} inputs are taken at once")));
        }
        _ => return Err(Error::invalid("input", "\"input\" must be a string or a list")),
    };
    let tokens: u64 = inputs.iter().map(|text| count_text("text-embedding-3-small", text).tokens).sum();
    let base64 = request.encoding_format.as_deref() == Some("base64");
    let data: Vec<Value> = inputs
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let vector = embed(text);
            let embedding = if base64 { encode(&vector) } else { json!(vector) };
            json!({"object": "embedding", "index": index, "embedding": embedding})
        })
        .collect();
    let usage = json!({"prompt_tokens": tokens, "total_tokens": tokens});
    Ok(json!({"object": "list", "data": data, "model": format!("demo/{model}"), "usage": usage}))
}

fn text_of(item: &Value) -> String {
    item.as_str().map_or_else(|| item.to_string(), str::to_owned)
}

fn embed(text: &str) -> Vec<f32> {
    let mut vector = vec![0f32; DIMENSIONS];
    for word in text.split_whitespace() {
        let hash = Sha256::digest(word.to_lowercase().as_bytes());
        for pair in hash.chunks(2).take(4) {
            let sign = if pair[1] & 1 == 0 { 1.0 } else { -1.0 };
            vector[usize::from(pair[0]) % DIMENSIONS] += sign;
        }
    }
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    vector.iter().map(|x| x / norm).collect()
}

fn encode(vector: &[f32]) -> Value {
    let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
    Value::from(base64::engine::general_purpose::STANDARD.encode(bytes))
}
