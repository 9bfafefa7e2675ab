//! A rule that was checked: what its document means, with every default filled in.
//!
//! Invariant: what is here can be evaluated. What a rule asks for that this version cannot answer is refused with the
//! reason when it is made; nothing is silently 0.

mod condition;
mod policy;
mod read;
mod values;

use jiff::tz::TimeZone;
use weir_core::time::{DAY, HOUR, MINUTE, Micros, SECOND};
use weir_core::units::Time;

use super::document::{RuleDoc, Severity};
use super::mute::MuteWindow;
use super::parse::Problem;
use super::series::Policy;
use crate::calendar::{Period, zone};

pub use condition::Condition;
pub use read::{MAX_GROUP_BY, Read, Targets, dimensions, filters};
pub use values::{Values, ValuesOf};

/// Most series of a rule: those with most calls.
pub const MAX_SERIES: usize = 200;
/// Longest window.
pub const MAX_WINDOW: Micros = 30 * DAY;
/// Longest window of a condition that looks back further than it.
const MAX_COMPARED: Micros = DAY;
/// How often what changes seldom is looked at.
const SELDOM: Micros = 5 * MINUTE;
/// Longest description, bytes.
const MAX_DESCRIPTION: usize = 10_000;
/// Most tags.
const MAX_TAGS: usize = 50;
/// Most channels of a rule.
const MAX_CHANNELS: usize = 20;
/// Most windows in which nothing is told.
const MAX_MUTES: usize = 50;
/// Longest text of a name or label.
const MAX_NAME: usize = 200;

/// How much time a value is taken over.
#[derive(Clone, Debug, PartialEq)]
pub enum Window {
    /// So many microseconds, up to the evaluation.
    Rolling(Micros),
    /// The calendar's day, week or month, so far.
    Calendar(Period, TimeZone),
}

/// A checked rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// As it was written, with its id.
    pub doc: RuleDoc,
    /// What is measured.
    pub read: Read,
    /// Over how much time.
    pub window: Window,
    /// How often: whole minutes.
    pub every: Micros,
    /// How far behind the clock.
    pub offset: Micros,
    /// When to fire.
    pub condition: Condition,
    /// How its series move.
    pub policy: Policy,
    /// When nothing is told.
    pub mutes: Vec<MuteWindow>,
}

impl Rule {
    /// Checks a document. `usual_id` is its id where it names none; `targets` are the budgets and objectives that it may
    /// be about.
    ///
    /// # Errors
    /// Names the member and what to write instead.
    pub fn new(mut doc: RuleDoc, usual_id: &str, targets: &Targets) -> Result<Self, Problem> {
        let id = doc.id.clone().unwrap_or_else(|| usual_id.to_owned());
        let id_is_plain = id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c));
        if id.is_empty() || id.len() > MAX_NAME || !id_is_plain {
            return Err(Problem::new("id", "write 1 to 200 letters, digits, and -_.: only"));
        }
        doc.id = Some(id.clone());
        if doc.name.trim().is_empty() || doc.name.len() > MAX_NAME {
            return Err(Problem::new("name", "write a name of 1 to 200 bytes"));
        }
        check_texts(&doc)?;
        check_runbook(doc.runbook_url.as_deref())?;
        let read = read::read(&doc, targets)?;
        let window = window(&doc, &read)?;
        let condition = condition::condition(&doc.condition, &read)?;
        let span = match window {
            Window::Rolling(width) => width,
            Window::Calendar(..) => DAY,
        };
        match (&window, &condition) {
            (_, Condition::Static(_) | Condition::Given) => {}
            (Window::Calendar(..), _) => {
                let why = "a calendar window grows with the day: use it with a static condition";
                return Err(Problem::new("window", why));
            }
            (Window::Rolling(width), _) if *width > MAX_COMPARED => {
                return Err(Problem::new("window", "compared with the past it must be at most 1d"));
            }
            (Window::Rolling(_), _) => {}
        }
        let tenth = (span / 10).max(MINUTE) / MINUTE * MINUTE;
        let usual = match &read {
            Read::Budget(_) => SELDOM,
            Read::Slo(_) | Read::Anomalies { .. } => MINUTE,
            Read::Values(values) if !matches!(values.of, ValuesOf::Scores(..)) => tenth.min(SELDOM),
            Read::Metric { .. } | Read::Values(_) => tenth,
        };
        let every = doc.every.map_or(usual, micros);
        if !(MINUTE..=DAY).contains(&every) || every % MINUTE != 0 {
            return Err(Problem::new("every", "it must be whole minutes from 1m to 1d"));
        }
        let offset = doc.offset.map_or(30 * SECOND, micros);
        if offset > 60 * MINUTE {
            return Err(Problem::new("offset", "it must be at most 60m"));
        }
        let policy = policy::policy(&doc, &read)?;
        let mute = |(n, m)| MuteWindow::new(m).map_err(|e| e.within(&format!("mute[{n}]")));
        let mutes = doc.mute.iter().enumerate().map(mute).collect::<Result<_, _>>()?;
        Ok(Self { id, read, window, every, offset, condition, policy, mutes, doc })
    }

    /// The unit of its values.
    #[must_use]
    pub fn unit(&self) -> String {
        match &self.read {
            Read::Metric { measure, agg, .. } => measure.unit(*agg),
            Read::Budget(_) => "ratio".to_owned(),
            Read::Slo(_) => "times".to_owned(),
            Read::Values(Values { of: ValuesOf::Events(..), .. }) => "events".to_owned(),
            Read::Values(_) | Read::Anomalies { .. } => String::new(),
        }
    }

    /// How bad it is at its worst.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.doc.severity.unwrap_or_default()
    }

    /// The newest time that is due for evaluation at `now`: a multiple of `every`, `offset` behind the clock.
    #[must_use]
    pub fn due(&self, now: Micros) -> Micros {
        let behind = now.saturating_sub(self.offset);
        behind.saturating_sub(behind.rem_euclid(self.every))
    }

    /// The range of an evaluation; `None` before the calendar.
    ///
    /// What is more than a day old is read in whole hours: of then no minutes are kept.
    #[must_use]
    pub fn range(&self, at: Micros) -> Option<(Micros, Micros)> {
        match &self.window {
            Window::Rolling(width) => Some((floor(at, at.saturating_sub(*width)), at)),
            // An evaluation at midnight is of the day that ends there.
            Window::Calendar(unit, zone) => Some((unit.around(at - 1, zone)?.0, at)),
        }
    }

    /// Whether nothing is told at an instant, by the rule's own windows.
    #[must_use]
    pub fn is_muted(&self, at: Micros) -> bool {
        self.mutes.iter().any(|window| window.holds(at))
    }
}

