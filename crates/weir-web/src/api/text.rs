//! Words in what was recorded: in names, errors, ids, and in the request and its answer.
//!
//! The store has no index of words. A search reads from the end that the list begins at, a bounded number of spans, and
//! says how far it came; `next` goes on from there. So a page may be short, or empty, and not be the last.

use weir_core::error::Error;
use weir_core::span::Span;
use weir_core::time::Micros;
use weir_store::telemetry::{SpanPage, SpanQuery, Telemetry};

use super::params::{self, NOT, Pairs, Param};
use super::read::refusal;

/// Spans that one search looks at.
const MOST_LOOKED_AT: usize = 2_000;
/// Spans that are read at once, payloads included.
const PIECE: usize = 100;
/// Most words of a search.
const MOST_WORDS: usize = 16;

/// The parameter, where words can be searched for.
pub(super) static TEXT: Param = Param {
    name: "text",
    about: "Words that stand in the request, the answer, the error, a name or an id, whatever their case; several must \
            all be found, and none of `not.text`. A bounded number of calls is looked at: go on with `next`",
    repeats: true,
};

/// Words that must all be found, and those that must not; none at all are found everywhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    wanted: Vec<String>,
    unwanted: Vec<String>,
}

/// A page of what was found.
pub(super) struct Found {
    pub(super) page: SpanPage,
    /// The start of the last span that was looked at, where `next` goes on.
    pub(super) searched_to: Option<Micros>,
}

impl Words {
    /// # Errors
    /// There are too many.
    pub(super) fn of(pairs: &Pairs) -> Result<Self, Error> {
        let of = |name: &str| params::all(pairs, name).map(str::to_lowercase).collect::<Vec<_>>();
        let words = Self { wanted: of(TEXT.name), unwanted: of(&format!("{NOT}{}", TEXT.name)) };
        let count = words.wanted.len() + words.unwanted.len();
        if count > MOST_WORDS {
            return Err(Error::invalid(
                TEXT.name,
                format!("parameter \"text\" is given {count} times: at most {MOST_WORDS} words can be asked for"),
            ));
        }
        Ok(words)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.unwanted.is_empty()
    }

    /// Whether a span has every word that is wanted, and no other.
    pub(super) fn are_in(&self, span: &Span) -> bool {
        if self.is_empty() {
            return true;
        }
        let texts = [
            &span.name,
            &span.error,
            &span.error_type,
            &span.model,
            &span.user,
            &span.session,
            &span.request_id,
            &span.prompt_name,
            &span.input,
            &span.output,
        ];
        let texts: Vec<String> = texts.into_iter().flatten().map(|text| text.to_lowercase()).collect();
        let has = |word: &String| texts.iter().any(|text| text.contains(word));
        self.wanted.iter().all(has) && !self.unwanted.iter().any(has)
    }

    /// Looks for them in what a query selects.
    ///
    /// # Errors
    /// The store cannot answer.
    pub(super) fn search(&self, store: &dyn Telemetry, query: &SpanQuery) -> Result<Found, Error> {
        let piece = PIECE.min(query.limit);
        let mut asked = SpanQuery { limit: piece, with_payload: true, ..query.clone() };
        let mut found = Found { page: SpanPage::default(), searched_to: None };
        let mut looked_at = 0;
        // A piece that might not fit is left to the next page, as a cursor stands only between pieces.
        while found.page.spans.len() + piece <= query.limit && looked_at < MOST_LOOKED_AT {
            let page = store.spans(&asked).map_err(refusal)?;
            looked_at += page.spans.len();
            found.searched_to = page.spans.last().and_then(|span| span.start_us).or(found.searched_to);
            found.page.spans.extend(page.spans.into_iter().filter(|span| self.are_in(span)));
            asked.cursor = page.next;
            if asked.cursor.is_none() {
                found.searched_to = None;
                break;
            }
        }
        found.page.next = asked.cursor;
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::super::calls_query;
    use super::super::fake::Fake;
    use super::*;

    fn pairs(words: &[&str]) -> Vec<(String, String)> {
        words.iter().map(|word| ("text".to_owned(), (*word).to_owned())).collect()
    }

    fn search(store: &Fake, words: &[&str], limit: usize) -> Found {
        let query = SpanQuery { limit, ..calls_query::list(&[], 0).unwrap() };
        Words::of(&pairs(words)).unwrap().search(store, &query).unwrap()
    }

    #[test]
    fn every_word_must_be_found_whatever_its_case() {
        let store = Fake::default();
        store.add("gpt-4o", "req-1");
        store.add("llama", "req-2");
        let names = |words: &[&str]| -> Vec<_> {
            search(&store, words, 50).page.spans.into_iter().filter_map(|s| s.request_id).collect()
        };
        assert_eq!(names(&["HELLO", "gpt"]), ["req-1"]);
        assert_eq!(names(&["hello"]).len(), 2);
        assert!(names(&["hello", "claude"]).is_empty());
        let without = [("text".to_owned(), "hello".to_owned()), ("not.text".to_owned(), "GPT".to_owned())];
        let query = calls_query::list(&[], 0).unwrap();
        let found = Words::of(&without).unwrap().search(&store, &query).unwrap().page.spans;
        assert_eq!(found.into_iter().filter_map(|s| s.request_id).collect::<Vec<_>>(), ["req-2"]);
    }

    #[test]
    fn a_search_is_bounded_and_goes_on() {
        let store = Fake::default();
        for n in 0..MOST_LOOKED_AT + 150 {
            store.add("gpt-4o", &format!("req-{n}"));
        }
        let first = search(&store, &["nowhere"], 200);
        assert!(first.page.spans.is_empty() && first.page.next.is_some());
        let query = SpanQuery { limit: 200, cursor: first.page.next, ..calls_query::list(&[], 0).unwrap() };
        let second = Words::of(&pairs(&["nowhere"])).unwrap().search(&store, &query).unwrap();
        assert!(second.page.next.is_none() && second.searched_to.is_none());
    }

    #[test]
    fn a_page_never_holds_more_than_was_asked_for() {
        let store = Fake::default();
        for n in 0..400 {
            store.add("gpt-4o", &format!("req-{n}"));
        }
        let found = search(&store, &["hello"], 250);
        assert_eq!(found.page.spans.len(), 200);
        assert!(found.page.next.is_some());
        assert_eq!(search(&store, &["hello"], 30).page.spans.len(), 30);
        let many = vec!["x"; MOST_WORDS + 1];
        assert!(Words::of(&pairs(&many)).is_err());
    }
}
