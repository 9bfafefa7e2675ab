//! `weir check-config`: reads a configuration and says what it comes to, without starting anything.

use std::fmt::Write;
use std::path::PathBuf;

use weir_gateway::Gateway;
use weir_gateway::config::{CacheConfig, Config, ModelConfig, PromptsConfig};

use crate::config;
use crate::read::print;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Configuration file; without it ./weir.toml, if it is there
    #[arg(value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Prints what the configuration comes to; fails where `weir serve` would.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let loaded = config::load(args.config.as_deref())?;
    let snapshot = Gateway::check(loaded.gateway, &|name| std::env::var(name).ok())?;
    crate::server::check_exposure(loaded.settings.server.listen, &snapshot.keyring)?;
    let exports = crate::server::check_exports(&loaded.settings.mlflow)?;
    let mut text = String::new();
    let file = loaded.file.map_or_else(|| "no file, defaults".to_owned(), |f| f.display().to_string());
    let _ = writeln!(text, "ok ({file})");
    let _ = writeln!(text, "listens on {}", loaded.settings.server.listen);
    for provider in snapshot.providers.values() {
        let models = match provider.models() {
            [] => "any model".to_owned(),
            models => models.join(", "),
        };
        let at = Some(provider.base_url()).filter(|url| !url.is_empty()).unwrap_or("built in");
        let _ = writeln!(text, "provider {} ({}) {at}: {models}", provider.name, provider.kind.name);
    }
    let config = &snapshot.config;
    for (name, model) in &config.models {
        let _ = writeln!(text, "model {name}: {}", served_by(model));
    }
    rules(&mut text, config);
    prompts(&mut text, &config.prompts);
    let _ = writeln!(text, "{}", cache(&config.cache));
    let _ = writeln!(text, "{exports}");
    let keys = snapshot.keyring.identities().count();
    let _ = write!(text, "{keys} keys{}", if keys == 0 { ": everybody on this machine may call" } else { "" });
    print::line(&text)
}

fn served_by(model: &ModelConfig) -> String {
    let mut text = if model.cascade.is_empty() {
        let targets: Vec<_> = model.targets.iter().map(|t| format!("{} x{}", t.model, t.weight)).collect();
        targets.join(", ")
    } else {
        format!("{} (the first good answer)", model.cascade.join(", else "))
    };
    if !model.fallbacks.is_empty() {
        let _ = write!(text, " then {}", model.fallbacks.join(", "));
    }
    text
}

fn rules(text: &mut String, config: &Config) {
    for rule in &config.select {
        let _ = writeln!(text, "selected by rule: {}", rule.model);
    }
    if !config.compress.is_empty() {
        let _ = writeln!(text, "prompts are compressed by rule");
    }
    for limit in &config.limits {
        let _ = writeln!(text, "limits of {} {}", limit.label, limit.value);
    }
}

fn prompts(text: &mut String, prompts: &PromptsConfig) {
    if prompts.dir.is_dir() {
        let _ = writeln!(text, "prompts are read from {}", prompts.dir.display());
    }
    for (name, split) in &prompts.split {
        let versions: Vec<_> = split.versions.iter().map(|(version, weight)| format!("{version} x{weight}")).collect();
        let _ = writeln!(text, "prompt {name}: {}", versions.join(", "));
    }
    for assign in &prompts.assign {
        let _ = writeln!(text, "assigned by rule: prompt {}", assign.prompt);
    }
}

fn cache(cache: &CacheConfig) -> String {
    if !cache.is_on() {
        return "no cache".to_owned();
    }
    let kind = if cache.semantic.enabled { "equal and similar" } else { "equal" };
    format!("cache of answers to {kind} requests: {}, for {}", cache.max_size, cache.ttl)
}
