//! `weir check-config`: reads a configuration and says what it comes to, without starting anything.

mod lines;

use std::fmt::Write;
use std::path::PathBuf;

use weir_gateway::Gateway;
use weir_gateway::config::{KeyConfig, LimitConfig};

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
    let exports = crate::server::describe_exports(&loaded.settings)?;
    loaded.settings.watch.options()?;
    let channels = loaded.settings.channels()?;
    loaded.settings.readiness.targets()?;
    loaded.settings.backup.check()?;
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
    let mut all: Vec<String> = config.models.iter().map(|(name, model)| lines::model(name, model)).collect();
    all.extend(config.select.iter().enumerate().map(|(n, rule)| lines::select(n, rule)));
    all.extend(config.compress.iter().enumerate().map(|(n, rule)| lines::compress(n, rule)));
    let limited = config.keys.iter().map(of_key).filter(|limit| *limit != unlimited(&limit.value));
    all.extend(limited.chain(config.limits.iter().cloned()).map(|limit| lines::limit(&limit)));
    all.push(lines::cache(&config.cache));
    all.push(lines::prompts(&config.prompts, config.prompts.dir.is_dir()));
    all.push(lines::batches(&config.batches));
    all.extend(exports);
    all.extend(channels.iter().map(|channel| lines::channel(channel)));
    for line in all {
        let _ = writeln!(text, "{line}");
    }
    let keys = snapshot.keyring.identities().count();
    let _ = write!(text, "{keys} keys{}", if keys == 0 { ": everybody on this machine may call" } else { "" });
    print::line(&text)
}

/// What a key may use, as a limit of the label `key`.
fn of_key(key: &KeyConfig) -> LimitConfig {
    LimitConfig {
        rpm: key.rpm,
        tpm: key.tpm,
        budget_usd_per_day: key.budget_usd_per_day,
        budget_usd_per_month: key.budget_usd_per_month,
        budget_fallback: key.budget_fallback.clone(),
        ..unlimited(&key.name)
    }
}

fn unlimited(key: &str) -> LimitConfig {
    LimitConfig { label: "key".to_owned(), value: key.to_owned(), ..LimitConfig::default() }
}
