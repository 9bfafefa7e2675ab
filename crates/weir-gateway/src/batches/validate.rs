//! Reading a batch's input once through, before anything is run: what is wrong with it, or where each request stands.
//! Memory does not grow with the requests' sizes: of each only its place and a digest of its `custom_id` are kept.

use std::collections::HashMap;
use std::io::{self, BufRead, Read};

use sha2::{Digest, Sha256};
use weir_store::catalog::BatchProblem;

use super::line::{self, problem};

/// Most problems that are told.
const MAX_PROBLEMS: usize = 100;
/// What editors of some systems put before a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What an input must keep to.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    /// The path that all requests go to.
    pub endpoint: String,
    /// Most requests.
    pub max_requests: usize,
    /// Longest line.
    pub max_line: usize,
}

/// The place of a request in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// Of its first byte.
    pub offset: u64,
    /// Bytes.
    pub length: u32,
}

/// Where the requests of an input stand.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Their places, in order.
    pub slots: Vec<Slot>,
    /// Digest of `custom_id` → position in `slots`.
    pub ids: HashMap<[u8; 16], u32>,
    /// The model, when all name the same.
    pub model: Option<String>,
}

/// What stands for a `custom_id`.
pub(super) fn digest(custom_id: &str) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&Sha256::digest(custom_id.as_bytes())[..16]);
    short
}

/// Reads an input once through.
///
/// # Errors
/// When it cannot be read. What is wrong with it is the inner error.
pub(super) fn check<R: BufRead>(input: &mut R, rules: &Rules) -> io::Result<Result<Index, Vec<BatchProblem>>> {
    let mut index = Index::default();
    let mut problems = Vec::new();
    let mut models: Option<Option<String>> = None;
    let mut text = Vec::new();
    let (mut offset, mut number) = (0, 0);
    while problems.len() < MAX_PROBLEMS {
        text.clear();
        let length = input.by_ref().take((rules.max_line as u64).saturating_add(1)).read_until(b'\n', &mut text)?;
        if length == 0 {
            break;
        }
        number += 1;
        let place = offset;
        offset += length as u64;
        let at = |p: BatchProblem| BatchProblem { line: Some(number), ..p };
        if length > rules.max_line {
            let message = format!("the line is longer than {} bytes (gateway.max_body)", rules.max_line);
            problems.push(at(problem("line_too_long", None, message)));
            break;
        }
        let bare = if number == 1 { text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&text) } else { &text };
        if bare.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        if index.slots.len() >= rules.max_requests {
            let message = format!(
                "the file has more than {} requests (batches.max_requests); divide it over several batches",
                rules.max_requests
            );
            problems.push(problem("too_many_tasks", None, message));
            break;
        }
        match line::parse(bare, &rules.endpoint) {
            Err(flaw) => problems.push(at(flaw)),
            Ok(line) => {
                let here = u32::try_from(index.slots.len()).unwrap_or(u32::MAX);
                if index.ids.insert(digest(&line.custom_id), here).is_some() {
                    let message = format!("\"custom_id\" {:?} stands in an earlier line too", line.custom_id);
                    problems.push(at(problem("duplicate_custom_id", Some("custom_id"), message)));
                }
                let mark = (text.len() - bare.len()) as u64;
                let length = u32::try_from(bare.len()).unwrap_or(u32::MAX);
                index.slots.push(Slot { offset: place + mark, length });
                models = Some(match models {
                    None => line.model,
                    Some(before) => before.filter(|model| Some(model) == line.model.as_ref()),
                });
            }
        }
    }
    if index.slots.is_empty() && problems.is_empty() {
        problems.push(problem(
            "empty_file",
            None,
            "the file has no requests; write one JSON object per line".to_owned(),
        ));
    }
    if !problems.is_empty() {
        return Ok(Err(problems));
    }
    index.model = models.flatten();
    Ok(Ok(index))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        Rules { endpoint: "/v1/chat/completions".into(), max_requests: 3, max_line: 200 }
    }

    fn request(id: &str, model: &str) -> String {
        format!(r#"{{"custom_id":"{id}","method":"POST","url":"/v1/chat/completions","body":{{"model":"{model}"}}}}"#)
    }

    fn checked(text: &str) -> Result<Index, Vec<BatchProblem>> {
        check(&mut text.as_bytes(), &rules()).unwrap()
    }

    fn codes(text: &str) -> Vec<(String, Option<u64>)> {
        checked(text).unwrap_err().into_iter().map(|p| (p.code, p.line)).collect()
    }

    #[test]
    fn places_lead_back_to_the_lines() {
        let (a, b) = (request("a", "m"), request("b", "m"));
        let text = format!("\u{feff}{a}\r\n\n  \n{b}");
        let index = checked(&text).unwrap();
        let at = |slot: Slot| text[slot.offset as usize..][..slot.length as usize].trim_end();
        assert_eq!(index.slots.iter().map(|s| at(*s)).collect::<Vec<_>>(), [a, b]);
        assert_eq!((index.ids[&digest("a")], index.ids[&digest("b")]), (0, 1));
        assert_eq!(index.model.as_deref(), Some("m"));
        assert_eq!(checked(&format!("{}\n{}\n", request("a", "m"), request("b", "n"))).unwrap().model, None);
    }

    #[test]
    fn problems_name_their_lines() {
        let good = request("a", "m");
        assert_eq!(codes(""), [("empty_file".to_owned(), None)]);
        assert_eq!(codes("\n\n"), [("empty_file".to_owned(), None)]);
        assert_eq!(
            codes(&format!("{good}\nnonsense\n{good}\n")),
            [("invalid_json_line".to_owned(), Some(2)), ("duplicate_custom_id".to_owned(), Some(3))]
        );
        let four = ["a", "b", "c", "d"].map(|id| request(id, "m")).join("\n");
        assert_eq!(codes(&four), [("too_many_tasks".to_owned(), None)]);
        assert_eq!(codes(&"x".repeat(500)), [("line_too_long".to_owned(), Some(1))]);
        assert_eq!(codes(&"x\n".repeat(500)).len(), MAX_PROBLEMS);
    }
}
