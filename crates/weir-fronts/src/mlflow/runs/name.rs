//! Names of runs that were given none: `adjective-noun-NNN`.

use weir_core::id::RunId;

const ADJECTIVES: [&str; 32] = [
    "able", "amber", "bold", "brisk", "calm", "clear", "crisp", "deft", "eager", "early", "fair", "fleet", "gentle",
    "glad", "grand", "hardy", "keen", "kind", "lively", "lucid", "mellow", "merry", "neat", "noble", "proud", "quick",
    "quiet", "rapid", "sharp", "steady", "swift", "vivid",
];
const NOUNS: [&str; 32] = [
    "badger", "beaver", "bison", "crane", "dolphin", "eagle", "falcon", "finch", "fox", "gull", "hare", "heron",
    "ibis", "jay", "koala", "lark", "lemur", "lynx", "marten", "moose", "newt", "otter", "owl", "panda", "quail",
    "raven", "robin", "seal", "stork", "swan", "trout", "wren",
];

/// A name that the random part of an id gives.
pub(in crate::mlflow) fn generate(id: RunId) -> String {
    let random = u64::from_le_bytes(std::array::from_fn(|n| id.0[8 + n])) >> 8;
    let pick = |words: &[&'static str; 32], shift: u32| words[(random >> shift) as usize % 32];
    format!("{}-{}-{}", pick(&ADJECTIVES, 0), pick(&NOUNS, 8), (random >> 16) % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_three_parts_and_differ() {
        let names: std::collections::HashSet<String> = (0..50).map(|_| generate(RunId::new())).collect();
        assert!(names.len() > 40);
        for name in names {
            let parts: Vec<&str> = name.split('-').collect();
            assert_eq!(parts.len(), 3, "{name}");
            assert!(parts[2].parse::<u32>().unwrap() < 1_000);
        }
    }
}
