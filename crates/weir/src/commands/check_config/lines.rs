//! What each section comes to, as a line for people. Pure.

use weir_core::time::SECOND;
use weir_core::units::Time;
use weir_gateway::config::{
    AcceptConfig, BatchesConfig, CacheConfig, CompressConfig, LimitConfig, ModelConfig, PromptsConfig, SelectConfig,
    When,
};
use weir_watch::alerts::live::Setup;
use weir_watch::alerts::rule::Rule;
use weir_watch::alerts::rule_set::Origin;
use weir_watch::notify::Channel;

/// A model name of the file's own.
pub(super) fn model(name: &str, model: &ModelConfig) -> String {
    let then =
        |models: &[String]| if models.is_empty() { String::new() } else { format!(" then {}", models.join(", ")) };
    let fallbacks = then(&model.fallbacks);
    if let [first, dearer @ ..] = &model.cascade[..] {
        let reasons = reasons(&model.accept);
        return format!("model {name}: cascade {first}{} ({reasons}){fallbacks}", then(dearer));
    }
    let targets: Vec<_> = model.targets.iter().map(|t| format!("{} x{}", t.model, t.weight)).collect();
    format!("model {name}: {}{fallbacks}", targets.join(", "))
}

fn reasons(accept: &AcceptConfig) -> String {
    let short = format!("shorter than {} characters", accept.min_chars);
    let all = [
        (accept.schema, "not as its schema says"),
        (accept.refusals, "refused"),
        (accept.finished, "cut off"),
        (accept.min_chars > 0, short.as_str()),
    ];
    let set: Vec<_> = all.into_iter().filter_map(|(set, text)| set.then_some(text)).collect();
    if set.is_empty() { "every answer is taken".to_owned() } else { format!("unless {}", set.join(", ")) }
}

/// What a key may use; empty where nothing limits it.
pub(super) fn limit(limit: &LimitConfig) -> String {
    let of =
        if limit.value == "*" { format!("each {}", limit.label) } else { format!("{} {:?}", limit.label, limit.value) };
    let mut parts = Vec::new();
    parts.extend(limit.rpm.map(|n| format!("{n} requests per minute")));
    parts.extend(limit.tpm.map(|n| format!("{n} tokens per minute")));
    parts.extend(limit.budget_usd_per_day.map(|usd| format!("{usd} USD per day")));
    parts.extend(limit.budget_usd_per_month.map(|usd| format!("{usd} USD per month")));
    if parts.is_empty() {
        parts.push("nothing is limited".to_owned());
    }
    let fallback = limit.budget_fallback.as_ref().map(|model| format!(", then {model}")).unwrap_or_default();
    format!("limit of {of}: {}{fallback}", parts.join(", "))
}

/// A rule that selects a model.
pub(super) fn select(number: usize, rule: &SelectConfig) -> String {
    format!("select {number}, {}: {}", when(&rule.when), rule.model)
}

/// A rule that compresses prompts.
pub(super) fn compress(number: usize, rule: &CompressConfig) -> String {
    let mut parts = vec![format!("prompts of {} tokens and more", rule.min_tokens)];
    parts.extend(rule.lossless.then(|| "lossless".to_owned()));
    parts.extend(rule.target_tokens.map(|n| format!("to {n} tokens")));
    parts.extend(rule.target_ratio.map(|share| format!("to {} of their tokens", percent(share))));
    parts.extend(rule.include_last_user.then(|| "the user's last turn too".to_owned()));
    parts.extend(rule.include_code.then(|| "code too".to_owned()));
    format!("compress {number}, {}: {}", when(&rule.when), parts.join(", "))
}

/// The cache.
pub(super) fn cache(cache: &CacheConfig) -> String {
    if !cache.is_on() {
        return "cache: off".to_owned();
    }
    let scope = format!("{:?}", cache.scope).to_lowercase();
    let mut parts = vec!["equal requests".to_owned()];
    if let Some(model) = cache.semantic.model.as_ref().filter(|_| cache.semantic.enabled) {
        parts.push(format!("alike ones from {} on by {model}", cache.semantic.threshold));
    }
    parts.push(format!("for {}, at most {}, shared by {scope}", cache.ttl, cache.max_size));
    if cache.persist {
        parts.push("kept on disk".to_owned());
    }
    format!("cache: {}", parts.join(", "))
}

