//! Lengths, sampling, stops and thinking: the members whose values bound one another.

use super::super::error::TranslateError;
use super::super::json::{self, Members, Object};
use super::RequestOptions;

/// `max_tokens` when neither the client nor the price table tells one.
const DEFAULT_MAX_TOKENS: u64 = 4096;

/// The smallest thinking budget that Messages takes.
const LEAST_BUDGET: u64 = 1024;

/// How much the model thinks.
pub(super) enum Thinking<'a> {
    /// Not asked for.
    Off,
    /// The client's own `thinking` member.
    Given(&'a str),
    /// A budget in tokens, from `reasoning_effort`.
    Budget(u64),
    /// A word for `output_config.effort`, as a string token.
    Effort(&'a str),
}

impl<'a> Thinking<'a> {
    /// Reads `thinking`, `reasoning_effort` and OpenRouter's `reasoning`.
    pub(super) fn read(members: &Members<'a>, opts: &RequestOptions<'_>) -> Result<Self, TranslateError> {
        if let Some(given) = members.get("thinking") {
            return Ok(Self::Given(given));
        }
        let reasoning = members.object("reasoning").unwrap_or_default();
        if let Some(budget) = reasoning.count("max_tokens") {
            return Ok(Self::Budget(budget.max(LEAST_BUDGET)));
        }
        let Some(token) = members.string("reasoning_effort").or_else(|| reasoning.string("effort")) else {
            return Ok(Self::Off);
        };
        Ok(match (json::inner(token), opts.native_effort) {
            ("none" | "", _) => Self::Off,
            ("minimal", true) => Self::Effort("\"low\""),
            (_, true) => Self::Effort(token),
            ("minimal" | "low", false) => Self::Budget(1024),
            ("medium", false) => Self::Budget(2048),
            ("high", false) => Self::Budget(4096),
            ("xhigh" | "max", false) => Self::Budget(8192),
            _ if opts.drop_params => Self::Off,
            _ => return Err(TranslateError::Unsupported { member: "reasoning_effort".to_owned() }),
        })
    }

    /// Gives up a budget that the rest of the request forbids; what the client wrote itself stays.
    pub(super) fn withdraw(&mut self) {
        if matches!(self, Self::Budget(_)) {
            *self = Self::Off;
        }
    }

    /// The word for `output_config.effort`.
    pub(super) fn effort(&self) -> Option<&'a str> {
        match self {
            Self::Effort(token) => Some(token),
            _ => None,
        }
    }

    /// Whether the model is told to think, which restricts sampling.
    fn is_on(&self) -> bool {
        match self {
            Self::Off | Self::Effort(_) => false,
            Self::Given(token) => {
                Members::of(token).and_then(|given| given.text("type")).is_some_and(|kind| kind != "disabled")
            }
            Self::Budget(_) => true,
        }
    }

    /// Writes the `thinking` member.
    pub(super) fn write(&self, object: &mut Object<'_>) {
        match self {
            Self::Off | Self::Effort(_) => {}
            Self::Given(token) => object.token("thinking", token),
            Self::Budget(budget) => {
                let mut thinking = Object::begin(object.key("thinking"));
                thinking.text("type", "enabled");
                thinking.number("budget_tokens", *budget);
                thinking.end();
            }
        }
    }
}

/// The bound on the output, which must exceed a thinking budget. The client's bound covers reasoning, as in the OpenAI
/// protocol, so it is kept and the budget shrinks to half of it; our own default grows instead.
pub(super) fn max_tokens(
    members: &Members<'_>,
    opts: &RequestOptions<'_>,
    thinking: &mut Thinking<'_>,
) -> Result<u64, TranslateError> {
    for name in ["max_completion_tokens", "max_tokens"] {
        let Some(token) = members.get(name) else { continue };
        let Ok(bound) = token.parse::<u64>() else {
            return Err(TranslateError::invalid(name, "expected a whole number"));
        };
        if let Thinking::Budget(budget) = thinking
            && *budget >= bound
        {
            *thinking =
                if bound > LEAST_BUDGET { Thinking::Budget((bound / 2).max(LEAST_BUDGET)) } else { Thinking::Off };
        }
        return Ok(bound);
    }
    let default = opts.default_max_tokens.unwrap_or(DEFAULT_MAX_TOKENS);
    match thinking {
        Thinking::Budget(budget) if *budget >= default => Ok(default.saturating_add(*budget)),
        _ => Ok(default),
    }
}

/// Writes temperature (at most 1; unset while thinking), `top_p`, `top_k` and the stop sequences.
pub(super) fn write_sampling(
    members: &Members<'_>,
    thinking: &Thinking<'_>,
    object: &mut Object<'_>,
) -> Result<(), TranslateError> {
    let number = |name: &str| match members.get(name) {
        None => Ok(None),
        Some(token) => match token.parse::<f64>() {
            Ok(value) => Ok(Some((token, value))),
            Err(_) => Err(TranslateError::invalid(name, "expected a number")),
        },
    };
    if let Some((token, value)) = number("temperature")?
        && !thinking.is_on()
    {
        object.token("temperature", if value > 1.0 { "1" } else { token });
    }
    if let Some((token, value)) = number("top_p")?
        && (!thinking.is_on() || value >= 0.95)
    {
        object.token("top_p", token);
    }
    if let Some((token, _)) = number("top_k")?
        && !thinking.is_on()
    {
        object.token("top_k", token);
    }
    write_stops(members, object)
}

/// `stop` is one string or several; Messages refuses those of whitespace only.
fn write_stops(members: &Members<'_>, object: &mut Object<'_>) -> Result<(), TranslateError> {
    let Some(stop) = members.get("stop") else { return Ok(()) };
    let tokens = match json::elements(stop) {
        Some(several) => several.iter().map(|token| token.get()).collect(),
        None => vec![stop],
    };
    if tokens.iter().any(|token| !token.starts_with('"')) {
        return Err(TranslateError::invalid("stop", "expected a string or an array of strings"));
    }
    let useful: Vec<&str> = tokens.into_iter().filter(|token| !json::is_blank(token)).collect();
    if !useful.is_empty() {
        json::array(object.key("stop_sequences"), useful);
    }
    Ok(())
}
