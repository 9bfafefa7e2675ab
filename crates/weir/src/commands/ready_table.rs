//! The report of `weir ready` for people: a line per check, what was found beside it, and under it what to do.

use weir_core::time::{DAY, HOUR, MINUTE, Micros, to_rfc3339};
use weir_watch::readiness::{Bound, Figure, Line, Report, Verdict};

use crate::read::format;
use crate::read::print::Terminal;
use crate::read::table::{Tone, paint};

/// Narrower text is no pleasure to read; then it stands under its check.
const NARROW: usize = 44;
/// Space between columns.
const GAP: &str = "  ";

/// The report as text.
pub(super) fn render(report: &Report, terminal: Terminal) -> String {
    let window = report.to.saturating_sub(report.from);
    let day = |at| to_rfc3339(at).replace('T', " ").chars().take(16).collect::<String>();
    let mut text = format!("Calls and scores of {}, to {} UTC\n\n", long(window), day(report.to));
    let rows: Vec<Row<'_>> = report.checks.iter().map(|line| Row::new(line, window)).collect();
    let layout = Layout::of(&rows, terminal);
    for row in &rows {
        row.render(&layout, &mut text);
    }
    text.push('\n');
    text.push_str(&summary(report, terminal.colour));
    text
}

fn summary(report: &Report, colour: bool) -> String {
    let (word, tone) = if report.ready { ("READY", Tone::Good) } else { ("NOT READY", Tone::Bad) };
    let counts = [(report.passed, "pass"), (report.failed, "fail"), (report.unknown, "unknown")];
    let counts: Vec<String> =
        counts.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    format!("{}{GAP}{}\n", paint(word, tone, colour), counts.join(", "))
}

/// A check as it is written.
struct Row<'a> {
    line: &'a Line,
    figure: String,
    target: String,
    window: String,
}

/// Widths of columns, and where texts stand.
struct Layout {
    columns: [usize; 4],
    /// Column of what was found, where it stands beside its check.
    beside: Option<usize>,
    room: Option<usize>,
    colour: bool,
}

/// Width of the verdicts, with their marks.
const VERDICT: usize = 9;

