use super::*;

fn answer(versions: usize) -> CompareAnswer {
    let version = |name: &str| {
        format!(
            r#"{{"version":"{name}","first":null,"last":null,"calls":40,"cache_hits":0,"errors":4,"error_rate":0.1,
            "refused":0,"cancelled":0,"latency_ms":{{"n":36,"mean":812.4,"p50":800,"p95":1240}},
            "ttft_ms":{{"n":0,"mean":null}},"prompt_tokens":{{"n":36,"mean":203.04}},
            "completion_tokens":{{"n":36,"mean":54.8}},
            "cost_usd":{{"sum":null,"n":0,"mean":null,"unpriced":36}},"scores":{{"helpful":{{"n":3,"mean":0.5}}}}}}"#
        )
    };
    let difference = r#"{"version":"v2","metric":"error_rate","better":"lower","baseline":{"n":36,"mean":0.1},
        "this":{"n":36,"mean":0.2},"difference":0.1,"relative":1.0,"interval":[-0.05,0.25],"p_value":0.4,
        "verdict":"no difference found yet"},{"version":"v2","metric":"latency_ms","better":"lower",
        "baseline":{"n":36,"mean":812.4},"this":{"n":7,"mean":800.0},"difference":-12.4,"relative":-0.015,
        "interval":null,"p_value":null,"verdict":"too few calls"}"#;
    let versions: Vec<_> = ["v1", "v2"].iter().take(versions).map(|name| version(name)).collect();
    let differences = if versions.len() > 1 { difference } else { "" };
    serde_json::from_str(&format!(
        r#"{{"prompt":"greet","from":"a","to":"b","baseline":"v1","baseline_by":"most calls","calls":81,
        "without_version":1,"left_out":0,"truncated":false,"versions":[{}],"differences":[{differences}],
        "test":{{"name":"always-valid test","source":"s","confidence":0.95,"comparisons":2,"least":30,
        "planned":1000}}}}"#,
        versions.join(",")
    ))
    .unwrap()
}

#[test]
fn versions_differences_and_the_test_are_shown() {
    let shown = render(&answer(2), Terminal { width: None, colour: false });
    for wanted in [
        "v1 (baseline)",
        "4 (10%)",
        "812ms",
        "unknown",
        "helpful  v2            3  0.500",
        "+10pp",
        "-5.0pp to +25pp",
        "no difference found yet",
        "-12ms",
        "too few calls (7 of 30)",
        "Compared with v1 (most calls).",
        "always-valid test: looking again and again does not spoil it. 95 % confidence over all 2 comparisons",
        "Calls without a version, left out: 1.",
    ] {
        assert!(shown.contains(wanted), "{wanted} is missing in\n{shown}");
    }
}

#[test]
fn one_version_is_not_compared() {
    let shown = render(&answer(1), Terminal { width: Some(80), colour: false });
    assert!(shown.contains("nothing to compare") && !shown.contains("looking again"), "{shown}");
}
