use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

const SCOPE: Scope<'static> =
    Scope { tenant: "key:a", namespace: "", endpoint: Endpoint::Chat, model: "openai/gpt-4o", variant: "" };

fn of(body: &str) -> Key {
    key(&SCOPE, &Envelope::parse(body.as_bytes()).unwrap_or_else(|e| panic!("{body}: {e}")))
}

/// JSON as another program might write it: members in another order, whitespace, every escape that is allowed.
fn written_otherwise(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            out.push_str("{\n ");
            for (at, (name, value)) in members.iter().rev().enumerate() {
                if at > 0 {
                    out.push_str(" ,\t");
                }
                written_otherwise(&Value::String(name.clone()), out);
                out.push_str(" :\r\n");
                written_otherwise(value, out);
            }
            out.push_str(" }");
        }
        Value::Array(elements) => {
            out.push_str("[ ");
            for (at, value) in elements.iter().enumerate() {
                if at > 0 {
                    out.push_str(" , ");
                }
                written_otherwise(value, out);
            }
            out.push_str(" ]");
        }
        Value::String(text) => {
            out.push('"');
            for unit in text.encode_utf16() {
                out.push_str(&format!("\\u{unit:04X}"));
            }
            out.push('"');
        }
        other => out.push_str(&other.to_string()),
    }
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(Value::from("long ".repeat(400))),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(".{0,4}", inner, 0..5)
                .prop_map(|m| m.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

/// Every value that differs from `value` in one place.
fn changed(value: &Value) -> Vec<Value> {
    let mut all = vec![match value {
        Value::String(text) => Value::from(format!("{text}.")),
        Value::Array(elements) => Value::from([elements.as_slice(), &[Value::Null]].concat()),
        Value::Object(members) => {
            let mut more = members.clone();
            more.insert("a name that is new".to_owned(), Value::Null);
            more.into()
        }
        Value::Number(n) => json!(n.as_i64().unwrap_or(0).wrapping_add(1)),
        Value::Bool(b) => Value::from(!b),
        Value::Null => Value::from(0),
    }];
    match value {
        Value::Array(elements) => {
            for (at, element) in elements.iter().enumerate() {
                all.extend(changed(element).into_iter().map(|new| {
                    let mut copy = elements.clone();
                    copy[at] = new;
                    Value::from(copy)
                }));
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                all.extend(changed(member).into_iter().map(|new| {
                    let mut copy = members.clone();
                    copy.insert(name.clone(), new);
                    Value::from(copy)
                }));
            }
        }
        _ => {}
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn how_it_is_written_does_not_matter_and_what_it_says_does(value in values()) {
        let body = json!({"model": "m", "messages": value, "x": 1});
        let mut other = String::new();
        written_otherwise(&body, &mut other);
        let own = of(&body.to_string());
        prop_assert_eq!(own, of(&other));
        for change in changed(&body["messages"]) {
            let mut body = body.clone();
            body["messages"] = change;
            prop_assert_ne!(own, of(&body.to_string()), "{}", body);
        }
    }

    #[test]
    fn no_text_is_too_odd(body in "[\\[\\]{}:,\"\\\\a0 u]{0,40}") {
        // Whatever is an envelope has a digest, however deep or broken its strings are.
        let text = format!("{{\"a\":{body}}}");
        if let Ok(envelope) = Envelope::parse(text.as_bytes()) {
            prop_assert_eq!(key(&SCOPE, &envelope), key(&SCOPE, &envelope));
        }
    }
}

#[test]
fn what_does_not_change_the_answer_does_not_count() {
    let own = of(r#"{"model":"m","messages":[]}"#);
    let with = r#"{"stream":true,"stream_options":{"include_usage":true},"user":"u","metadata":{"a":1},
        "cache":{"ttl":1},"safety_identifier":"s","prompt_cache_key":"p","messages":[],"model":"m"}"#;
    assert_eq!(own, of(with));
    for member in ["\"store\":true", "\"service_tier\":\"flex\"", "\"temperature\":0", "\"seed\":1", "\"n\":1"] {
        assert_ne!(own, of(&format!(r#"{{"model":"m","messages":[],{member}}}"#)), "{member}");
    }
    // Within a value the same names count.
    assert_ne!(of(r#"{"a":{"user":1}}"#), of(r#"{"a":{"user":2}}"#));
    // As the last one wins, the order of equal names counts.
    assert_ne!(of(r#"{"a":{"b":1,"b":2}}"#), of(r#"{"a":{"b":2,"b":1}}"#));
    // Numbers count as written.
    assert_ne!(of(r#"{"a":9007199254740993}"#), of(r#"{"a":9007199254740992}"#));
    assert_ne!(of(r#"{"a":"\ud800"}"#), of(r#"{"a":"\ud801"}"#));
}

#[test]
fn every_part_of_the_scope_counts_and_none_runs_into_another() {
    let body = br#"{"model":"m"}"#;
    let envelope = Envelope::parse(body).unwrap();
    let scopes = [
        SCOPE,
        Scope { tenant: "key:b", ..SCOPE },
        Scope { namespace: "n", ..SCOPE },
        Scope { endpoint: Endpoint::Messages, ..SCOPE },
        Scope { model: "azure/gpt-4o", ..SCOPE },
        Scope { variant: "anthropic-beta:x\n", ..SCOPE },
        Scope { tenant: "key:an", ..SCOPE },
        Scope { tenant: "key:a", namespace: "nn", ..SCOPE },
        Scope { tenant: "key:an", namespace: "n", ..SCOPE },
    ];
    let mut keys: Vec<_> = scopes.iter().map(|scope| key(scope, &envelope)).collect();
    keys.push(digest(b's', &SCOPE, &envelope, "", &[]));
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), scopes.len() + 1);
}

#[test]
fn depth_costs_no_stack_and_sorting_no_square() {
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200_000), "]".repeat(200_000));
    assert_ne!(of(&deep), of(&deep.replace('1', "2")));
    // Each level holds its members the wrong way round, with all that is deeper in one of them.
    let mut body = "\"x\"".to_owned();
    for _ in 0..60 {
        body = format!("{{\"b\":{body},\"a\":\"{}\"}}", "y".repeat(2_000));
    }
    assert_ne!(of(&format!("{{\"a\":{body}}}")), of(&format!("{{\"a\":{}}}", body.replace('x', "z"))));
}

#[test]
fn two_keys_never_share_unless_configuration_says_so() {
    let key = |name: &str, department: Option<&str>| Identity {
        name: name.to_owned(),
        department: department.map(str::to_owned),
        ..Identity::anonymous()
    };
    let (a, b) = (key("a", Some("sales")), key("b", Some("sales")));
    assert_ne!(tenant(CacheScope::Key, &a, None, None), tenant(CacheScope::Key, &b, None, None));
    assert_eq!(tenant(CacheScope::Department, &a, None, None), tenant(CacheScope::Department, &b, None, None));
    assert_ne!(tenant(CacheScope::Project, &a, None, None), tenant(CacheScope::Project, &b, None, None));
    assert_ne!(
        tenant(CacheScope::Department, &key("a", None), None, None),
        tenant(CacheScope::Department, &key("b", None), None, None)
    );
    assert_ne!(tenant(CacheScope::User, &a, None, Some("u")), tenant(CacheScope::User, &b, None, Some("u")));
    assert_ne!(tenant(CacheScope::User, &a, None, Some("u")), tenant(CacheScope::User, &a, None, Some("v")));
    assert_eq!(tenant(CacheScope::Shared, &a, None, Some("u")), tenant(CacheScope::Shared, &b, None, Some("v")));
    // A key named like a department opens nothing.
    assert_ne!(
        tenant(CacheScope::Key, &key("department:sales", None), None, None),
        tenant(CacheScope::Department, &a, None, None)
    );
}

#[test]
fn without_keys_only_the_same_credential_shares() {
    let nobody = Identity::anonymous();
    let named = hex::encode(access::digest(b"alice"));
    let of = |scope, key: Option<&[u8]>, user| tenant(scope, &nobody, key, user);
    for scope in [CacheScope::Key, CacheScope::User, CacheScope::Department, CacheScope::Project] {
        let alice = of(scope, Some(b"alice"), None);
        assert_eq!(alice, of(scope, Some(b"alice"), None), "{scope:?}");
        assert!(!alice.contains("alice"), "{scope:?}: {alice}");
        assert_ne!(alice, of(scope, Some(b"mallory"), None), "{scope:?}");
        assert_ne!(alice, of(scope, None, None), "{scope:?}");
        // Nor does it help to name the other's digest as user.
        assert_ne!(alice, of(scope, None, Some(&named)), "{scope:?}");
    }
    let shared = CacheScope::Shared;
    assert_eq!(of(shared, Some(b"alice"), None), of(shared, Some(b"mallory"), None));
}

#[test]
fn headers_that_go_upstream_count_but_for_those_of_the_client_itself() {
    let of = |pairs: &[(&'static str, &[u8])]| {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, http::HeaderValue::from_bytes(value).unwrap());
        }
        variant(&headers)
    };
    let plain = of(&[("anthropic-version", b"2023-06-01"), ("authorization", b"Bearer a")]);
    let same = of(&[
        ("user-agent", b"sdk/2"),
        ("accept", b"*/*"),
        ("accept-encoding", b"br"),
        ("accept-language", b"de"),
        ("x-stainless-retry-count", b"1"),
        ("x-request-id", b"r2"),
        ("x-client-request-id", b"r3"),
        ("x-weir-user", b"ann"),
        ("traceparent", b"00-1"),
        ("idempotency-key", b"i"),
        ("anthropic-version", b"2023-06-01"),
    ]);
    assert_eq!(plain, same);
    for (name, value) in [
        ("anthropic-version", &b"2024-01-01"[..]),
        ("anthropic-beta", b"x"),
        ("openai-organization", b"o"),
        ("x-system-prompt", b"be rude"),
        ("x-session-id", b"s"),
    ] {
        let one = of(&[("anthropic-version", b"2023-06-01"), (name, value)]);
        assert_ne!(plain, one, "{name}");
    }
    // The order of names does not count, that of the values of one name does; no two values look alike.
    assert_eq!(of(&[("x-a", b"1"), ("x-b", b"2")]), of(&[("x-b", b"2"), ("x-a", b"1")]));
    assert_ne!(of(&[("x-a", b"1"), ("x-a", b"2")]), of(&[("x-a", b"2"), ("x-a", b"1")]));
    assert_ne!(of(&[("x-a", b"\xff")]), of(&[("x-a", b"\xfe")]));
}
