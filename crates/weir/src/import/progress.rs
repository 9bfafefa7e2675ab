//! How far an import is: one line on a terminal that is written anew; nothing elsewhere, where the report says it all.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How often the line changes at most.
const EVERY: Duration = Duration::from_millis(100);
/// Characters of a whole bar.
const WIDTH: u64 = 30;

/// Where progress is shown: stderr.
pub(crate) struct Progress {
    terminal: bool,
    shown: Mutex<Shown>,
}

struct Shown {
    kind: &'static str,
    done: u64,
    /// How many there are, where that is known before.
    of: Option<u64>,
    since: Instant,
    told: Option<Instant>,
}

impl Progress {
    pub(crate) fn start() -> Self {
        let shown = Shown { kind: "", done: 0, of: None, since: Instant::now(), told: None };
        Self { terminal: io::stderr().is_terminal(), shown: Mutex::new(shown) }
    }

    /// Another kind begins.
    pub(crate) fn begin(&self, kind: &'static str, of: Option<u64>) {
        *self.shown.lock() = Shown { kind, done: 0, of, since: Instant::now(), told: None };
    }

    /// So many more of the kind are done.
    pub(crate) fn more(&self, count: u64) {
        let mut shown = self.shown.lock();
        shown.done += count;
        if !self.terminal || shown.told.is_some_and(|told| told.elapsed() < EVERY) {
            return;
        }
        shown.told = Some(Instant::now());
        // Nobody is left to tell when stderr is gone.
        let _ = write!(io::stderr().lock(), "\r\x1b[2K{}", line(&shown, shown.since.elapsed()));
    }

    /// The line goes away.
    pub(crate) fn end(&self) {
        if self.terminal {
            let _ = write!(io::stderr().lock(), "\r\x1b[2K");
        }
    }
}

fn line(shown: &Shown, elapsed: Duration) -> String {
    let Shown { kind, done, of, .. } = shown;
    let rate = (*done as f64 / elapsed.as_secs_f64().max(0.001)).round();
    let Some(of) = of else { return format!("{kind:<18} {done}, {rate}/s") };
    let filled = (done * WIDTH).checked_div(*of).unwrap_or(WIDTH).min(WIDTH);
    let bar: String = (0..WIDTH).map(|n| if n < filled { '█' } else { '·' }).collect();
    format!("{kind:<18} {bar} {done}/{of}, {rate}/s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_shown_where_the_end_is_known() {
        let shown = |done, of| Shown { kind: "runs", done, of, since: Instant::now(), told: None };
        let second = Duration::from_secs(1);
        assert_eq!(line(&shown(7, None), second), "runs               7, 7/s");
        let half = line(&shown(5, Some(10)), second);
        assert!(
            half.contains(&format!("{}{}", "█".repeat(15), "·".repeat(15))) && half.ends_with(" 5/10, 5/s"),
            "{half}"
        );
        // What grew meanwhile fills it, and no more.
        assert!(line(&shown(12, Some(10)), second).contains(&"█".repeat(30)));
    }
}
