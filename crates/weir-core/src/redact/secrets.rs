//! Secrets: asks the detector of each anchor that a text holds.

use super::anchors::{Anchor, Anchors};
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
        };
        if let Some(hit) = hit {
            from = hit.end;
            hits.push(hit);
        }
    }
}
