//! Filters of figures: `trace.status = 'OK'`, `trace.tag.<key> = '...'`, `span.name = '...'`, `assessment.name = '...'`.

use weir_core::query::{Condition, Op, Operand, Target, Test};

use super::table::View;
use crate::mlflow::errors::Refused;

/// What a figure is narrowed to.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Narrowed {
    /// What must hold of the trace.
    pub(super) trace: Vec<Condition>,
    /// What must be equal of the span or the assessment: field and value.
    pub(super) item: Vec<(&'static str, String)>,
}

pub(super) fn read(filters: &[&str], view: View) -> Result<Narrowed, Refused> {
    let mut narrowed = Narrowed::default();
    for filter in filters {
        let fault = || Refused::invalid(format!("Invalid filter: '{filter}'. Expected one filter clause."));
        let (left, right) = filter.split_once('=').ok_or_else(fault)?;
        let left = left.trim();
        if left.ends_with(['!', '<', '>']) {
            return Err(Refused::invalid(format!("Invalid comparator in '{filter}', only '=' operator is supported")));
        }
        let value = quoted(right.trim()).ok_or_else(fault)?.to_owned();
        let mut parts = left.splitn(3, '.').map(|part| part.trim_matches(['`', '"']));
        let (of, entity, key) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next());
        let item_of = |wanted: View, name: &str| match view == wanted {
            true => Ok(()),
            false => Err(Refused::invalid(format!("Filtering by {name} is only supported for its own view type."))),
        };
        let target = match (of, entity, key) {
            ("trace", "status", None) => Target::Field("status"),
            ("trace", "tag", Some("mlflow.traceName")) => Target::Field("name"),
            ("trace", "tag", Some(key)) => Target::Entry("tags", key.to_owned()),
            ("trace", "metadata", Some("mlflow.sourceRun")) => Target::Field("run"),
            ("trace", "metadata", Some(key)) => Target::Entry("metadata", key.to_owned()),
            ("span", field @ ("name" | "status" | "type"), None) => {
                item_of(View::Spans, "span")?;
                narrowed.item.push((
                    if field == "name" {
                        "name"
                    } else if field == "type" {
                        "type"
                    } else {
                        "status"
                    },
                    value,
                ));
                continue;
            }
            ("assessment", field @ ("name" | "type"), None) => {
                item_of(View::Assessments, "assessment")?;
                narrowed.item.push((if field == "name" { "name" } else { "type" }, value));
                continue;
            }
            _ => {
                return Err(Refused::invalid(format!(
                    "Invalid identifier '{left}'. Columns should be specified as 'trace.<key>', 'span.<key>', \
                     'assessment.<key>'."
                )));
            }
        };
        narrowed.trace.push(Condition { target, test: Test::Compare(Op::Eq, Operand::Text(value)) });
    }
    Ok(narrowed)
}

fn quoted(text: &str) -> Option<&str> {
    let within = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote).filter(|inner| !inner.contains(quote));
    within('\'').or_else(|| within('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_read_or_refused() {
        let narrowed =
            read(&["trace.tag.`a.b` = 'x=y'", "trace.status='OK'", "span.type = \"LLM\""], View::Spans).unwrap();
        let text = |text: &str| Test::Compare(Op::Eq, Operand::Text(text.to_owned()));
        let expected = [
            Condition { target: Target::Entry("tags", "a.b".into()), test: text("x=y") },
            Condition { target: Target::Field("status"), test: text("OK") },
        ];
        assert_eq!(narrowed.trace, expected);
        assert_eq!(narrowed.item, [("type", "LLM".to_owned())]);
        for wrong in [
            "trace.status",
            "trace.status != 'OK'",
            "trace.status = OK",
            "trace.tag = 'x'",
            "foo.bar = 'x'",
            "assessment.name = 'x'",
        ] {
            assert!(read(&[wrong], View::Spans).is_err(), "{wrong}");
        }
    }
}
