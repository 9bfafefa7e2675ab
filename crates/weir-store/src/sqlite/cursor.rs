//! Where a page ended: the order it belongs to, the value and the seq of its last row. Opaque to callers.

use crate::telemetry::{OrderBy, StoreError};

/// The end of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) place: Place,
    pub(super) seq: i64,
}

/// What the last row is ordered by, besides its seq.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Ordered by start: the seq says all.
    Start,
    Value(i64),
    /// Among the rows without a value, which come last.
    Absent,
}

impl Cursor {
    /// For the caller to give back.
    pub(super) fn print(self, order: OrderBy, ascending: bool) -> String {
        let tag = tag(order, ascending);
        let seq = self.seq;
        match self.place {
            Place::Start => format!("{tag}.{seq:x}"),
            Place::Value(value) => format!("{tag}.{seq:x}.{value}"),
            Place::Absent => format!("{tag}.{seq:x}.-"),
        }
    }

    /// Reads a cursor of that order.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] when it is of another order, or none.
    pub(super) fn parse(text: &str, order: OrderBy, ascending: bool) -> Result<Self, StoreError> {
        let mut parts = text.split('.');
        let parsed = (|| {
            if parts.next()? != tag(order, ascending) {
                return None;
            }
            let digits = parts.next().filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
            let seq = i64::from_str_radix(digits, 16).ok()?;
            let place = match (parts.next(), order) {
                (None, OrderBy::Start) => Place::Start,
                (Some("-"), OrderBy::Latency | OrderBy::Cost | OrderBy::Tokens) => Place::Absent,
                (Some(value), OrderBy::Latency | OrderBy::Cost | OrderBy::Tokens) => Place::Value(value.parse().ok()?),
                _ => return None,
            };
            parts.next().is_none().then_some(Self { place, seq })
        })();
        parsed.ok_or_else(|| {
            StoreError::Unsupported("the cursor does not belong to this query: start again without one".into())
        })
    }
}

fn tag(order: OrderBy, ascending: bool) -> &'static str {
    match (order, ascending) {
        (OrderBy::Start, false) => "sd",
        (OrderBy::Start, true) => "sa",
        (OrderBy::Latency, false) => "ld",
        (OrderBy::Latency, true) => "la",
        (OrderBy::Cost, false) => "cd",
        (OrderBy::Cost, true) => "ca",
        (OrderBy::Tokens, false) => "td",
        (OrderBy::Tokens, true) => "ta",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_read_back_and_belong_to_one_order() {
        for place in [Place::Value(-3), Place::Absent] {
            let cursor = Cursor { place, seq: 77 };
            let text = cursor.print(OrderBy::Cost, false);
            assert_eq!(Cursor::parse(&text, OrderBy::Cost, false).unwrap(), cursor);
            assert!(Cursor::parse(&text, OrderBy::Cost, true).is_err());
            assert!(Cursor::parse(&text, OrderBy::Latency, false).is_err());
        }
        assert!(Cursor::parse("sd.7.5", OrderBy::Start, false).is_err());
        assert!(Cursor::parse("", OrderBy::Start, false).is_err());
    }
}
