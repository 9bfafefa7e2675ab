//! What a graph looks like in a terminal.

use super::*;

fn workflow(comparisons: usize) -> WorkflowAnswer {
    let edge = |from: &str, to: &str, share: &str, change: &str| {
        format!(
            r#"{{"from":"{from}","to":"{to}","count":62,"errors":0,"share":{share},"before":{{"count":80,"share":0.8}},
            "change":{change},"series":[{{"start":"2025-11-21T01:00:00Z","count":1,"share":0.25}},
            {{"start":"2025-11-21T03:00:00Z","count":4,"share":1.0}}]}}"#
        )
    };
    let lower = r#"{"difference":-0.18,"p_value":0.0094,"verdict":"lower"}"#;
    let few = r#"{"difference":null,"p_value":null,"verdict":"too few"}"#;
    let edges = [
        edge("classify", "answer", "0.62", lower),
        edge("classify", "human", "0.38", few),
        edge("human", "", "null", few),
    ];
    let figures =
        r#""calls":41,"errors":10,"error_rate":0.2439,"duration_ms":{"mean":20.5,"p50":20,"p95":38,"p99":40}"#;
    serde_json::from_str(&format!(
        r#"{{"name":"support","projects":["shop"],"from":"2025-11-21T00:00:00Z","to":"2025-11-21T04:00:00Z",
        "before_from":"2025-11-20T20:00:00Z","bucket":"1h","decisions":124,"decisions_before":80,"nodes":[],
        "edges":[{}],"tools":[{{"name":"lookup","project":"shop",{figures},"before":{{{figures}}},
        "change":{{"difference":0.25,"p_value":0.00001,"verdict":"higher"}}}}],"retrievers":[],"truncated":false,
        "test":{{"name":"z test","source":"s","level":0.05,"comparisons":{comparisons},"least":30}}}}"#,
        edges.join(",")
    ))
    .unwrap()
}

fn shown(width: Option<usize>) -> String {
    render(&workflow(2), Terminal { width, colour: false })
}

#[test]
fn every_way_stands_below_its_node_with_its_share_and_its_change() {
    let text = shown(None);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "support: 124 decisions, 41 tool calls");
    assert_eq!(
        lines[3..7],
        [
            "from      to      count  share              before  change       p  verdict  over time",
            "classify  answer     62    62%  █████████▉     80%   -18pp  0.0094  lower     ▂ █",
            "          human      62    38%  ██████▏        80%                  too few   ▂ █",
            "human     (none)     62                        80%                  too few   ▂ █",
        ]
    );
    assert_eq!(
        lines[8..10],
        [
            "tool    project  calls    errors  before  change        p  verdict  mean   p50   p95  p95 before   p99",
            "lookup  shop        41  10 (24%)     24%   +25pp  <0.0001  higher   20ms  20ms  38ms        38ms  40ms",
        ]
    );
    assert!(
        lines[11].starts_with(
            "higher, lower: more than chance at 5 % over all 2 comparisons together, for one look (z test)."
        )
    );
}

#[test]
fn it_fits_a_narrow_terminal() {
    for width in [80, 100, 120] {
        let widest = shown(Some(width)).lines().take(10).map(|l| l.chars().count()).max().unwrap();
        assert!(widest <= width, "{width}: {widest}");
    }
    assert!(shown(Some(80)).contains("verdict") && !shown(Some(80)).contains("over time"));
}

#[test]
fn without_comparisons_it_says_what_a_verdict_needs() {
    let text = render(&workflow(0), Terminal { width: None, colour: false });
    assert!(text.ends_with("\nA verdict needs 30 decisions (or calls of a tool) in both windows.\n"), "{text}");
}

#[test]
fn bars_are_exact_to_an_eighth() {
    assert_eq!(
        (bar(0.0), bar(1.0), bar(0.5), bar(2.0)),
        (String::new(), "█".repeat(16), "█".repeat(8), "█".repeat(16))
    );
    assert_eq!(bar(1.0 / 128.0), "▏");
}
