//! Whether a backup was restored on trial not long ago. The figure is its age.

use weir_core::time::SECOND;

use super::{Facts, Finding, Targets, number, span};

pub(super) fn judge(facts: &Facts, targets: &Targets) -> Finding {
    let backups = &facts.backups;
    let age = backups.newest_verified.map(|at| facts.now.saturating_sub(at).max(0));
    let finding = match age {
        _ if !backups.configured => {
            Finding::fail("no folder of backups is set", "set `dir` and `interval = \"1d\"` under [backup]")
        }
        _ if backups.unreadable.is_some() => Finding::unknown(
            backups.unreadable.clone().unwrap_or_default(),
            "run `weir ready` where [backup] dir can be read",
        ),
        None if backups.count == 0 => Finding::fail("there is no backup", "run `weir backup --verify`"),
        None => Finding::fail(
            format!("{}, none restored on trial", number(backups.count, "backup")),
            "run `weir backup verify`",
        ),
        Some(age) if age <= targets.backup_max_age => {
            Finding::pass(format!("the newest that was restored on trial is {} old", span(age)))
        }
        Some(age) => Finding::fail(
            format!("the newest that was restored on trial is {} old", span(age)),
            "run `weir backup --verify` every day, or set `interval = \"1d\"` under [backup]",
        ),
    };
    finding.measured(age.map(|age| (age / SECOND) as f64), (targets.backup_max_age / SECOND) as f64)
}
