use super::*;

fn entry(json: &str) -> Entry {
    serde_json::from_str(json).unwrap()
}

fn id<'a>(table: &'a PriceTable, provider: &str, model: &str) -> Option<&'a str> {
    table.lookup(provider, model).map(|m| m.id.as_str())
}

#[test]
fn compiled_in_table_parses() {
    let table = PriceTable::parse(BUILTIN).unwrap();
    assert!(table.models().len() > 200);
    assert_eq!(table.as_of().len(), 10);
    assert_eq!(PriceTable::builtin().models().len(), table.models().len());
    let free: Vec<_> = table.models().filter(|m| m.rates.base.input == 0).map(|m| m.id.as_str()).collect();
    assert_eq!(free, ["gemma-4-31b-it"], "a model with a price of 0 is really free");
}

#[test]
fn every_row_is_found_under_each_of_its_names() {
    let table = PriceTable::builtin();
    for model in table.models() {
        assert_eq!(table.lookup(&model.provider, &model.id), Some(model));
        for alias in &model.aliases {
            assert_eq!(table.lookup(&model.provider, alias), Some(model), "{alias}");
        }
        assert!(table.lookup_any(&format!("{}/{}", model.provider, model.id)) == Some(model));
    }
}

#[test]
fn lookup_order() {
    let table = PriceTable::builtin();
    assert_eq!(id(&table, "openai", "gpt-4o-2024-05-13"), Some("gpt-4o-2024-05-13"));
    assert_eq!(id(&table, "openai", "gpt-4o-2031-01-02"), Some("gpt-4o"));
    assert_eq!(id(&table, "azure", "gpt-4o-mini-2024-07-18"), Some("gpt-4o-mini"));
    assert_eq!(id(&table, "azure_openai", "gpt-4o-mini"), Some("gpt-4o-mini"));
    assert_eq!(id(&table, "anthropic", "claude-3-5-sonnet-latest"), Some("claude-3-5-sonnet-20241022"));
    assert_eq!(id(&table, "gemini", "models/gemini-2.5-pro"), Some("gemini-2.5-pro"));
    assert_eq!(id(&table, "bedrock", "eu.anthropic.claude-opus-5-5"), Some("anthropic.claude-opus-5-5"));
    for (provider, model) in
        [("openai", "gpt-9"), ("nobody", "gpt-4o"), ("openai", ""), ("", "gpt-4o"), ("groq", "gpt-4o")]
    {
        assert_eq!(id(&table, provider, model), None, "{provider} {model}");
    }
}

#[test]
fn without_a_provider_the_vendor_is_preferred() {
    let table = PriceTable::builtin();
    let of = |name: &str| table.lookup_any(name).map(|m| (m.provider.as_str(), m.id.as_str()));
    assert_eq!(of("gpt-4o"), Some(("openai", "gpt-4o")));
    assert_eq!(of("gpt-35-turbo"), Some(("azure", "gpt-35-turbo")));
    assert_eq!(of("azure/gpt-4o"), Some(("azure", "gpt-4o")));
    assert_eq!(of("gpt-4o-2031-01-02"), Some(("openai", "gpt-4o")));
    assert_eq!(of("groq/openai/gpt-oss-120b"), Some(("groq", "openai/gpt-oss-120b")));
    assert_eq!(of("openai/gpt-oss-120b"), Some(("groq", "openai/gpt-oss-120b")));
    assert_eq!(of("meta-llama/Llama-3.3-70B-Instruct-Turbo").map(|m| m.0), Some("together"));
    assert_eq!(of("my-model"), None);
}

#[test]
fn overrides_win() {
    let table = PriceTable::builtin()
        .with_overrides([
            entry(r#"{"model":"gpt-4o","in":2,"out":8}"#),
            entry(r#"{"provider":"azure-openai","model":"gpt-4o","in":1,"out":4,"cached_in":0.5}"#),
            entry(r#"{"model":"our-llama","in":0.1,"out":0.2,"aliases":["llama"]}"#),
        ])
        .unwrap();
    let input = |provider, model| table.lookup(provider, model).map(|m| m.rates.base.input);
    assert_eq!(input("openai", "gpt-4o"), Some(2_000_000_000));
    assert_eq!(input("openai", "gpt-4o-2031-01-02"), Some(2_000_000_000));
    assert_eq!(input("openai", "gpt-4o-2024-05-13"), Some(5_000_000_000), "another id is another model");
    assert_eq!(input("azure", "gpt-4o"), Some(1_000_000_000));
    assert_eq!(input("vllm", "our-llama"), Some(100_000_000));
    assert_eq!(table.lookup_any("llama").map(|m| m.id.as_str()), Some("our-llama"));
    let gpt = table.lookup("openai", "gpt-4o").unwrap();
    assert_eq!((gpt.ctx, gpt.rates.base.cached_input), (Some(128_000), 2_000_000_000));
    assert!(gpt.overridden);
    let again = table.with_overrides([entry(r#"{"model":"gpt-4o","in":7,"out":8}"#)]).unwrap();
    assert_eq!(again.lookup("openai", "gpt-4o").map(|m| m.rates.base.input), Some(7_000_000_000));
    assert_eq!(again.lookup("azure", "gpt-4o").map(|m| m.rates.base.input), Some(1_000_000_000));
}

#[test]
fn wrong_tables_say_what_is_wrong() {
    let table = PriceTable::builtin();
    let refuse = |json: &str| table.with_override_file(json).unwrap_err().to_string();
    assert!(refuse(r#"{"models":[{"id":"m","in":-1,"out":1}]}"#).contains("in = -1 is not between"));
    assert!(refuse(r#"{"models":[{"id":"m","out":1}]}"#).contains("in is missing"));
    assert!(refuse(r#"{"models":[{"id":"m","in":1}]}"#).contains("out is missing"));
    assert!(refuse(r#"{"models":[{"in":1,"out":1}]}"#).contains("id is missing"));
    assert!(refuse(r#"{"models":[{"id":"m","in":1,"out":1,"cahced_in":1}]}"#).contains("cahced_in"));
    assert!(refuse(r#"{"schema":"other","models":[]}"#).contains("other"));
    assert!(refuse("[]").contains("cannot be read"));
}
