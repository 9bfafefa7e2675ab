//! The names of providers, folded to those that Weir's configuration has for their kinds, so that statistics by provider
//! do not tell apart what the gateway called and what an instrumentation saw.

/// Weir's name of a provider, in lower case where it is not known; `None` for frameworks that give themselves for one.
pub(super) fn fold(name: &str) -> Option<String> {
    let name = name.trim().to_ascii_lowercase();
    // The Vercel AI SDK names the provider's API as well: `openai.chat`, `google.generative-ai`.
    let vendor = name.split('.').next().unwrap_or_default();
    let folded = match name.as_str() {
        "" | "langchain" | "langgraph" | "llama_index" | "llamaindex" | "crewai" | "unknown" => return None,
        "az.ai.openai" | "azure.ai.openai" | "az.ai.inference" | "azure.ai.inference" | "azure_openai" | "azure_ai"
        | "azure-openai" => "azure",
        "gcp.gemini" | "gcp.gen_ai" | "gcp.vertex_ai" | "vertex_ai" | "vertexai" | "google_genai"
        | "google_vertexai" | "google_ai" => "gemini",
        "aws.bedrock" | "amazon_bedrock" | "aws_bedrock" | "bedrock_converse" => "bedrock",
        "mistral_ai" | "mistralai" => "mistral",
        "x_ai" | "x-ai" => "xai",
        "moonshot_ai" => "moonshot",
        "ibm.watsonx.ai" => "watsonx",
        "togetherai" | "together_ai" => "together",
        _ => match vendor {
            "openai" | "anthropic" | "azure" | "groq" | "cohere" | "deepseek" | "perplexity" | "mistral" | "xai"
            | "together" | "ollama" | "openrouter" => vendor,
            "azure-openai" => "azure",
            "google" => "gemini",
            "aws" | "amazon-bedrock" => "bedrock",
            "togetherai" => "together",
            _ => &name,
        },
    };
    Some(folded.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_provider_are_one() {
        for (name, folded) in [
            ("OpenAI", Some("openai")),
            ("openai.chat", Some("openai")),
            ("az.ai.openai", Some("azure")),
            ("azure", Some("azure")),
            ("google.generative-ai", Some("gemini")),
            ("gcp.vertex_ai", Some("gemini")),
            ("amazon-bedrock", Some("bedrock")),
            ("mistralai", Some("mistral")),
            ("my-host.example", Some("my-host.example")),
            ("langchain", None),
        ] {
            assert_eq!(fold(name).as_deref(), folded, "{name}");
        }
    }
}
