//! What was found in a text, and putting labels in its place.

/// What stands in place of a finding. The operator's own patterns come after the built-in ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Label(pub(super) usize);

impl Label {
    pub(super) const SECRET: Self = Self(0);
    pub(super) const EMAIL: Self = Self(1);
    pub(super) const PHONE: Self = Self(2);
    pub(super) const CARD: Self = Self(3);
    pub(super) const IBAN: Self = Self(4);
    pub(super) const IP: Self = Self(5);

    /// The names of the built-in labels, in the order of their numbers.
    pub(super) const BUILTIN: [&'static str; 6] = ["SECRET", "EMAIL", "PHONE", "CARD", "IBAN", "IP"];
}

/// A finding: bytes `start..end` of the text, on character boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) label: Label,
}

impl Hit {
    pub(super) fn new(start: usize, end: usize, label: Label) -> Self {
        Self { start, end, label }
    }
}

/// Sorts the hits and joins those that overlap, so that nothing of either is left. A secret's label wins, then that of
/// the operator's own patterns, then the earlier one.
pub(super) fn join(hits: &mut Vec<Hit>) {
    hits.sort_unstable_by_key(|hit| (hit.start, std::cmp::Reverse(hit.end)));
    let strength = |label: Label| match label.0 {
        0 => 2,
        n if n >= Label::BUILTIN.len() => 1,
        _ => 0,
    };
    hits.dedup_by(|next, kept| {
        let overlaps = next.start < kept.end;
        if overlaps {
            kept.end = kept.end.max(next.end);
            if strength(next.label) > strength(kept.label) {
                kept.label = next.label;
            }
        }
        overlaps
    });
}

/// The text with a label in place of each hit; `hits` are joined and `replacement` gives the text of a label.
pub(super) fn replace<'a>(text: &str, hits: &[Hit], replacement: impl Fn(Label) -> &'a str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for hit in hits {
        out.push_str(text.get(from..hit.start).unwrap_or_default());
        out.push_str(replacement(hit.label));
        from = hit.end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}