/// The prompts; `there` says whether the folder is.
pub(super) fn prompts(prompts: &PromptsConfig, there: bool) -> String {
    let mut text = format!("prompts in {}{}", prompts.dir.display(), if there { "" } else { " (not there)" });
    for assign in &prompts.assign {
        let version = assign.version.as_ref().map(|v| format!("@{v}")).unwrap_or_default();
        text.push_str(&format!(", {}{version} {}", assign.prompt, when(&assign.when)));
    }
    for (name, split) in &prompts.split {
        let versions: Vec<_> = split.versions.iter().map(|(version, weight)| format!("{version} x{weight}")).collect();
        text.push_str(&format!(", {name} split over {}", versions.join(" and ")));
    }
    text
}

/// Files and batches.
pub(super) fn batches(batches: &BatchesConfig) -> String {
    if !batches.enabled {
        return "batches: off".to_owned();
    }
    format!("batches: {} requests at once, files of at most {}", batches.concurrency, batches.max_file)
}

/// A channel that alerts are told through.
pub(super) fn channel(channel: &Channel) -> String {
    let signed = if channel.signed { ", signed" } else { "" };
    let only: Vec<String> = channel.severities.iter().map(|s| format!("{s:?}").to_lowercase()).collect();
    let only = if only.is_empty() { String::new() } else { format!(", only {}", only.join(" and ")) };
    format!("channel {} ({}) {}{signed}{only}", channel.name, channel.kind.as_str(), channel.shown)
}

/// Alert rules, budgets and objectives; nothing where there are none.
pub(super) fn alerts(setup: &Setup) -> Vec<String> {
    let configured = &setup.configured;
    let told = |channels: &[String]| {
        if channels.is_empty() { "nobody is told".to_owned() } else { format!("tells {}", channels.join(", ")) }
    };
    let of = |(rule, origin): &(Rule, Origin)| {
        let place = match origin {
            Origin::File(path) => format!("alert {} ({})", rule.id, path.display()),
            Origin::Config | Origin::Api { .. } => format!("alert {}", rule.id),
        };
        let off = if rule.doc.enabled { "" } else { ", switched off" };
        format!(
            "{place}: every {}, {}{off}",
            Time::secs((rule.every / SECOND).unsigned_abs()),
            told(&rule.doc.channels)
        )
    };
    configured.rules.iter().map(of).collect()
}

/// The calls that a rule is for.
fn when(when: &When) -> String {
    let When { models, routes, departments, keys, projects, metadata, .. } = when;
    let lists =
        [("model", models), ("route", routes), ("department", departments), ("key", keys), ("project", projects)];
    let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
    let mut parts: Vec<String> = lists.map(|(name, list)| format!("{name} {}", list.join(" or "))).collect();
    parts.extend(metadata.iter().map(|(name, value)| format!("{name} {value:?}")));
    parts.extend(when.prompt_tokens_from.map(|n| format!("{n} tokens and more")));
    parts.extend(when.prompt_tokens_below.map(|n| format!("below {n} tokens")));
    parts.extend(when.hours.as_ref().map(|hours| format!("{hours} UTC")));
    parts.extend(when.budget_left_below.map(|share| format!("less than {} of a budget left", percent(share))));
    if parts.is_empty() { "always".to_owned() } else { format!("when {}", parts.join(", ")) }
}

fn percent(share: f64) -> String {
    format!("{}%", (share * 1_000.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_told_in_a_line() {
        let of = |text: &str| toml::from_str::<CompressConfig>(text).unwrap();
        let rule = of("target_ratio = 0.5\n[when]\ndepartments = [\"a\", \"b\"]\nmetadata = { tier = \"free\" }");
        let wanted = "compress 0, when department a or b, tier \"free\": prompts of 256 tokens and more, lossless, to 50% of \
                      their tokens";
        assert_eq!(compress(0, &rule), wanted);
        let cascade: ModelConfig =
            toml::from_str("cascade = [\"a\", \"b\"]\nfallbacks = [\"c\"]\n[accept]\nschema = false").unwrap();
        assert_eq!(
            model("m", &cascade),
            "model m: cascade a then b (unless refused, cut off, shorter than 1 characters) then c"
        );
        let each: LimitConfig =
            toml::from_str("label = \"team\"\nvalue = \"*\"\nrpm = 5\nbudget_usd_per_day = 0.5").unwrap();
        assert_eq!(limit(&each), "limit of each team: 5 requests per minute, 0.5 USD per day");
        assert_eq!(cache(&CacheConfig::default()), "cache: off");
    }
}
