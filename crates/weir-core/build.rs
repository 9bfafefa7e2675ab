//! Writes the vocabularies of OpenAI's encodings to `OUT_DIR`, in the form that `src/token/bpe.rs` reads: the number of
//! tokens (u32, little-endian), the length of every token (a byte each), and the bytes of all tokens; in order of rank,
//! which is the index.
//!
//! Source: the ranks inside the crate `tiktoken-rs`, so the build needs no network. Invariant: the output depends on
//! that crate alone. A token longer than 255 bytes fails the build; the longest today has 128.

use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;

use tiktoken_rs::{CoreBPE, cl100k_base, o200k_base};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let out = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    let out = Path::new(&out);
    fs::write(out.join("cl100k_base.bpe"), table(&cl100k_base()?)?)?;
    fs::write(out.join("o200k_base.bpe"), table(&o200k_base()?)?)?;
    Ok(())
}

/// All ordinary tokens: their ranks have no gap, and one separates them from the special tokens.
fn table(vocabulary: &CoreBPE) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut lengths = Vec::new();
    let mut bytes = Vec::new();
    for rank in 0.. {
        let Ok(token) = vocabulary.decode_bytes(&[rank]) else { break };
        lengths.push(u8::try_from(token.len())?);
        bytes.extend(token);
    }
    let mut table = u32::try_from(lengths.len())?.to_le_bytes().to_vec();
    table.extend(lengths);
    table.extend(bytes);
    Ok(table)
}
