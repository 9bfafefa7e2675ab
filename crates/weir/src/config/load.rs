//! Reading the configuration.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use toml::Table;
use weir_gateway::config::Config;

use super::overrides;
use super::settings::Settings;

/// The file that is read when none is named, if it is there.
const DEFAULT_FILE: &str = "weir.toml";

/// What flags of `weir serve` say, over the file and variables.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags {
    /// `server.listen`.
    pub listen: Option<SocketAddr>,
    /// `server.data`.
    pub data: Option<PathBuf>,
}

/// A configuration as read.
pub(crate) struct Loaded {
    /// Everything.
    pub settings: Settings,
    /// The gateway's part.
    pub gateway: Config,
    /// The file it came from.
    pub file: Option<PathBuf>,
}

impl Loaded {
    /// With what flags say instead.
    #[must_use]
    pub(crate) fn with(mut self, flags: &Flags) -> Self {
        let server = &mut self.settings.server;
        if let Some(listen) = flags.listen {
            server.listen = listen;
        }
        if let Some(data) = &flags.data {
            server.data.clone_from(data);
        }
        self
    }
}

/// Reads the configuration.
///
/// # Errors
/// Names the file, the key and what to write instead.
pub(crate) fn load(file: Option<&Path>) -> anyhow::Result<Loaded> {
    let file = match file {
        Some(path) => Some(path.to_owned()),
        None => Some(PathBuf::from(DEFAULT_FILE)).filter(|path| path.exists()),
    };
    let text = match &file {
        Some(path) => std::fs::read_to_string(path)
            .with_context(|| format!("the configuration file {} cannot be read", path.display()))?,
        None => String::new(),
    };
    let name = file.as_deref().unwrap_or(Path::new(DEFAULT_FILE)).display().to_string();
    let variables: Vec<_> = std::env::vars().collect();
    let settings = parse(&text, &variables).map_err(|e| anyhow!("{name}: {e}"))?;
    let price_file = match &settings.gateway.price_file {
        Some(path) => {
            Some(std::fs::read_to_string(path).with_context(|| format!("gateway.price_file: {path} cannot be read"))?)
        }
        None => None,
    };
    let gateway = settings.gateway_config(price_file);
    Ok(Loaded { settings, gateway, file })
}

/// The settings of a file's text and `WEIR_SECTION__KEY` variables.
fn parse(text: &str, variables: &[(String, String)]) -> Result<Settings, String> {
    let file: Table = text.parse().map_err(|e: toml::de::Error| e.to_string())?;
    // The file alone first, so that its mistakes are told apart from those of variables.
    read(file.clone())?;
    let mut overrides = overrides::from_variables(variables);
    loop {
        let mut table = file.clone();
        for entry in &overrides {
            entry.put_into(&mut table).map_err(|e| format!("{}: {e}", entry.variable))?;
        }
        let Err(problem) = read(table) else { break };
        // `WEIR_X__KEY=123` may be meant as text.
        let guess = overrides.iter_mut().find(|o| !o.as_text && problem.starts_with(&o.path()));
        match guess {
            Some(entry) => entry.as_text = true,
            None => return Err(format!("in environment variables: {problem}")),
        }
    }
    let mut table = file;
    for entry in &overrides {
        entry.put_into(&mut table)?;
    }
    read(table)
}

fn read(table: Table) -> Result<Settings, String> {
    serde_path_to_error::deserialize(table).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        explain(&path, inner.message())
    })
}

/// `unknown field` with the nearest known one instead of the whole list.
fn explain(path: &str, message: &str) -> String {
    let message = message.trim();
    let Some(rest) = message.strip_prefix("unknown field `") else { return format!("{path}: {message}") };
    let mut words = rest.split('`');
    let unknown = words.next().unwrap_or_default();
    let known: Vec<&str> = words.skip(1).step_by(2).collect();
    let section = path.strip_suffix(unknown).unwrap_or(path).trim_end_matches('.');
    let at = if section.is_empty() || section == "." { unknown.to_owned() } else { format!("{section}.{unknown}") };
    let nearest = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(unknown, name), name))
        .min()
        .filter(|(distance, _)| *distance <= unknown.len().max(3) / 2);
    match nearest {
        Some((_, name)) => format!("{at}: there is no such key; did you mean \"{name}\"?"),
        None => format!("{at}: there is no such key; known are {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn variables_win_over_the_file() {
        let variables = set(&[
            ("WEIR_GATEWAY__RETRIES", "5"),
            ("WEIR_PROVIDERS__LOCAL__BASE_URL", "http://h/v1"),
            ("WEIR_PROVIDERS__LOCAL__API_KEY", "123"),
            ("WEIR_PROVIDERS__LOCAL__MODELS", "[\"a\"]"),
            ("WEIR_URL", "http://not-a-setting"),
            ("PATH", "/bin"),
        ]);
        let settings = parse("[gateway]\nretries = 1\nfirst_byte_timeout = \"7s\"", &variables).unwrap();
        assert_eq!(settings.gateway.retries, 5);
        assert_eq!(settings.gateway.first_byte_timeout.to_string(), "7s");
        assert_eq!(settings.providers["local"].models, ["a"]);
        assert_eq!(settings.providers["local"].api_key.as_ref().unwrap().expose(), "123");
    }

    #[test]
    fn mistakes_are_named_with_the_nearest_key() {
        let message = |text: &str| parse(text, &[]).unwrap_err();
        assert_eq!(message("[gateway]\nretrys = 1"), "gateway.retrys: there is no such key; did you mean \"retries\"?");
        assert_eq!(message("[gatway]\n"), "gatway: there is no such key; did you mean \"gateway\"?");
        assert!(message("[gateway]\nmax_body = \"5 tons\"").starts_with("gateway.max_body: \"5 tons\" is not a size"));
        assert!(message("[gateway\n").contains("line 1"));
        let wrong = parse("", &set(&[("WEIR_GATEWAY__RETRYS", "1")])).unwrap_err();
        assert_eq!(wrong, "in environment variables: gateway.retrys: there is no such key; did you mean \"retries\"?");
        let wrong = parse("", &set(&[("WEIR_GATEWAY__RETRIES", "many")])).unwrap_err();
        assert!(wrong.contains("gateway.retries"), "{wrong}");
    }
}
