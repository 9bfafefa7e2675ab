use proptest::prelude::*;

use super::*;

fn o(json: &str) -> TokenCounts {
    from_openai(json.as_bytes()).unwrap()
}

fn a(json: &str) -> TokenCounts {
    from_anthropic(json.as_bytes()).unwrap()
}

#[test]
fn openai_parts_are_taken_out_of_their_wholes() {
    let json = r#"{"prompt_tokens":2006,"completion_tokens":300,"total_tokens":2306,
        "prompt_tokens_details":{"cached_tokens":1920,"cache_write_tokens":10,"audio_tokens":6},
        "completion_tokens_details":{"reasoning_tokens":192,"audio_tokens":8,"accepted_prediction_tokens":0}}"#;
    let expected = TokenCounts {
        prompt: 70,
        cached: 1920,
        cache_write: 10,
        audio_in: 6,
        completion: 100,
        reasoning: 192,
        audio_out: 8,
        cache_write_1h: 0,
    };
    assert_eq!(o(json), expected);
    assert_eq!(from_any(json.as_bytes()), Some(expected));
    assert_eq!((expected.input_total(), expected.output_total()), (2006, 300));
}

#[test]
fn openai_forms() {
    assert_eq!(o(r#"{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}"#), TokenCounts::of(5, 7));
    // embeddings
    assert_eq!(o(r#"{"prompt_tokens":5,"total_tokens":5}"#), TokenCounts::of(5, 0));
    assert_eq!(o(r#"{"total_tokens":9}"#), TokenCounts::of(9, 0));
    assert_eq!(o(r#"{"completion_tokens":4,"total_tokens":9}"#), TokenCounts::of(5, 4));
    // responses API
    let responses = r#"{"input_tokens":36,"input_tokens_details":{"cached_tokens":6},"output_tokens":87,
        "output_tokens_details":{"reasoning_tokens":80},"total_tokens":123}"#;
    let expected = TokenCounts { cached: 6, reasoning: 80, ..TokenCounts::of(30, 7) };
    assert_eq!(o(responses), expected);
    assert_eq!(from_any(responses.as_bytes()), Some(expected));
    // DeepSeek
    let deepseek =
        r#"{"prompt_tokens":100,"completion_tokens":5,"prompt_cache_hit_tokens":64,"prompt_cache_miss_tokens":36}"#;
    assert_eq!(o(deepseek), TokenCounts { cached: 64, ..TokenCounts::of(36, 5) });
    // xAI: reasoning beside the completion
    let xai = r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":115,"completion_tokens_details":{"reasoning_tokens":100}}"#;
    assert_eq!(o(xai), TokenCounts { reasoning: 100, ..TokenCounts::of(10, 5) });
    // Groq's times and other members are ignored
    assert_eq!(
        o(
            r#"{"queue_time":0.01,"prompt_tokens":5,"prompt_time":1e-3,"completion_tokens":7,"x":[{"prompt_tokens":9}]}"#
        ),
        TokenCounts::of(5, 7)
    );
}

#[test]
fn anthropic_input_excludes_the_cache() {
    let json = r#"{"input_tokens":10,"cache_creation_input_tokens":300,"cache_read_input_tokens":2000,
        "cache_creation":{"ephemeral_5m_input_tokens":100,"ephemeral_1h_input_tokens":200},"output_tokens":50,
        "server_tool_use":{"web_search_requests":1},"service_tier":"standard"}"#;
    let expected = TokenCounts { cached: 2000, cache_write: 100, cache_write_1h: 200, ..TokenCounts::of(10, 50) };
    assert_eq!(a(json), expected);
    assert_eq!(from_any(json.as_bytes()), Some(expected));
    let old =
        r#"{"input_tokens":10,"cache_creation_input_tokens":300,"cache_read_input_tokens":null,"output_tokens":1}"#;
    assert_eq!(a(old), TokenCounts { cache_write: 300, ..TokenCounts::of(10, 1) });
    let only_details = r#"{"input_tokens":1,"cache_creation":{"ephemeral_1h_input_tokens":7}}"#;
    assert_eq!(a(only_details), TokenCounts { cache_write_1h: 7, ..TokenCounts::of(1, 0) });
    let lies = r#"{"input_tokens":1,"cache_creation_input_tokens":5,"cache_creation":{"ephemeral_1h_input_tokens":7}}"#;
    assert_eq!(a(lies), TokenCounts { cache_write_1h: 5, ..TokenCounts::of(1, 0) });
}

#[test]
fn anthropic_stream() {
    let start = a(r#"{"input_tokens":10,"cache_read_input_tokens":90,"output_tokens":1}"#);
    let delta = a(r#"{"output_tokens":57}"#);
    assert_eq!(merge_anthropic(start, delta), TokenCounts { cached: 90, ..TokenCounts::of(10, 57) });
    let whole = a(r#"{"input_tokens":12,"cache_read_input_tokens":90,"output_tokens":57}"#);
    assert_eq!(merge_anthropic(start, whole), whole);
}

#[test]
fn gemini_thoughts_are_beside_the_candidates() {
    let json =
        br#"{"promptTokenCount":100,"cachedContentTokenCount":40,"candidatesTokenCount":20,"thoughtsTokenCount":300,
        "toolUsePromptTokenCount":5,"totalTokenCount":425,
        "promptTokensDetails":[{"modality":"TEXT","tokenCount":50},{"modality":"AUDIO","tokenCount":50},null,{}]}"#;
    let expected = TokenCounts { cached: 40, audio_in: 50, reasoning: 300, ..TokenCounts::of(15, 20) };
    assert_eq!(from_gemini(json), Some(expected));
    assert_eq!(from_any(json), Some(expected));
    assert_eq!(expected.total(), 425);
}

#[test]
fn odd_values_are_clamped() {
    assert_eq!(o(r#"{"prompt_tokens":-5,"completion_tokens":null}"#), TokenCounts::of(0, 0));
    assert_eq!(o(r#"{"prompt_tokens":"12","completion_tokens":3.9}"#), TokenCounts::of(12, 3));
    assert_eq!(o(r#"{"prompt_tokens":true,"completion_tokens":{"a":[1]},"total_tokens":[[]]}"#), TokenCounts::of(0, 0));
    assert_eq!(o(r#"{"prompt_tokens":1,"prompt_tokens":4,"completion_tokens":1e30}"#), TokenCounts::of(4, u64::MAX));
    let lies = r#"{"prompt_tokens":10,"completion_tokens":5,
        "prompt_tokens_details":{"cached_tokens":50,"audio_tokens":3},"completion_tokens_details":{"reasoning_tokens":9}}"#;
    assert_eq!(o(lies), TokenCounts { cached: 10, reasoning: 5, ..TokenCounts::default() });
    assert_eq!(
        o(r#"{"prompt_tokens":3,"prompt_tokens_details":null,"completion_tokens_details":"none"}"#),
        TokenCounts::of(3, 0)
    );
    for nothing in [
        "",
        "null",
        "{}",
        "[]",
        "3",
        "\"x\"",
        r#"{"a":1}"#,
        r#"{"prompt_tokens":null}"#,
        r#"{"prompt_tokens":1"#,
        "{} x",
    ] {
        assert_eq!(from_openai(nothing.as_bytes()), None, "{nothing}");
        assert_eq!(from_any(nothing.as_bytes()), None, "{nothing}");
    }
}

proptest! {
    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = from_any(&bytes);
    }

    #[test]
    fn wholes_are_kept(p in any::<u64>(), c in any::<u64>(), cached in any::<i64>(), write in any::<i64>(), r in any::<i64>()) {
        let json = format!(
            r#"{{"prompt_tokens":{p},"completion_tokens":{c},"prompt_tokens_details":{{"cached_tokens":{cached},"cache_write_tokens":{write}}},"completion_tokens_details":{{"reasoning_tokens":{r}}}}}"#
        );
        let counts = from_openai(json.as_bytes()).unwrap();
        prop_assert_eq!((counts.input_total(), counts.output_total()), (p, c));
    }
}
