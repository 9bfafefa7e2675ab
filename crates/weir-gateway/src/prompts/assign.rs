//! Which version of a split a call gets. Pure, so that the same caller always gets the same one.

use sha2::{Digest, Sha256};
use weir_core::span::Span;

use crate::config::{SplitConfig, Sticky};

/// The version (or label) that a split assigns to a call; `None` when all weights are 0.
pub(crate) fn assigned<'a>(prompt: &str, split: &'a SplitConfig, span: &Span) -> Option<&'a str> {
    let total: u64 = split.versions.values().map(|weight| u64::from(*weight)).sum();
    if total == 0 {
        return None;
    }
    let (user, session) = (span.user.as_deref(), span.session.as_deref());
    let caller = match split.sticky {
        Sticky::User => user.or(session),
        Sticky::Session => session.or(user),
        Sticky::Call => None,
    };
    let mut place = match caller {
        Some(caller) => place(prompt, caller) % total,
        None => fastrand::u64(..total),
    };
    for (version, weight) in &split.versions {
        let weight = u64::from(*weight);
        if place < weight {
            return Some(version);
        }
        place -= weight;
    }
    None
}

/// A number that depends on the prompt too, so that splits of several prompts do not put the same callers together.
fn place(prompt: &str, caller: &str) -> u64 {
    let digest = Sha256::new().chain_update(prompt).chain_update([0]).chain_update(caller).finalize();
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(sticky: Sticky) -> SplitConfig {
        SplitConfig { versions: [("v1".to_owned(), 3), ("v2".to_owned(), 1)].into(), sticky }
    }

    #[test]
    fn a_caller_keeps_its_version_and_weights_hold() {
        let split = split(Sticky::User);
        let of = |n: u32| {
            let span = Span { user: Some(format!("user-{n}")), session: Some("s".into()), ..Span::default() };
            let first = assigned("greet", &split, &span).unwrap();
            assert!((0..5).all(|_| assigned("greet", &split, &span) == Some(first)));
            first
        };
        let ones = (0..4_000).filter(|n| of(*n) == "v1").count();
        assert!((2_850..3_150).contains(&ones), "{ones} of 4000 for a weight of 3 in 4");
    }

    #[test]
    fn a_session_can_be_what_binds() {
        let split = split(Sticky::Session);
        let of = |user: u32| Span { user: Some(user.to_string()), session: Some("s-9".into()), ..Span::default() };
        let first = assigned("greet", &split, &of(0));
        assert!((0..100).all(|user| assigned("greet", &split, &of(user)) == first));
        assert_eq!(assigned("greet", &SplitConfig::default(), &of(0)), None);
    }
}
