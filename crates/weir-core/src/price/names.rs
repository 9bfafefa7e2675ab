//! The names that providers and models go by.

/// The table's name of a provider, for the names that SDKs and OpenTelemetry's `gen_ai.provider.name` use; a name
/// that is not known is returned as it is. Case matters only in names that are not known.
pub(super) fn provider(name: &str) -> &str {
    const NAMES: [(&str, &str); 38] = [
        ("openai", "openai"),
        ("azure", "azure"),
        ("azure_openai", "azure"),
        ("azure-openai", "azure"),
        ("azureopenai", "azure"),
        ("azure_ai", "azure"),
        ("azure.ai.openai", "azure"),
        ("azure.ai.inference", "azure"),
        ("az.ai.openai", "azure"),
        ("az.ai.inference", "azure"),
        ("anthropic", "anthropic"),
        ("gemini", "gemini"),
        ("google", "gemini"),
        ("google_ai", "gemini"),
        ("google_genai", "gemini"),
        ("google_vertexai", "gemini"),
        ("vertex_ai", "gemini"),
        ("vertexai", "gemini"),
        ("vertex", "gemini"),
        ("gcp.gemini", "gemini"),
        ("gcp.vertex_ai", "gemini"),
        ("gcp.gen_ai", "gemini"),
        ("bedrock", "bedrock"),
        ("aws.bedrock", "bedrock"),
        ("aws_bedrock", "bedrock"),
        ("amazon_bedrock", "bedrock"),
        ("amazon-bedrock", "bedrock"),
        ("groq", "groq"),
        ("mistral", "mistral"),
        ("mistral_ai", "mistral"),
        ("mistralai", "mistral"),
        ("together", "together"),
        ("together_ai", "together"),
        ("togetherai", "together"),
        ("xai", "xai"),
        ("x-ai", "xai"),
        ("x_ai", "xai"),
        ("deepseek", "deepseek"),
    ];
    NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or(name, |(_, canonical)| canonical)
}

/// A model id without what a provider puts in front of it: Gemini's `models/`, Bedrock's inference profile region.
pub(super) fn bare<'a>(provider: &str, model: &'a str) -> Option<&'a str> {
    let prefixes: &[&str] = match provider {
        "gemini" => &["models/", "google/", "publishers/google/models/"],
        "bedrock" => &["us.", "eu.", "apac.", "jp.", "au.", "us-gov.", "global."],
        _ => &[],
    };
    prefixes.iter().find_map(|prefix| model.strip_prefix(prefix))
}

/// A model id without a trailing `-YYYY-MM-DD` or `-YYYYMMDD`; `None` when it has none.
pub(super) fn undated(model: &str) -> Option<&str> {
    [("-0000-00-00", 6, 9), ("-00000000", 5, 7)].into_iter().find_map(|(pattern, month, day)| {
        let at = model.len().checked_sub(pattern.len()).filter(|at| *at > 0)?;
        let (id, suffix) = model.split_at_checked(at)?;
        let two = |from: usize| suffix.get(from..from + 2).and_then(|n| n.parse::<u8>().ok());
        let is_date = suffix.starts_with("-20")
            && suffix.bytes().zip(pattern.bytes()).all(|(c, p)| if p == b'0' { c.is_ascii_digit() } else { c == p })
            && two(month).is_some_and(|m| (1..=12).contains(&m))
            && two(day).is_some_and(|d| (1..=31).contains(&d));
        is_date.then_some(id)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_cut() {
        assert_eq!(undated("gpt-4o-2024-08-06"), Some("gpt-4o"));
        assert_eq!(undated("claude-3-opus-20240229"), Some("claude-3-opus"));
        for model in [
            "gpt-4o",
            "",
            "-2024-08-06",
            "gpt-4-0613",
            "m-2024-13-06",
            "m-20241301",
            "m-19991231",
            "é20240101",
            "m-2024-08-32",
        ] {
            assert_eq!(undated(model), None, "{model}");
        }
    }

    #[test]
    fn providers_have_many_names() {
        assert_eq!(provider("Azure_OpenAI"), "azure");
        assert_eq!(provider("gcp.vertex_ai"), "gemini");
        assert_eq!(provider("local"), "local");
    }

    #[test]
    fn prefixes_are_cut() {
        assert_eq!(bare("gemini", "models/gemini-2.5-pro"), Some("gemini-2.5-pro"));
        assert_eq!(bare("bedrock", "us.anthropic.claude-opus-5-5"), Some("anthropic.claude-opus-5-5"));
        assert_eq!(bare("openai", "us.x"), None);
    }
}
