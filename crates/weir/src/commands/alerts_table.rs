//! Alerts, rules and dry runs as tables for people.

use weir_core::anomaly::Severity;
use weir_core::time::{MINUTE, Micros, to_rfc3339};
use weir_core::units::Time;
use weir_watch::alerts::dry_run::DryRun;
use weir_watch::alerts::told::figure;
use weir_web::api::{AlertView, RuleView};

use crate::read::format;
use crate::read::print::Terminal;
use crate::read::table::{Cell, Column, Table, Tone};

/// The list as text.
pub(super) fn alerts(list: &[AlertView], terminal: Terminal) -> String {
    if list.is_empty() {
        return "no alerts\n".to_owned();
    }
    let mut table = Table::new(vec![
        Column::text("severity"),
        Column::text("state"),
        Column::text("since"),
        Column::text("rule").least(10),
        Column::text("what").least(24),
        Column::text("care").spare(2),
        Column::text("runbook").spare(4),
        Column::text("fingerprint").spare(1),
    ]);
    for alert in list {
        let care = match &alert.ack {
            Some(ack) => ack.by.clone(),
            None if alert.muted => "muted".to_owned(),
            None => String::new(),
        };
        table.row(vec![
            severity(alert.severity),
            state(&alert.state),
            when(alert.starts_at.filter(|_| alert.state != "pending").unwrap_or(alert.since)),
            alert.rule.clone().into(),
            alert.summary.clone().into(),
            care.into(),
            alert.runbook_url.clone().unwrap_or_default().into(),
            alert.fingerprint.clone().into(),
        ]);
    }
    table.render(terminal)
}

/// The rules as text.
pub(super) fn rules(list: &[RuleView], terminal: Terminal) -> String {
    if list.is_empty() {
        return "no alert rules\n".to_owned();
    }
    let mut table = Table::new(vec![
        Column::text("id").least(10),
        Column::text("name").least(10),
        Column::text("from"),
        Column::text("state").least(8),
        Column::text("evaluated").spare(1),
        Column::text("took").spare(4),
        Column::text("series").spare(3),
        Column::text("tells").spare(2),
    ]);
    for rule in list {
        let state = match (&rule.problem, &rule.error) {
            (Some(problem), _) => Cell(problem.clone(), Tone::Bad),
            (None, Some(error)) => Cell(error.clone(), Tone::Bad),
            _ if !rule.rule.enabled => Cell("off".to_owned(), Tone::Dim),
            _ if rule.firing > 0 => Cell(format!("{} firing", rule.firing), Tone::Bad),
            _ if rule.pending > 0 => Cell(format!("{} pending", rule.pending), Tone::Warn),
            _ => "ok".to_owned().into(),
        };
        table.row(vec![
            rule.id.clone().into(),
            rule.rule.name.clone().into(),
            rule.file.clone().unwrap_or_else(|| rule.origin.clone()).into(),
            state,
            rule.evaluated_at.map_or_else(|| String::new().into(), when),
            rule.took_ms.map(format::millis).unwrap_or_default().into(),
            series(rule).into(),
            rule.rule.channels.join(", ").into(),
        ]);
    }
    table.render(terminal)
}

/// How many series a rule has, and of how many when some are left out.
fn series(rule: &RuleView) -> String {
    let all = |n: u64| rule.left_out.filter(|more| *more > 0).map(|more| format!(" of {}", format::count(n + more)));
    rule.series.map(|n| format!("{n}{}", all(n).unwrap_or_default())).unwrap_or_default()
}

/// A dry run as text.
pub(super) fn dry_run(run: &DryRun, terminal: Terminal) -> String {
    let range = format!("{} to {}", format::short_time(&to_rfc3339(run.from)), format::short_time(&to_rfc3339(run.to)));
    let told: Vec<String> = run.notifications.iter().map(|(event, n)| format!("{n} {event}")).collect();
    let episodes = run.episodes.len() as u64 + run.more_episodes;
    let told =
        if told.is_empty() { "nobody would have been told".to_owned() } else { format!("told: {}", told.join(", ")) };
    let mut head = format!("{} evaluations, {range}: {episodes} alerts; {told}\n", run.evaluations);
    if run.left_out > 0 {
        let left_out = format::count(run.left_out);
        head.push_str(&format!(
            "Only the 200 groups with most calls were looked at; {left_out} others were left out.\n"
        ));
    }
    if run.episodes.is_empty() {
        return head;
    }
    let mut table = Table::new(vec![
        Column::text("severity"),
        Column::text("start"),
        Column::text("lasted"),
        Column::text("value"),
        Column::text("threshold").spare(3),
        Column::text("what").least(20),
        Column::text("told").spare(2),
    ]);
    for episode in &run.episodes {
        let lasted = episode.end.map_or_else(|| "goes on".to_owned(), |end| length(end - episode.start));
        table.row(vec![
            severity(episode.severity),
            when(episode.start),
            lasted.into(),
            episode.value.map(|v| figure(v, &run.unit)).unwrap_or_default().into(),
            episode.threshold.map(|v| figure(v, &run.unit)).unwrap_or_default().into(),
            episode.summary.clone().into(),
            episode.notifications.join(", ").into(),
        ]);
    }
    let rest = if run.more_episodes > 0 { format!("and {} more\n", run.more_episodes) } else { String::new() };
    format!("{head}{}{rest}", table.render(terminal))
}

fn length(us: Micros) -> String {
    Time::secs((us / MINUTE * 60).unsigned_abs()).to_string()
}

fn when(at: Micros) -> Cell {
    format::short_time(&to_rfc3339(at)).into()
}

fn severity(severity: Severity) -> Cell {
    match severity {
        Severity::Critical => Cell("critical".to_owned(), Tone::Bad),
        Severity::Warning => Cell("warning".to_owned(), Tone::Warn),
        Severity::Info => Cell("info".to_owned(), Tone::Dim),
    }
}

fn state(state: &str) -> Cell {
    let tone = match state {
        "firing" | "no_data" => Tone::Bad,
        "pending" => Tone::Warn,
        _ => Tone::Dim,
    };
    Cell(state.to_owned(), tone)
}

#[cfg(test)]
mod tests {
    use weir_watch::alerts::dry_run::Episode;

    use super::*;

    #[test]
    fn a_dry_run_says_what_would_have_been_and_who_told() {
        let episode = Episode {
            labels: Default::default(),
            start: 0,
            end: Some(90 * MINUTE),
            severity: Severity::Critical,
            value: Some(0.31),
            threshold: Some(0.05),
            summary: "error_ratio is 31%, above 5%".into(),
            notifications: vec!["fired".into(), "resolved".into()],
        };
        let run = DryRun {
            evaluations: 100,
            episodes: vec![episode],
            notifications: [("fired".to_owned(), 1), ("resolved".to_owned(), 1)].into(),
            unit: "ratio".into(),
            ..DryRun::default()
        };
        let text = dry_run(&run, Terminal { width: None, colour: false });
        for part in ["100 evaluations", "1 alerts; told: 1 fired, 1 resolved", "critical", "90m", "31%", "5%"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let none = dry_run(&DryRun::default(), Terminal { width: None, colour: false });
        assert!(none.ends_with("0 alerts; nobody would have been told\n"), "{none}");
    }
}
