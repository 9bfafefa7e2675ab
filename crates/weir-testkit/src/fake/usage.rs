//! The usage figures of an answer, and the lies about them.

/// Token counts. `prompt` includes `cached` and `write` in OpenAI's form; in Anthropic's form it is
/// `input_tokens` as it stands, which excludes them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub prompt: u64,
    pub completion: u64,
    pub cached: u64,
    pub reasoning: u64,
    pub write: u64,
}

/// A kind of nonsense usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    Mixed,
    Negative,
    Cached,
    Types,
    Huge,
}

/// What an answer says about usage.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Usage {
    Told(Counts),
    Lie(Lie),
    Silent,
}

impl Counts {
    /// Reads `P:C[:cached[:reasoning[:write]]]`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let figures: Vec<u64> = text.split(':').map(|figure| figure.parse().ok()).collect::<Option<_>>()?;
        if !(2..=5).contains(&figures.len()) {
            return None;
        }
        let figure = |at: usize| figures.get(at).copied().unwrap_or(0);
        Some(Self {
            prompt: figure(0),
            completion: figure(1),
            cached: figure(2),
            reasoning: figure(3),
            write: figure(4),
        })
    }
}

impl Lie {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "mixed" => Self::Mixed,
            "negative" => Self::Negative,
            "cached" => Self::Cached,
            "types" => Self::Types,
            "huge" => Self::Huge,
            _ => return None,
        })
    }

    /// Input, output, cached and total figures as JSON, none of them to be believed.
    fn figures(self) -> [&'static str; 4] {
        match self {
            Self::Mixed => ["-7", "\"many\"", "999999999", "null"],
            Self::Negative => ["-5", "-3", "-1", "-8"],
            Self::Cached => ["10", "5", "1000000", "15"],
            Self::Types => ["\"ten\"", "null", "[]", "{}"],
            Self::Huge => ["18446744073709551616", "1e300", "9223372036854775808", "0.5"],
        }
    }
}

impl Usage {
    /// The `usage` object of chat completions and completions; none when silent.
    pub(crate) fn chat(self) -> Option<String> {
        match self {
            Self::Silent => None,
            Self::Told(c) => Some(format!(
                "{{\"prompt_tokens\":{},\"completion_tokens\":{},\"total_tokens\":{},\
                 \"prompt_tokens_details\":{{\"cached_tokens\":{},\"cache_write_tokens\":{},\"audio_tokens\":0}},\
                 \"completion_tokens_details\":{{\"reasoning_tokens\":{},\"audio_tokens\":0,\
                 \"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}}",
                c.prompt,
                c.completion,
                c.prompt.saturating_add(c.completion),
                c.cached,
                c.write,
                c.reasoning
            )),
            Self::Lie(lie) => {
                let [input, output, cached, total] = lie.figures();
                Some(format!(
                    "{{\"prompt_tokens\":{input},\"completion_tokens\":{output},\"total_tokens\":{total},\
                     \"prompt_tokens_details\":{{\"cached_tokens\":{cached}}},\"completion_tokens_details\":null}}"
                ))
            }
        }
    }

    /// The `usage` object of the responses endpoint.
    pub(crate) fn responses(self) -> Option<String> {
        match self {
            Self::Silent => None,
            Self::Told(c) => Some(format!(
                "{{\"input_tokens\":{},\"input_tokens_details\":{{\"cached_tokens\":{},\"cache_write_tokens\":{}}},\
                 \"output_tokens\":{},\"output_tokens_details\":{{\"reasoning_tokens\":{}}},\"total_tokens\":{}}}",
                c.prompt,
                c.cached,
                c.write,
                c.completion,
                c.reasoning,
                c.prompt.saturating_add(c.completion)
            )),
            Self::Lie(lie) => {
                let [input, output, cached, total] = lie.figures();
                Some(format!(
                    "{{\"input_tokens\":{input},\"input_tokens_details\":{{\"cached_tokens\":{cached}}},\
                     \"output_tokens\":{output},\"output_tokens_details\":null,\"total_tokens\":{total}}}"
                ))
            }
        }
    }

    /// The `usage` object of embeddings.
    pub(crate) fn embeddings(self) -> Option<String> {
        match self {
            Self::Silent => None,
            Self::Told(c) => Some(format!("{{\"prompt_tokens\":{0},\"total_tokens\":{0}}}", c.prompt)),
            Self::Lie(lie) => {
                let [input, _, _, total] = lie.figures();
                Some(format!("{{\"prompt_tokens\":{input},\"total_tokens\":{total}}}"))
            }
        }
    }

    /// The `usage` object of Anthropic's messages; `output` replaces the output figure (a stream begins
    /// with a small one).
    pub(crate) fn anthropic(self, output: Option<u64>) -> Option<String> {
        match self {
            Self::Silent => None,
            Self::Told(c) => Some(format!(
                "{{\"input_tokens\":{},\"cache_creation_input_tokens\":{write},\"cache_read_input_tokens\":{},\
                 \"cache_creation\":{{\"ephemeral_5m_input_tokens\":{write},\"ephemeral_1h_input_tokens\":0}},\
                 \"output_tokens\":{},\"service_tier\":\"standard\"}}",
                c.prompt,
                c.cached,
                output.unwrap_or(c.completion),
                write = c.write,
            )),
            Self::Lie(lie) => {
                let [input, output, cached, total] = lie.figures();
                Some(format!(
                    "{{\"input_tokens\":{input},\"cache_creation_input_tokens\":{total},\
                     \"cache_read_input_tokens\":{cached},\"output_tokens\":{output}}}"
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_json() {
        let mut all = vec![Usage::Told(Counts { prompt: u64::MAX, completion: 2, ..Counts::default() })];
        all.extend(["mixed", "negative", "cached", "types"].map(|lie| Usage::Lie(Lie::parse(lie).unwrap())));
        for usage in all {
            for text in [usage.chat(), usage.responses(), usage.embeddings(), usage.anthropic(None)] {
                serde_json::from_str::<serde_json::Value>(&text.unwrap()).unwrap();
            }
        }
    }

    #[test]
    fn figures_are_read() {
        let counts = Counts { prompt: 10, completion: 5, cached: 4, reasoning: 3, write: 0 };
        assert_eq!(Counts::parse("10:5:4:3"), Some(counts));
        assert_eq!(Counts::parse("10:x"), None);
        assert_eq!(Counts::parse("1:2:3:4:5:6"), None);
    }
}
