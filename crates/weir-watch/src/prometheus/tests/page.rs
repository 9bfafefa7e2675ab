//! A strict reader of both formats, for the tests.

use std::collections::{BTreeMap, BTreeSet};

/// A sample: its value and whether it has an exemplar.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) value: f64,
    pub(super) exemplar: bool,
}

/// The samples by name and labels, and the families' types.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) samples: BTreeMap<(String, BTreeMap<String, String>), Sample>,
    pub(super) types: BTreeMap<String, String>,
}

impl Page {
    /// Reads a page; panics on what no reader of Prometheus would take.
    pub(super) fn read(text: &str) -> Self {
        assert!(text.ends_with('\n'));
        let mut page = Self::default();
        let mut current = String::new();
        let mut closed = BTreeSet::new();
        for line in text.split_terminator('\n') {
            if line == "# EOF" {
                continue;
            }
            if let Some(comment) = line.strip_prefix("# ") {
                let mut words = comment.splitn(3, ' ');
                let (word, family, rest) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
                assert!(["HELP", "TYPE", "UNIT"].contains(&word), "{line}");
                if family != current {
                    assert!(closed.insert(family.to_owned()), "{family} stands twice");
                    family.clone_into(&mut current);
                }
                if word == "TYPE" {
                    assert!(page.types.insert(family.to_owned(), rest.to_owned()).is_none());
                }
                continue;
            }
            let (key, sample) = read_sample(line);
            let suffix = key.0.strip_prefix(&current).unwrap_or_else(|| panic!("{line} is not of {current}"));
            assert!(["", "_total", "_bucket", "_sum", "_count"].contains(&suffix), "{line} is not of {current}");
            assert!(page.samples.insert(key, sample).is_none(), "{line} stands twice");
        }
        page
    }

    /// The value of a sample; 0 when it is not there.
    pub(super) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        self.samples.get(&(name.to_owned(), labels)).map_or(0.0, |sample| sample.value)
    }

    /// The label sets of a sample's name.
    pub(super) fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a BTreeMap<String, String>, f64)> {
        self.samples.iter().filter(move |((n, _), _)| n == name).map(|((_, labels), sample)| (labels, sample.value))
    }
}

fn read_sample(line: &str) -> ((String, BTreeMap<String, String>), Sample) {
    let name_end = line.find(['{', ' ']).unwrap();
    let name = &line[..name_end];
    assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{line}");
    let mut rest = &line[name_end..];
    let mut labels = BTreeMap::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        while !rest.starts_with('}') {
            let (label, value) = rest.split_once("=\"").unwrap();
            let (text, after) = read_quoted(value);
            assert!(labels.insert(label.to_owned(), text).is_none(), "{line}");
            rest = after.strip_prefix(',').unwrap_or(after);
        }
        rest = &rest[1..];
    }
    let rest = rest.strip_prefix(' ').unwrap();
    let (value, exemplar) = rest.split_once(" # ").map_or((rest, None), |(value, exemplar)| (value, Some(exemplar)));
    if let Some(exemplar) = exemplar {
        let after = exemplar.strip_prefix("{trace_id=\"").unwrap();
        let (id, after) = read_quoted(after);
        assert!([16, 32].contains(&id.len()), "{line}");
        let numbers: Vec<f64> = after.strip_prefix("} ").unwrap().split(' ').map(|n| n.parse().unwrap()).collect();
        assert_eq!(numbers.len(), 2, "{line}");
    }
    ((name.to_owned(), labels), Sample { value: value.parse().unwrap(), exemplar: exemplar.is_some() })
}

/// The text up to the closing quote, and what follows the quote.
fn read_quoted(quoted: &str) -> (String, &str) {
    let mut text = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (text, &quoted[at + 1..]),
            '\\' => text.push(match chars.next().unwrap().1 {
                'n' => '\n',
                c @ ('\\' | '"') => c,
                c => panic!("\\{c}"),
            }),
            c => text.push(c),
        }
    }
    panic!("no end: {quoted}");
}
