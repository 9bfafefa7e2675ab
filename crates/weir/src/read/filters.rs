//! The flags that select calls, as parameters of the API.

use weir_core::time::Clock;
use weir_web::api::when;

use super::source::Pairs;

/// Which calls. A flag that is given several times gives alternatives; different flags must all hold.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Selection")]
pub(crate) struct Filters {
    /// Model that was asked for
    #[arg(long)]
    pub model: Vec<String>,
    /// Provider that answered
    #[arg(long)]
    pub provider: Vec<String>,
    /// Department that pays
    #[arg(long)]
    pub department: Vec<String>,
    #[arg(long, help = "success, error, cached, rate_limited, blocked, cancelled or pending")]
    pub status: Vec<String>,
    /// End user
    #[arg(long)]
    pub user: Vec<String>,
    /// Name of the key that called
    #[arg(long = "key-name", value_name = "NAME")]
    pub key_name: Vec<String>,
    /// Project
    #[arg(long)]
    pub project: Vec<String>,
    /// Session (thread, conversation)
    #[arg(long)]
    pub session: Vec<String>,
    /// Name of the prompt template
    #[arg(long)]
    pub prompt: Vec<String>,
    /// Label that the call carries
    #[arg(long)]
    pub tag: Vec<String>,
    #[arg(long, help = "Other steps than calls: tool, branch, retriever, chain, agent, ...; any for all")]
    pub kind: Vec<String>,
    #[arg(
        long = "where",
        value_name = "NAME=VALUE",
        value_parser = pair,
        help = "Any other parameter of GET /api/v1/calls, such as error_type=timeout or attr.team=blue"
    )]
    pub others: Vec<(String, String)>,
}

/// From when to when.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Selection")]
pub(crate) struct Range {
    /// Started at or after: 24h or 7d (ago), a date, RFC 3339 or a Unix time
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub since: Option<String>,
    /// Started before; written as --since
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub until: Option<String>,
}

impl Filters {
    /// The parameters.
    #[must_use]
    pub(crate) fn pairs(&self) -> Pairs {
        let flags: [(&str, &[String]); 11] = [
            ("model", &self.model),
            ("provider", &self.provider),
            ("department", &self.department),
            ("status", &self.status),
            ("user", &self.user),
            ("key", &self.key_name),
            ("project", &self.project),
            ("session", &self.session),
            ("prompt", &self.prompt),
            ("tag", &self.tag),
            ("kind", &self.kind),
        ];
        let named = flags.iter().flat_map(|(name, values)| values.iter().map(|v| ((*name).to_owned(), v.clone())));
        named.chain(self.others.iter().cloned()).collect()
    }
}

impl Range {
    /// The parameters.
    #[must_use]
    pub(crate) fn pairs(&self) -> Pairs {
        [("from", &self.since), ("to", &self.until)]
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)))
            .collect()
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, for example error_type=timeout")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn instant(text: &str) -> Result<String, String> {
    match when::instant(text, Clock::system().now()) {
        Some(_) => Ok(text.to_owned()),
        None => Err("write a time ago (24h, 7d), a date, RFC 3339 (2025-11-21T08:00:00Z) or a Unix time".to_owned()),
    }
}
