//! `weir tokens`: how many tokens a text has for a model.

use serde::Serialize;
use weir_core::token::{Encoding, count::count_with};

use crate::read::print;
use crate::read::texts;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The model, bare or as provider/model
    #[arg(long, short)]
    model: String,
    /// A text, the path of a file, or - for stdin; several are counted one by one
    #[arg(value_name = "TEXT|FILE|-")]
    texts: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Answer<'a> {
    model: &'a str,
    encoding: &'static str,
    exact: bool,
    tokens: u64,
    texts: Vec<Counted>,
}

#[derive(Serialize)]
struct Counted {
    source: String,
    characters: usize,
    tokens: u64,
}

/// Counts each text and prints the sum.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let encoding = Encoding::of_model(&args.model);
    let texts: Vec<Counted> = texts::read(&args.texts)?
        .into_iter()
        .map(|t| Counted {
            tokens: count_with(encoding, &t.text),
            characters: t.text.chars().count(),
            source: t.source,
        })
        .collect();
    let tokens = texts.iter().map(|t| t.tokens).sum();
    let answer = Answer { model: &args.model, encoding: encoding.name(), exact: encoding.is_exact(), tokens, texts };
    if args.json {
        return print::line(&serde_json::to_string(&answer)?);
    }
    if answer.texts.len() > 1 {
        for text in &answer.texts {
            print::line(&format!("{:>9}  {}", text.tokens, text.source))?;
        }
    }
    let how = if answer.exact {
        format!("{}, exact", answer.encoding)
    } else {
        format!("estimated with o200k_base: the tokenizer of {} is not public or not built in", args.model)
    };
    let word = if tokens == 1 { "token" } else { "tokens" };
    print::line(&format!("{tokens} {word} ({how})"))
}
