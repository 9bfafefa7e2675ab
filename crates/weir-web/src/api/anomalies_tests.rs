use weir_core::anomaly::{AnomalyKind, AnomalyState, Severity};
use weir_core::time::DAY;

use super::anomalies_query::{list, next, open};

const NOW: i64 = 1_763_683_200_000_000;

fn pairs(text: &str) -> Vec<(String, String)> {
    let pair = |p: &str| p.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned())).unwrap();
    text.split('&').filter(|p| !p.is_empty()).map(pair).collect()
}

#[test]
fn a_list_is_read_from_its_parameters() {
    let asked = list(
        &pairs(
            "project=a&project=b&metric=cost_per_call&kind=rule&severity=warning&state=firing&since=7d&limit=5&wait=0s",
        ),
        NOW,
    )
    .unwrap();
    assert_eq!(asked.wait, 0);
    let query = asked.query;
    assert_eq!((query.projects.len(), query.limit, query.range.from), (2, 5, Some(NOW - 7 * DAY)));
    assert_eq!(query.kinds, [AnomalyKind::Rule]);
    assert_eq!((query.severity, query.state), (Some(Severity::Warning), Some(AnomalyState::Firing)));
    let usual = list(&pairs("state=resolved&severity=critical"), NOW).unwrap();
    assert_eq!((usual.query.limit, usual.wait), (100, 10_000_000));
    let open = open(&usual.query);
    assert_eq!((open.severity, open.state, open.limit), (Some(Severity::Warning), Some(AnomalyState::Firing), 1));
}

#[test]
fn what_is_wrong_is_named() {
    let refused = |text: &str| list(&pairs(text), NOW).unwrap_err().message;
    assert_eq!(
        refused("kind=spikes"),
        "parameter \"kind\": \"spikes\" is not one of spike, shift, proportion, drift, silence, rule"
    );
    for (wrong, named) in [
        ("severity=bad", "severity"),
        ("state=open", "state"),
        ("since=yesterday", "since"),
        ("since=1h&until=2h", "until"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=-1", "cursor"),
        ("cursor=-1.a", "cursor"),
        ("cursor=1.", "cursor"),
        ("wait=6m", "wait"),
        ("wait=-1s", "wait"),
        ("projet=a", "project"),
    ] {
        assert!(refused(wrong).contains(&format!("\"{named}\"")), "{wrong}: {}", refused(wrong));
    }
}

#[test]
fn a_page_that_is_not_full_is_the_last() {
    assert_eq!(next(&[], 10), None);
}
