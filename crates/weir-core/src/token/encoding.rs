//! Which tokenizer a model uses.
//!
//! Source: the table of model names in OpenAI's `tiktoken` (`tiktoken/model.py`). Other vendors do not publish
//! a tokenizer that could be embedded here, or publish one per model; those are [`Encoding::Estimate`].

/// The tokenizer of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// GPT-4o and later, the o-series, gpt-oss.
    O200k,
    /// GPT-4, GPT-3.5 and OpenAI's embedding models.
    Cl100k,
    /// Not known: counted with `o200k_base`, and marked as an estimate.
    Estimate,
}

/// Names of the `o200k_base` models, up to a boundary.
const O200K: [&str; 10] =
    ["gpt-4o", "gpt-4.1", "gpt-4.5", "gpt-5", "gpt-oss", "chatgpt-4o", "o1", "o3", "o4", "o4-mini"];

/// Names of the `cl100k_base` models, up to a boundary.
const CL100K: [&str; 8] = [
    "gpt-4",
    "gpt-3.5",
    "gpt-35",
    "text-embedding-3-small",
    "text-embedding-3-large",
    "text-embedding-ada-002",
    "davinci-002",
    "babbage-002",
];

impl Encoding {
    /// The encoding of a model name: bare, as `provider/model`, as a fine-tune (`ft:gpt-4o:…`), with Bedrock's vendor
    /// prefix (`openai.gpt-oss-120b-1:0`), and with Azure's spelling (`gpt-35-turbo`). Case does not matter.
    #[must_use]
    pub fn of_model(model: &str) -> Self {
        let name = model.rsplit('/').next().unwrap_or(model);
        let name = strip(strip(name, "ft:"), "openai.");
        if O200K.iter().any(|known| is_of(name, known)) {
            Self::O200k
        } else if CL100K.iter().any(|known| is_of(name, known)) {
            Self::Cl100k
        } else {
            Self::Estimate
        }
    }

    /// The name that the encoding is known by.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::O200k => "o200k_base",
            Self::Cl100k => "cl100k_base",
            Self::Estimate => "estimate",
        }
    }

    /// Whether counts with it are the provider's own.
    #[must_use]
    pub fn is_exact(self) -> bool {
        self != Self::Estimate
    }
}

fn strip<'a>(name: &'a str, prefix: &str) -> &'a str {
    match name.get(..prefix.len()) {
        Some(head) if head.eq_ignore_ascii_case(prefix) => name.get(prefix.len()..).unwrap_or(name),
        _ => name,
    }
}

/// Whether `name` is `known` or a variant of it: `gpt-4-turbo` and `gpt-5.1` are, `gpt-4o` is no `gpt-4`. A `.` after
/// `gpt-4` starts another generation.
fn is_of(name: &str, known: &str) -> bool {
    let rest = strip(name, known);
    if rest.len() == name.len() {
        return false;
    }
    match rest.as_bytes().first() {
        None | Some(b'-' | b':' | b'@') => true,
        Some(b'.') => known != "gpt-4",
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names() {
        for model in [
            "gpt-4o",
            "gpt-4o-mini-2024-07-18",
            "azure/gpt-4o-mini",
            "gpt-4.1-nano",
            "gpt-4.5-preview",
            "gpt-5",
            "gpt-5.1-codex",
            "o1",
            "o1-pro",
            "o3-mini",
            "o4-mini",
            "chatgpt-4o-latest",
            "ft:gpt-4o-mini:acme::1",
            "groq/openai/gpt-oss-120b",
            "openai.gpt-oss-120b-1:0",
            "GPT-4o",
        ] {
            assert_eq!(Encoding::of_model(model), Encoding::O200k, "{model}");
        }
        for model in [
            "gpt-4",
            "gpt-4-turbo",
            "gpt-4-0613",
            "gpt-3.5-turbo",
            "gpt-35-turbo-16k",
            "text-embedding-3-small",
            "text-embedding-ada-002",
            "ft:gpt-3.5-turbo:acme",
        ] {
            assert_eq!(Encoding::of_model(model), Encoding::Cl100k, "{model}");
        }
        for model in
            ["", "/", "claude-sonnet-4-5", "llama-3.1-8b", "gpt-4.7", "o10", "gpt-2", "gémini", "text-davinci-003"]
        {
            assert_eq!(Encoding::of_model(model), Encoding::Estimate, "{model}");
        }
    }
}