impl Layout {
    fn of(rows: &[Row<'_>], terminal: Terminal) -> Self {
        let width = |of: fn(&Row<'_>) -> usize| rows.iter().map(of).max().unwrap_or(0);
        let columns = [
            width(|r| r.line.title.chars().count()),
            width(|r| r.figure.chars().count()),
            width(|r| r.target.chars().count()),
            width(|r| r.window.chars().count()),
        ];
        let before = VERDICT + columns.iter().sum::<usize>() + 5 * GAP.len();
        let beside = Some(before).filter(|before| terminal.width.is_none_or(|w| w >= before + NARROW));
        Self { columns, beside, room: terminal.width, colour: terminal.colour }
    }
}

impl<'a> Row<'a> {
    fn new(line: &'a Line, window: Micros) -> Self {
        let window = if line.windowed { short(window) } else { "now".to_owned() };
        Self { line, figure: value(&line.figure), target: target(&line.figure), window }
    }

    fn render(&self, layout: &Layout, text: &mut String) {
        let (mark, tone) = match self.line.verdict {
            Verdict::Pass => ("✓ pass", Tone::Good),
            Verdict::Fail => ("✗ FAIL", Tone::Bad),
            Verdict::Unknown => ("? unknown", Tone::Warn),
        };
        let [title, figure, target, window] = layout.columns;
        let mut line = paint(&format!("{mark:<VERDICT$}"), tone, layout.colour);
        line.push_str(&format!("{GAP}{:<title$}{GAP}{:>figure$}{GAP}", self.line.title, self.figure));
        let rest = format!("{:<target$}{GAP}{:<window$}", self.target, self.window);
        line.push_str(&paint(&rest, Tone::Dim, layout.colour));
        let (indent, beside) = match layout.beside {
            Some(column) => (column, true),
            None => (VERDICT + GAP.len(), false),
        };
        let found = wrap(&format::harmless(&self.line.found), layout.room.map(|room| room.saturating_sub(indent)));
        for (n, piece) in found.iter().enumerate() {
            if n == 0 && beside {
                line.push_str(GAP);
            } else {
                line.push_str(&format!("\n{:indent$}", ""));
            }
            line.push_str(piece);
        }
        if let Some(fix) = &self.line.fix {
            let room = layout.room.map(|room| room.saturating_sub(indent + 2));
            for (n, piece) in wrap(&format::harmless(fix), room).iter().enumerate() {
                let arrow = if n == 0 { "→ " } else { "  " };
                line.push_str(&format!(
                    "\n{:indent$}{}",
                    "",
                    paint(&format!("{arrow}{piece}"), Tone::Warn, layout.colour)
                ));
            }
        }
        for piece in line.split('\n') {
            text.push_str(piece.trim_end());
            text.push('\n');
        }
    }
}

fn value(figure: &Figure) -> String {
    figure.value.map_or_else(|| "–".to_owned(), |value| amount(value, &figure.unit))
}

/// What the figure should be.
fn target(figure: &Figure) -> String {
    let Some(target) = figure.target else { return String::new() };
    let sign = match figure.bound {
        Bound::AtLeast => "≥",
        Bound::AtMost => "≤",
        Bound::Below => "<",
        Bound::Of => "of",
    };
    format!("{sign} {}", amount(target, &figure.unit))
}

/// A number in its unit.
fn amount(value: f64, unit: &str) -> String {
    match unit {
        "share" => {
            let text = format!("{:.2}", value * 100.0);
            format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
        }
        "ms" => format::millis(value),
        "s" => short((value * 1e6) as Micros),
        "usd" => format::dollars(value),
        "score" => format!("{value:.3}"),
        _ => format!("{value:.0}"),
    }
}

/// `7d`, `3h`, `20m`.
fn short(us: Micros) -> String {
    match us {
        us if us >= 2 * DAY || (us >= DAY && us % DAY == 0) => format!("{}d", us / DAY),
        us if us >= HOUR => format!("{}h", us / HOUR),
        us => format!("{}m", us / MINUTE),
    }
}

fn long(us: Micros) -> String {
    let (count, unit) = match us {
        us if us % DAY == 0 => (us / DAY, "day"),
        us if us % HOUR == 0 => (us / HOUR, "hour"),
        us => (us / MINUTE, "minute"),
    };
    if count == 1 { format!("the last {unit}") } else { format!("the last {count} {unit}s") }
}

/// A text in lines of at most so many characters, cut between words.
fn wrap(text: &str, room: Option<usize>) -> Vec<String> {
    let Some(room) = room else { return vec![text.to_owned()] };
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(last) = lines.last_mut() else { break };
        if last.is_empty() {
            last.push_str(word);
        } else if last.chars().count() + 1 + word.chars().count() <= room {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let line = |id: &str, title: &str, verdict, figure, found: &str, fix: Option<&str>| Line {
            id: id.into(),
            title: title.into(),
            verdict,
            figure,
            windowed: id != "backups",
            found: found.into(),
            fix: fix.map(Into::into),
        };
        let figure = |value, unit: &str, target, bound| Figure { value, unit: unit.into(), target, bound };
        Report {
            ready: false,
            passed: 1,
            failed: 1,
            unknown: 1,
            from: 1_763_683_200_000_000 - 7 * DAY,
            to: 1_763_683_200_000_000,
            checks: vec![
                line(
                    "errors",
                    "Error rate",
                    Verdict::Pass,
                    figure(Some(0.0042), "share", Some(0.01), Bound::Below),
                    "5 of 1204 calls failed",
                    None,
                ),
                line(
                    "scores",
                    "Evaluation scores",
                    Verdict::Unknown,
                    figure(None, "score", None, Bound::AtLeast),
                    "no scores",
                    Some("score calls"),
                ),
                line(
                    "backups",
                    "Backups restorable",
                    Verdict::Fail,
                    figure(Some(300_000.0), "s", Some(172_800.0), Bound::AtMost),
                    "the newest that was restored on trial is 3 days old",
                    Some("run `weir backup --verify` every day"),
                ),
            ],
        }
    }

    #[test]
    fn a_pipe_gets_a_line_per_check_and_what_to_do_below() {
        let wanted = "\
Calls and scores of the last 7 days, to 2025-11-21 00:00 UTC

✓ pass     Error rate          0.42 %  < 1 %  7d   5 of 1204 calls failed
? unknown  Evaluation scores        –         7d   no scores
                                                   → score calls
✗ FAIL     Backups restorable      3d  ≤ 2d   now  the newest that was restored on trial is 3 days old
                                                   → run `weir backup --verify` every day

NOT READY  1 pass, 1 fail, 1 unknown
";
        assert_eq!(render(&report(), Terminal { width: None, colour: false }), wanted);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in [60, 80, 100, 200] {
            let text = render(&report(), Terminal { width: Some(width), colour: false });
            assert!(text.lines().all(|line| line.chars().count() <= width), "{width}:\n{text}");
            assert!(!text.contains('\u{1b}'));
        }
        let narrow = render(&report(), Terminal { width: Some(80), colour: false });
        assert!(
            narrow.contains("\n           the newest that was restored on trial is 3 days old\n           → run"),
            "{narrow}"
        );
        assert!(render(&report(), Terminal { width: Some(80), colour: true }).contains("\u{1b}[31m✗ FAIL"));
    }
}
