//! What was taken out of a prompt, within a bound.

use serde::Serialize;

/// Most removals that are listed one by one.
const MOST_LISTED: usize = 64;
/// Most characters of each that are kept.
const MOST_CHARS: usize = 200;

/// Why something was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// Whitespace; one entry for each text.
    Whitespace,
    /// A block that stands above.
    Repeated,
    /// Whitespace between the parts of JSON.
    Json,
    /// Sentences of little relevance, up to the next one that stays.
    Extracted,
}

/// Something that was removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// The message's index; `None` for the system prompt of Messages and for a completion's prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<usize>,
    /// Why.
    pub what: What,
    /// Tokens that it took.
    pub tokens: u64,
    /// Its first 200 characters; empty for whitespace and JSON, where nothing else went.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// Tokens that each step took out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Saved {
    /// Whitespace.
    pub whitespace: u64,
    /// Blocks that stood again.
    pub repeated: u64,
    /// Whitespace of JSON.
    pub json: u64,
    /// Sentences.
    pub extracted: u64,
}

/// What compression did to a prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The prompt's tokens as it came, without tools and by Weir's own count.
    pub tokens_before: u64,
    /// The same of what is sent.
    pub tokens_after: u64,
    /// The most that it should have had after extraction, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<u64>,
    /// Whether the target could not be reached, because all that is left must not be touched.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub target_missed: bool,
    /// What each step saved, all removals together.
    pub saved: Saved,
    /// What was removed: at most 64 entries, so at most some 50 KiB of text.
    pub removed: Vec<Removed>,
    /// Further removals, not listed.
    #[serde(skip_serializing_if = "is_zero")]
    pub unlisted: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Collects removals.
#[derive(Default)]
pub(super) struct Collector {
    saved: Saved,
    removed: Vec<Removed>,
    unlisted: u64,
}

impl Collector {
    /// Whether one more would be listed; what is costly to know about it can be left out otherwise.
    pub(super) fn has_room(&self) -> bool {
        self.removed.len() < MOST_LISTED
    }

    /// Notes a removal.
    pub(super) fn add(&mut self, message: Option<usize>, what: What, tokens: u64, text: &str) {
        let total = match what {
            What::Whitespace => &mut self.saved.whitespace,
            What::Repeated => &mut self.saved.repeated,
            What::Json => &mut self.saved.json,
            What::Extracted => &mut self.saved.extracted,
        };
        *total += tokens;
        if self.has_room() {
            let text = text.trim().chars().take(MOST_CHARS).collect();
            self.removed.push(Removed { message, what, tokens, text });
        } else {
            self.unlisted += 1;
        }
    }

    /// The report, in the order of the steps.
    pub(super) fn into_report(self, tokens_before: u64, tokens_after: u64) -> Report {
        let Self { saved, removed, unlisted } = self;
        Report { tokens_before, tokens_after, saved, removed, unlisted, ..Report::default() }
    }
}
