//! `weir cost`: what a call costs at list prices.

use anyhow::bail;
use serde::Serialize;
use weir_core::money::NanoUsd;
use weir_core::price::{Model, PriceTable, Rates, cost};
use weir_core::token::{Encoding, TokenCounts, count::count_with};
use weir_web::api::Usd;

use crate::read::print::{self, Terminal};
use crate::read::table::{Column, Table};
use crate::read::texts;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The model, bare or as provider/model
    #[arg(long, short)]
    model: String,
    /// All input tokens, cached ones included, as OpenAI's `usage` counts them
    #[arg(long, value_name = "N", conflicts_with = "texts")]
    prompt_tokens: Option<u64>,
    /// All output tokens, reasoning included
    #[arg(long, value_name = "N", default_value_t = 0)]
    completion_tokens: u64,
    /// Those of the prompt tokens that were read from the provider's cache
    #[arg(long, value_name = "N", default_value_t = 0)]
    cached_tokens: u64,
    /// Those of the prompt tokens that were written to the provider's cache
    #[arg(long, value_name = "N", default_value_t = 0)]
    cache_write_tokens: u64,
    /// Those of the completion tokens that went into reasoning
    #[arg(long, value_name = "N", default_value_t = 0)]
    reasoning_tokens: u64,
    /// The prompt instead of its number of tokens: a text, the path of a file, or - for stdin
    #[arg(value_name = "TEXT|FILE|-")]
    texts: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Answer<'a> {
    model: &'a str,
    priced_as: Option<String>,
    prices_of: &'a str,
    tokens: Vec<Line>,
    estimated: bool,
    cost_usd: Option<Usd>,
}

#[derive(Serialize)]
struct Line {
    class: &'static str,
    tokens: u64,
    usd_per_million: Option<Usd>,
    cost_usd: Option<Usd>,
}

/// Works the cost out, class by class.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let (counts, estimated) = counts(args)?;
    let prices = PriceTable::builtin();
    let found = prices.lookup_any(&args.model);
    let answer = Answer {
        model: &args.model,
        priced_as: found.map(|m| format!("{}/{}", m.provider, m.id)),
        prices_of: prices.as_of(),
        tokens: lines(found, &counts),
        estimated,
        cost_usd: found.map(|m| Usd(cost(&m.rates, &counts))),
    };
    if args.json {
        return print::line(&serde_json::to_string(&answer)?);
    }
    print::out(&render(&answer))
}

fn counts(args: &Args) -> anyhow::Result<(TokenCounts, bool)> {
    let (prompt, estimated) = match args.prompt_tokens {
        Some(n) => (n, false),
        None if args.texts.is_empty() && args.completion_tokens > 0 => (0, false),
        None => {
            let encoding = Encoding::of_model(&args.model);
            let texts = texts::read(&args.texts)?;
            (texts.iter().map(|t| count_with(encoding, &t.text)).sum(), !encoding.is_exact())
        }
    };
    let special = args.cached_tokens.saturating_add(args.cache_write_tokens);
    let (Some(plain), Some(answer)) =
        (prompt.checked_sub(special), args.completion_tokens.checked_sub(args.reasoning_tokens))
    else {
        bail!(
            "a part is larger than the whole: --cached-tokens and --cache-write-tokens are parts of the prompt's \
             {prompt} tokens, --reasoning-tokens of the completion's {}",
            args.completion_tokens
        );
    };
    let counts = TokenCounts {
        cached: args.cached_tokens,
        cache_write: args.cache_write_tokens,
        reasoning: args.reasoning_tokens,
        ..TokenCounts::of(plain, answer)
    };
    Ok((counts, estimated))
}

fn lines(model: Option<&Model>, counts: &TokenCounts) -> Vec<Line> {
    let rates = model.map(|m| *m.rates.of_call(counts));
    let classes = [
        ("prompt", TokenCounts::of(counts.prompt, 0), rates.map(|r| r.input)),
        ("cached", TokenCounts { cached: counts.cached, ..TokenCounts::default() }, rates.map(|r| r.cached_input)),
        (
            "cache write",
            TokenCounts { cache_write: counts.cache_write, ..TokenCounts::default() },
            rates.map(|r| r.cache_write),
        ),
        ("completion", TokenCounts::of(0, counts.completion), rates.map(|r| r.output)),
        (
            "reasoning",
            TokenCounts { reasoning: counts.reasoning, ..TokenCounts::default() },
            rates.map(|r| r.reasoning_output),
        ),
    ];
    classes
        .into_iter()
        .filter(|(class, tokens, _)| matches!(*class, "prompt" | "completion") || !tokens.is_zero())
        .map(|(class, tokens, rate)| Line {
            class,
            tokens: tokens.total(),
            usd_per_million: rate.map(|r| Usd(NanoUsd(r))),
            // The tier is that of the whole call, so each class is priced with the rates chosen for it.
            cost_usd: rates.map(|r| Usd(cost(&Rates::from(r), &tokens))),
        })
        .collect()
}

fn render(answer: &Answer<'_>) -> String {
    let dollars = |usd: Option<Usd>| usd.map_or_else(|| "unknown".to_owned(), |usd| format!("${}", usd.decimal()));
    let mut table = Table::new(vec![
        Column::text("class"),
        Column::number("tokens"),
        Column::number("per million"),
        Column::number("cost"),
    ]);
    for line in &answer.tokens {
        table.row(vec![
            line.class.into(),
            line.tokens.to_string().into(),
            dollars(line.usd_per_million).into(),
            dollars(line.cost_usd).into(),
        ]);
    }
    let total: u64 = answer.tokens.iter().map(|l| l.tokens).sum();
    table.row(vec!["total".into(), total.to_string().into(), "".into(), dollars(answer.cost_usd).into()]);
    let mut text = table.render(Terminal::stdout());
    match &answer.priced_as {
        Some(name) => text.push_str(&format!("\nList price of {name}, {}.", answer.prices_of)),
        None => text.push_str(&format!(
            "\nThe price of {} is not known: write provider/model, or give a price in weir.toml.",
            answer.model
        )),
    }
    if answer.estimated {
        text.push_str(" Tokens are estimated.");
    }
    text.push('\n');
    text
}
