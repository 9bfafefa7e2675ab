//! The texts that a command is given: as they stand, from files, or from stdin.

use std::io::{self, IsTerminal, Read};
use std::path::Path;

use anyhow::{Context, bail};

/// A text and where it came from.
#[derive(Debug)]
pub(crate) struct Text {
    /// File name, `stdin`, or `text`.
    pub source: String,
    /// The text.
    pub text: String,
}

/// Reads each argument: `-` is stdin, the path of a file is the file, anything else is the text itself. Without any,
/// stdin is read unless a person sits at it.
pub(crate) fn read(given: &[String]) -> anyhow::Result<Vec<Text>> {
    if given.is_empty() {
        if io::stdin().is_terminal() {
            bail!("nothing to count: give a text, a file, or - for stdin");
        }
        return Ok(vec![stdin()?]);
    }
    given.iter().map(|argument| one(argument)).collect()
}

fn one(argument: &str) -> anyhow::Result<Text> {
    if argument == "-" {
        return stdin();
    }
    if Path::new(argument).is_file() {
        let bytes = std::fs::read(argument).with_context(|| format!("cannot read {argument}"))?;
        return Ok(Text { source: argument.to_owned(), text: utf8(argument, bytes)? });
    }
    Ok(Text { source: "text".to_owned(), text: argument.to_owned() })
}

fn stdin() -> anyhow::Result<Text> {
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes).context("cannot read stdin")?;
    Ok(Text { source: "stdin".to_owned(), text: utf8("stdin", bytes)? })
}

fn utf8(source: &str, bytes: Vec<u8>) -> anyhow::Result<String> {
    String::from_utf8(bytes).with_context(|| format!("{source} is not UTF-8: convert it, or name another file"))
}