/// The start of a stretch of time that is looked at from `at`: the hour that holds it where it is more than a day old.
#[must_use]
pub fn floor(at: Micros, start: Micros) -> Micros {
    if at.saturating_sub(start) > DAY { start.saturating_sub(start.rem_euclid(HOUR)) } else { start }
}

/// An id made of a name: its letters and digits in small, the rest as `-`.
#[must_use]
pub fn slug(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let mut slug: String = name.chars().map(plain).take(100).collect();
    while slug.contains("--") {
        slug = slug.replace("--", "-");
    }
    slug.trim_matches('-').to_owned()
}

/// Bounds what is told with every alert.
fn check_texts(doc: &RuleDoc) -> Result<(), Problem> {
    if doc.name.chars().any(char::is_control) {
        return Err(Problem::new("name", "it has characters that cannot be seen: leave them out"));
    }
    if doc.description.as_ref().is_some_and(|text| text.len() > MAX_DESCRIPTION) {
        return Err(Problem::new("description", format!("it is longer than {MAX_DESCRIPTION} bytes")));
    }
    for (member, list, most) in [("tags", &doc.tags, MAX_TAGS), ("channels", &doc.channels, MAX_CHANNELS)] {
        if list.len() > most {
            return Err(Problem::new(member, format!("{} are named, at most {most} may be", list.len())));
        }
        let wrong = |text: &String| text.is_empty() || text.len() > MAX_NAME || text.chars().any(char::is_control);
        if let Some(n) = list.iter().position(wrong) {
            return Err(Problem::new(format!("{member}[{n}]"), "write 1 to 200 bytes that can be seen"));
        }
    }
    if doc.mute.len() > MAX_MUTES {
        return Err(Problem::new("mute", format!("there are {}, at most {MAX_MUTES} may be", doc.mute.len())));
    }
    Ok(())
}

/// Refuses what is no address of a page.
///
/// # Errors
/// Names the member.
pub fn check_runbook(url: Option<&str>) -> Result<(), Problem> {
    match url {
        Some(url) if !(url.starts_with("https://") || url.starts_with("http://") || url.starts_with('/')) => {
            Err(Problem::new("runbook_url", format!("\"{url}\" is no http or https address")))
        }
        _ => Ok(()),
    }
}

pub(crate) fn micros(time: Time) -> Micros {
    Micros::try_from(time.0.as_micros()).unwrap_or(Micros::MAX)
}

/// How much time a value is taken over where the document does not say.
#[must_use]
pub fn usual_window(read: &Read) -> &'static str {
    // Evaluations are run once in a while.
    if matches!(read, Read::Values(Values { of: ValuesOf::Evals(..), .. })) { "1d" } else { "5m" }
}

fn window(doc: &RuleDoc, read: &Read) -> Result<Window, Problem> {
    if !matches!(read, Read::Metric { .. } | Read::Values(_)) && (doc.window.is_some() || doc.timezone.is_some()) {
        let member = if doc.window.is_some() { "window" } else { "timezone" };
        return Err(Problem::new(member, "rules of source anomaly, budget and slo have none"));
    }
    let text = doc.window.as_deref().unwrap_or(usual_window(read));
    let calendar = match text {
        "day" => Some(Period::Day),
        "week" => Some(Period::Week),
        "month" => Some(Period::Month),
        _ => None,
    };
    if let Some(unit) = calendar {
        return Ok(Window::Calendar(unit, zone(doc.timezone.as_deref())?));
    }
    if doc.timezone.is_some() {
        return Err(Problem::new("timezone", "only the calendar's windows day, week and month have one"));
    }
    let width = text.parse::<Time>().map(micros).map_err(|why| Problem::new("window", why))?;
    if !(MINUTE..=MAX_WINDOW).contains(&width) || width % MINUTE != 0 {
        return Err(Problem::new("window", "it must be whole minutes from 1m to 30d, or day, week or month"));
    }
    Ok(Window::Rolling(width))
}
