use proptest::prelude::*;

use super::*;

fn of_endpoint(endpoint: Endpoint, body: &str) -> Option<Subject> {
    let scope = Scope { tenant: "key:a", namespace: "", endpoint, model: "m", variant: "" };
    subject(&scope, &Envelope::parse(body.as_bytes()).unwrap(), "openai/e")
}

fn chat(rest: &str) -> Option<Subject> {
    of_endpoint(Endpoint::Chat, &format!("{{\"model\":\"m\",{rest}}}"))
}

#[test]
fn only_the_last_message_may_differ() {
    let own = chat(r#""messages":[{"role":"system","content":"s"},{"role":"user","content":"Hi"}]"#).unwrap();
    assert_eq!(own.text, "Hi");
    let other = chat(r#""messages":[{"content":"s","role":"system"},{"role":"user","content":"Hello"}]"#).unwrap();
    assert_eq!(own.scope, other.scope);
    assert_eq!(other.text, "Hello");
    for different in [
        r#""messages":[{"role":"system","content":"t"},{"role":"user","content":"Hi"}]"#,
        r#""messages":[{"role":"user","content":"Hi"}]"#,
        r#""messages":[{"role":"system","content":"s"},{"role":"user","content":"Hi"}],"max_tokens":5"#,
        r#""messages":[{"role":"system","content":"s"},{"role":"user","content":"Hi"}],"response_format":{"type":"json_object"}"#,
    ] {
        assert_ne!(chat(different).unwrap().scope, own.scope, "{different}");
    }
    // Other embeddings are another scope.
    let body = br#"{"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"Hi"}]}"#;
    let scope = Scope { tenant: "key:a", namespace: "", endpoint: Endpoint::Chat, model: "m", variant: "" };
    let envelope = Envelope::parse(body).unwrap();
    assert_ne!(subject(&scope, &envelope, "openai/f").unwrap().scope, own.scope);
    assert_ne!(key::key(&scope, &envelope), own.scope);
}

#[test]
fn some_requests_are_never_compared() {
    let asked = r#""messages":[{"role":"user","content":"Hi"}]"#;
    assert!(chat(asked).is_some());
    for more in [
        r#""tools":[{"type":"function"}]"#,
        r#""functions":[{}]"#,
        r#""temperature":1.01"#,
        r#""temperature":"hot""#,
        r#""n":2"#,
        r#""modalities":["text","audio"]"#,
        r#""logprobs":true"#,
    ] {
        assert_eq!(chat(&format!("{asked},{more}")), None, "{more}");
    }
    for more in [r#""tools":[]"#, r#""tools":null"#, r#""temperature":1"#, r#""n":1"#, r#""logprobs":false"#] {
        assert!(chat(&format!("{asked},{more}")).is_some(), "{more}");
    }
    for messages in [
        "[]",
        r#"[{"role":"assistant","content":"Hi"}]"#,
        r#"[{"role":"user","content":"  "}]"#,
        r#"[{"role":"user","content":null}]"#,
        r#"[{"role":"user","content":"Hi","name":"ann"}]"#,
        r#"[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"u"}}]}]"#,
        r#"[{"role":"user","content":[{"type":"input_audio","text":"a"}]}]"#,
        r#"[{"role":"tool","content":"Hi","tool_call_id":"t"}]"#,
        "7",
    ] {
        assert_eq!(chat(&format!("\"messages\":{messages}")), None, "{messages}");
    }
    let long = format!(r#""messages":[{{"role":"user","content":"{}"}}]"#, "a".repeat(MAX_TEXT + 1));
    assert_eq!(chat(&long), None);
}

#[test]
fn each_endpoint_has_its_own_last_message() {
    let parts = r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},{"type":"text","text":"b"}]}]}"#;
    assert_eq!(of_endpoint(Endpoint::Messages, parts).unwrap().text, "a\nb");
    let text = of_endpoint(Endpoint::Responses, r#"{"model":"m","input":"H\u0069"}"#).unwrap();
    assert_eq!(text.text, "Hi");
    let list =
        r#"{"model":"m","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"Hi"}]}]}"#;
    assert_eq!(of_endpoint(Endpoint::Responses, list).unwrap(), text);
    assert_eq!(of_endpoint(Endpoint::Embeddings, r#"{"model":"m","input":"Hi"}"#), None);
    assert_eq!(of_endpoint(Endpoint::Completions, r#"{"model":"m","prompt":"Hi"}"#), None);
}

#[test]
fn the_nearest_of_its_scope_is_found() {
    let (a, b) = (Key([1; 32]), Key([2; 32]));
    let near = |x: f32, y: f32| normalised(&[x, y, 0.0]).unwrap();
    let mut index = Index::new(10);
    index.insert(a, Key([10; 32]), &near(1.0, 0.0));
    index.insert(a, Key([11; 32]), &near(1.0, 1.0));
    index.insert(b, Key([12; 32]), &near(1.0, 0.1));
    let (key, similarity) = index.best(&a, &near(1.0, 0.1), 0.9).unwrap();
    assert_eq!(key, Key([10; 32]));
    assert!((similarity - 0.995).abs() < 1e-3, "{similarity}");
    assert_eq!(index.best(&a, &near(1.0, 0.1), 0.999), None);
    assert_eq!(index.best(&b, &near(1.0, 0.1), 1.0).map(|(key, _)| key), Some(Key([12; 32])));
    assert_eq!(index.best(&a, &[1.0, 0.0], 0.0), None, "of another length");
    assert_eq!(index.best(&Key([3; 32]), &near(1.0, 0.0), 0.0), None);
    index.insert(a, Key([13; 32]), &[1.0]);
    assert_eq!(index.len(), 3, "of another length than its scope's");
}

#[test]
fn vectors_without_a_direction_are_none() {
    for wrong in [&[][..], &[0.0, 0.0], &[f32::NAN], &[f32::INFINITY, 1.0]] {
        assert_eq!(normalised(wrong), None, "{wrong:?}");
    }
    assert_eq!(normalised(&[3.0, 4.0]).unwrap(), [0.6, 0.8]);
    assert_eq!(normalised(&[1e-30, 0.0]).unwrap(), [1.0, 0.0]);
    assert_eq!(normalised(&vec![1.0; MAX_DIMENSIONS + 1]), None);
}

proptest! {
    #[test]
    fn it_is_as_a_list_would_be(steps in prop::collection::vec((0_u8..4, 0_u8..9, 0_u8..3, -9_i8..9, -9_i8..9), 0..120)) {
        let mut index = Index::new(5);
        // In the order of coming: key, scope, vector.
        let mut list: Vec<(u8, u8, Vec<f32>)> = Vec::new();
        for (what, n, scope, x, y) in steps {
            let Some(vector) = normalised(&[f32::from(x), f32::from(y), 0.5]) else { continue };
            list.retain(|(m, _, _)| *m != n);
            if what == 0 {
                index.remove(&Key([n; 32]));
            } else {
                list.push((n, scope, vector.clone()));
                if list.len() > 5 {
                    list.remove(0);
                }
                index.insert(Key([scope; 32]), Key([n; 32]), &vector);
            }
            prop_assert_eq!(index.len(), list.len());
            prop_assert!(index.order.len() <= 2 * 5 + 17);
            for scope in 0..3 {
                let wanted = list.iter().filter(|(_, s, _)| *s == scope).map(|(_, _, v)| dot(v, &vector)).max_by(f32::total_cmp);
                let found = index.best(&Key([scope; 32]), &vector, -1.0).map(|(_, similarity)| similarity);
                prop_assert_eq!(found, wanted.map(|w| w.min(1.0)));
            }
        }
    }
}
