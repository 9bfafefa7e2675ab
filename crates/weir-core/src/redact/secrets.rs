//! Secrets: asks the detector of each anchor that a text holds.

use super::anchors::{Anchor, Anchors};
use super::chars::{before, is_word};
use super::hits::Hit;
use super::{assigned, keys, pem};

/// Appends what is found.
pub(super) fn find(anchors: &Anchors, text: &str, hits: &mut Vec<Hit>) {
    let bytes = text.as_bytes();
    let mut from = 0;
    let mut look_on = [0; keys::KEYS.len()];
    for (anchor, start, end) in anchors.of(bytes) {
        if start < from {
            continue;
        }
        let hit = match anchor {
            Anchor::Key(which) => match look_on.get_mut(which) {
                Some(look_on) if start >= *look_on => match keys::at(bytes, which, start, end) {
                    Ok(hit) => Some(hit),
                    Err(at) => {
                        *look_on = at;
                        None
                    }
                },
                _ => None,
            },
            Anchor::Bearer => assigned::bearer(bytes, end),
            Anchor::Name => assigned::value(bytes, end),
            Anchor::Pem => pem::at(text, start, end),
            Anchor::Escape => None,
        };
        if let Some(hit) = hit {
            from = hit.end;
            hits.push(hit);
        }
    }
}

/// Whether the raw text of a JSON document may hold a secret in one of its strings. Errs only towards yes.
pub(super) fn may_hold(anchors: &Anchors, json: &[u8]) -> bool {
    anchors.of(json).any(|(anchor, start, end)| match anchor {
        // After a letter it is part of a word, unless the letter is that of an escape.
        Anchor::Key(_) => {
            let after_word = before(json, start).is_some_and(is_word);
            !after_word || json.get(..start).is_some_and(is_escape_before)
        }
        Anchor::Name => assigned::sign(json, end).is_some(),
        Anchor::Bearer | Anchor::Pem | Anchor::Escape => true,
    })
}

/// Whether a text ends with an escape such as `\n` or `\u00e9`.
fn is_escape_before(head: &[u8]) -> bool {
    head.iter().rev().take(6).any(|b| *b == b'\\')
}
