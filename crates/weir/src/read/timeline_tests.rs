//! What a path looks like in a terminal.

use super::*;

fn path() -> PathAnswer {
    let step = |kind: &str, depth: usize, offset: &str, took: &str, gap: &str, more: &str| {
        format!(
            r#"{{"kind":"{kind}","name":"n","trace_id":"t","span_id":"s","parent_id":null,"depth":{depth},
            "request_id":"r","workflow":null,"timestamp":null,"offset_ms":{offset},"duration_ms":{took},"gap_ms":{gap},
            "error_type":null,{more}}}"#
        )
    };
    let branch = r#""status":"success","error":null,"call":null,"tool":null,
        "branch":{"from":"classify","to":"lookup","condition":"score > 0.5","result":true}"#;
    let tool = r#""status":"error","error":"no such\norder","branch":null,"call":null,"tool":"crm""#;
    let call = r#""status":"success","error":null,"branch":null,"tool":null,"call":{"provider":"openai","model":"gpt-4o",
        "tokens":{"prompt":120,"completion":45,"total":165,"cached":0,"cache_write":0,"reasoning":0,"audio_in":0,
        "audio_out":0},"cost_usd":0.0012,"cache_hit":false}"#;
    let open = r#""status":"pending","error":null,"branch":null,"call":null,"tool":null"#;
    let steps = [
        step("chain", 0, "0", "null", "null", open),
        step("branch", 1, "1", "0", "1", branch),
        step("tool", 1, "10", "40", "9", tool),
        step("llm", 1, "50", "50", "0", call),
    ];
    serde_json::from_str(&format!(
        r#"{{"request_id":"r","trace_ids":["aa","bb"],"timestamp":null,"total_ms":100.0,"calls":1,
        "tokens":{{"prompt":120,"completion":45,"total":165,"cached":0,"cache_write":0,"reasoning":0,"audio_in":0,
        "audio_out":0}},"cost_usd":0.0012,"unpriced":0,"errors":1,"pending":1,"truncated":false,"steps":[{}]}}"#,
        steps.join(",")
    ))
    .unwrap()
}

#[test]
fn steps_stand_below_each_other_with_the_time_between_them() {
    let text = render(&path(), Terminal { width: None, colour: false });
    assert_eq!(
        text,
        "request r: 4 steps in 100ms, 1 call, 165 tokens, $0.001200, 1 error, 1 pending\n\
         traces aa and 1 more\n\
         \n   \
            at     gap   took                        kind    step                 what                      status\n\
         0.0ms                 ████████████████████  chain   n                                              pending\n\
         1.0ms  +1.0ms  0.0ms  ◆                     branch    classify → lookup  score > 0.5 = true        ok\n \
          10ms  +9.0ms   40ms    ████████            tool      crm                no such order             error\n \
          50ms           50ms            ██████████  llm       openai/gpt-4o      120→45 tokens, $0.001200  ok\n"
    );
}

#[test]
fn it_fits_a_narrow_terminal() {
    for width in [80, 120] {
        let widest =
            render(&path(), Terminal { width: Some(width), colour: false }).lines().map(|l| l.chars().count()).max();
        assert!(widest <= Some(width), "{width}: {widest:?}");
    }
}
