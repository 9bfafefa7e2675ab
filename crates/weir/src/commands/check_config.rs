//! `weir check-config`: reads a configuration and says what it comes to, without starting anything.

use std::fmt::Write;
use std::path::PathBuf;

use weir_gateway::Gateway;

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
    crate::server::check_exports(&loaded.settings.mlflow)?;
    let mut text = String::new();
    let file = loaded.file.map_or_else(|| "no file, defaults".to_owned(), |f| f.display().to_string());
    let _ = writeln!(text, "ok ({file})");
    let _ = writeln!(text, "listens on {}", loaded.settings.server.listen);
    for provider in snapshot.providers.values() {
        let models = match provider.models() {
            [] => "any model".to_owned(),
            models => models.join(", "),
        };
        let _ = writeln!(text, "provider {} ({}) {}: {models}", provider.name, provider.kind.name, provider.base_url());
    }
    for (name, model) in &snapshot.config.models {
        let targets: Vec<_> = model.targets.iter().map(|t| format!("{} x{}", t.model, t.weight)).collect();
        let _ = writeln!(text, "model {name}: {} then {}", targets.join(", "), model.fallbacks.join(", "));
    }
    let keys = snapshot.keyring.identities().count();
    let _ = write!(text, "{keys} keys{}", if keys == 0 { ": everybody on this machine may call" } else { "" });
    print::line(&text)
}
