//! Pages of traces in any order: what is missing comes last either way, then the newest come first, then ids decide.

use std::cmp::Ordering;

use weir_core::query::{Sort, Target};

use super::evaluate::{self, Found};
use crate::mlflow::errors::Refused;
use crate::mlflow::traces::info::TraceInfo;
use crate::mlflow::wire::{next_token, offset};

/// The page of a token out of all that were found.
pub(super) fn page(
    mut found: Vec<Found>,
    order: &[Sort],
    token: Option<&str>,
    most: usize,
) -> Result<(Vec<Found>, Option<String>), Refused> {
    let offset = offset(token)?;
    found.sort_by(|a, b| compare(&a.info, &b.info, order));
    let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
    let more = found.len() > skipped.saturating_add(most);
    let page = found.into_iter().skip(skipped).take(most).collect();
    Ok((page, more.then(|| next_token(offset.saturating_add(most as u64)))))
}

fn compare(a: &TraceInfo, b: &TraceInfo, order: &[Sort]) -> Ordering {
    let by = |sort: &Sort| {
        let missing_last = |a: bool, b: bool| b.cmp(&a);
        let order = match &sort.target {
            Target::Field(field @ ("at" | "duration" | "end")) => {
                let (a, b) = (evaluate::number(a, field), evaluate::number(b, field));
                match (a, b) {
                    (Some(a), Some(b)) => a.total_cmp(&b),
                    _ => return missing_last(a.is_some(), b.is_some()),
                }
            }
            Target::Field("experiment") => number(a).cmp(&number(b)),
            target => match (evaluate::text(a, target), evaluate::text(b, target)) {
                (Some(a), Some(b)) => a.cmp(b),
                (a, b) => return missing_last(a.is_some(), b.is_some()),
            },
        };
        if sort.descending { order.reverse() } else { order }
    };
    let said = order.iter().map(by).find(|order| order.is_ne()).unwrap_or(Ordering::Equal);
    said.then_with(|| b.request_time_ms.cmp(&a.request_time_ms)).then_with(|| a.trace_id.cmp(&b.trace_id))
}

fn number(info: &TraceInfo) -> i64 {
    info.experiment_id.parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_values_come_last_either_way() {
        let info = |id: &str, at: i64, ms: Option<i64>| TraceInfo {
            trace_id: id.to_owned(),
            request_time_ms: at,
            execution_ms: ms,
            ..TraceInfo::default()
        };
        let all = [info("a", 1, Some(5)), info("b", 2, None), info("c", 3, Some(7)), info("d", 3, Some(7))];
        let sorted = |descending| {
            let order = [Sort { target: Target::Field("duration"), descending }];
            let mut sorted: Vec<_> = all.iter().collect();
            sorted.sort_by(|a, b| compare(a, b, &order));
            sorted.iter().map(|info| info.trace_id.as_str()).collect::<String>()
        };
        assert_eq!((sorted(true), sorted(false)), ("cdab".to_owned(), "acdb".to_owned()));
    }
}
