use proptest::prelude::*;

use super::*;

fn both() -> Redactor {
    Redactor::new(&RedactOptions { personal: true, secrets: true, custom: Vec::new() }).unwrap()
}

fn check(cases: &[(&str, &str)]) {
    let redactor = both();
    for (text, expected) in cases {
        assert_eq!(redactor.text(text), *expected, "{text}");
    }
}

fn stays(texts: &[&str]) {
    let redactor = both();
    for text in texts {
        assert!(matches!(redactor.text(text), Cow::Borrowed(_)), "{text} became {}", redactor.text(text));
    }
}

#[test]
fn emails() {
    check(&[
        ("mail jane.doe+x@example.co.uk.", "mail [EMAIL]."),
        ("<a@b.io>,\"c_d@e-f.com\";", "<[EMAIL]>,\"[EMAIL]\";"),
        ("user=a@b.com&x", "user=[EMAIL]&x"),
        ("josé@example.com", "[EMAIL]"),
        ("“a@b.com”", "“[EMAIL]”"),
        ("...a@b.com-x", "...[EMAIL]-x"),
        ("a@b.com@c.org", "[EMAIL]"),
    ]);
    stays(&["@user", "a@b", "node@18.0.1", "@types/node", "x @ y.com", "a@-b.com", "1@2.3", "@", "a@.com"]);
}

#[test]
fn phones() {
    check(&[
        ("call +49 30 1234567 now", "call [PHONE] now"),
        ("+1 (415) 555-2671", "[PHONE]"),
        ("tel:+14155552671", "tel:[PHONE]"),
        ("(415) 555-2671", "[PHONE]"),
        ("415-555-2671, 415.555.2671", "[PHONE], [PHONE]"),
        ("1-800-555-0199", "[PHONE]"),
        ("01 23 45 67 89", "[PHONE]"),
        ("030 1234567 or 020 7946 0958", "[PHONE] or [PHONE]"),
        ("(030) 1234567", "[PHONE]"),
        ("0171/1234567", "[PHONE]"),
        ("0049 30 1234567", "[PHONE]"),
        ("in 2024 415-555-2671", "in 2024 [PHONE]"),
    ]);
    stays(&[
        "1763683200",
        "1763683200123",
        "2024-08-06 12:34:56",
        "2024-08-06T12:34:56.123456Z",
        "3.14159265358979",
        "01-02-2024 10:00",
        "550e8400-e29b-41d4-a716-446655440000",
        "12345678",
        "chatcmpl-4155552671",
        "300 400 5000",
        "0.123456789",
        "v1.2.3",
        "order 4155552671",
        "1,234,567,890",
        "100-200-3000",
        "1e+12345678",
        "2024/08/06",
        "10:20:30",
        "007",
        "req_011-222-3333",
        "192.168.1",
        "20240806",
        "(1990)",
        "GPT-4 2024-05-13",
    ]);
}

#[test]
fn cards() {
    check(&[
        ("4111111111111111", "[CARD]"),
        ("4111 1111 1111 1111 12/27", "[CARD] 12/27"),
        ("5555-5555-5555-4444.", "[CARD]."),
        ("3782 822463 10005", "[CARD]"),
        ("(6011000990139424)", "([CARD])"),
        ("pay 12 4111 1111 1111 1111", "pay 12 [CARD]"),
        ("2223003122003222", "[CARD]"),
    ]);
    stays(&[
        "4111111111111112",
        "x4111111111111111",
        "0.4111111111111111",
        "4111111111111111.5",
        "1763683200123456789",
    ]);
}

#[test]
fn ibans() {
    check(&[
        ("DE89 3704 0044 0532 0130 00", "[IBAN]"),
        ("GB82WEST12345698765432,", "[IBAN],"),
        ("iban:FR1420041010050500013M02606", "iban:[IBAN]"),
        ("nl91abna0417164300", "[IBAN]"),
    ]);
    stays(&["DE88370400440532013000", "DE8937040044053201300", "XX89370400440532013000", "MODE89370400440532013000"]);
}

#[test]
fn addresses() {
    check(&[
        ("from 203.0.113.7:8080.", "from [IP]:8080."),
        ("http://10.0.0.1/x", "http://[IP]/x"),
        ("2001:db8::1", "[IP]"),
        ("[fe80::1ff:fe23:4567:890a]:443", "[[IP]]:443"),
        ("ip=2001:0db8:85a3:0000:0000:8a2e:0370:7334,", "ip=[IP],"),
        ("::ffff:192.0.2.1", "[IP]"),
    ]);
    stays(&[
        "Chrome/120.0.0.0",
        "1.2.3.4.5",
        "256.1.1.1",
        "12:34:56",
        "std::fs::read",
        "a::b",
        "::1",
        "::",
        "v1.2.3.4",
        "00:1a:2b:3c:4d:5e",
        "dead::beef",
        "10:20",
        ":::::::",
        "1:2",
    ]);
}

#[test]
fn keys_of_vendors() {
    check(&[
        ("sk-abcdefghijklmnopqrstuvwx12345678", "[SECRET]"),
        ("key sk-proj-Ab12_cd34-EfGh5678IjKl9012MnOp3456!", "key [SECRET]!"),
        ("sk-ant-api03-abcDEF123456789abcDEF123456789-AA", "[SECRET]"),
        ("gsk_abcdefghijklmnopqrst1234", "[SECRET]"),
        ("AIzaSyA1234567890abcdefghijklmnopqrstuv", "[SECRET]"),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "[SECRET]"),
        ("github_pat_11ABCDEFG0abcdefghij_klmnop", "[SECRET]"),
        ("xoxb-1234567890-abcdef", "[SECRET]"),
        ("AKIAIOSFODNN7EXAMPLE", "[SECRET]"),
        ("AKIAIOSFODNN7EXAMPLE,wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY;", "[SECRET];"),
        ("glpat-abcdefghij1234567890", "[SECRET]"),
        ("hf_abcdefghijklmnopqrstuvwxyzABCDEFGH", "[SECRET]"),
        ("npm_abcdefghijklmnopqrstuvwxyz0123456789", "[SECRET]"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U", "[SECRET]"),
    ]);
    stays(&[
        "risk-averse",
        "sk-estimator-doc-link",
        "sk-learn-tutorial-2024-for-beginners",
        "task-sk",
        "hf_hub",
        "npm_config",
        "eyJ",
        "AKIA",
        "max_tokens",
        "AKIAIOSFODNN7EXAMPLES",
    ]);
}

#[test]
fn assigned_secrets() {
    check(&[
        ("password=hunter2&x=1", "password=[SECRET]&x=1"),
        ("Password: hunter2", "Password: [SECRET]"),
        ("DB_PASSWORD='p w d'", "DB_PASSWORD='[SECRET]'"),
        (r#"{"api_key": "abc"}"#, r#"{"api_key": "[SECRET]"}"#),
        (r#"{\"client_secret\":\"abc\"}"#, r#"{\"client_secret\":\"[SECRET]\"}"#),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "aws_secret_access_key = [SECRET]"),
        ("Authorization: Bearer abc123def456", "Authorization: Bearer [SECRET]"),
        ("bearer abcdefghijklmnopqrstuvwxyz", "bearer [SECRET]"),
    ]);
    stays(&[
        "Password: must be long",
        "the bearer of news",
        "password = read_password()",
        "password",
        "secret:",
        "a secret = b",
        "api_key=os.environ[\"K\"]",
        "password=$PASSWORD",
        "password: null",
        "passwords are secret",
        "password=\"\"",
        "\"max_tokens\": 100",
        "password=[SECRET]",
        "password=***",
    ]);
}

#[test]
fn private_keys() {
    let pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIE/abc+=\nabc\n-----END RSA PRIVATE KEY-----";
    check(&[
        (&format!("x {pem}\ny"), "x [SECRET]\ny"),
        ("-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----\\n", "[SECRET]\\n"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nabc", "[SECRET]"),
    ]);
    stays(&["-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----", "BEGIN PRIVATE KEY"]);
}

#[test]
fn json_keeps_everything_else() {
    let redactor = both();
    let json = r#"{ "a@b.com" : 4111111111111111, "é\ud83d": ["\nfoo\u0040bar.com\/\"x\"", 1.50,
        "\ud83d stays"], "password" : "hunter2", "token":{"password":""}, "args":"{\"password\":\"p\"}" }"#;
    let expected = r#"{ "a@b.com" : 4111111111111111, "é\ud83d": ["\n[EMAIL]\/\"x\"", 1.50,
        "\ud83d stays"], "password" : "[SECRET]", "token":{"password":""}, "args":"{\"password\":\"[SECRET]\"}" }"#;
    let (out, found) = redactor.json_counted(json);
    assert_eq!(out, expected);
    assert_eq!(found, Found::from([("EMAIL", 1), ("SECRET", 2)]));
    assert!(matches!(redactor.json(expected), Cow::Borrowed(_)));
    for broken in ["\"a@b.com", "{\"a\":\"\\", "\"\\u00\"", "\"", ""] {
        let _ = redactor.json(broken);
    }
}

#[test]
fn escapes_hide_nothing_from_the_probe() {
    let (redactor, reference) = (both(), without_probe());
    for secret in [
        "sk-abcdefghijklmnopqrstuvwx12345678",
        "glpat-abcdefghij1234567890",
        "DB_PASSWORD = hunter2",
        "Bearer\tabc123def456",
        "bearer ab/cd+ef=1",
        "-----BEGIN PRIVATE KEY-----",
        "AKIAIOSFODNN7EXAMPLE",
    ] {
        for (at, c) in secret.char_indices() {
            let (head, tail) = (&secret[..at], &secret[at + 1..]);
            for json in [
                format!("[\"{head}\\u{:04x}{tail}\"]", u32::from(c)),
                format!("[\"{head}\\u{:04X}{tail}\"]", u32::from(c)),
            ] {
                let json = json.replace('\t', "\\t");
                assert!(reference.json(&json).contains("[SECRET]"), "{json}");
                assert!(redactor.json(&json).contains("[SECRET]"), "{json}");
            }
        }
    }
}

/// Long texts that would take minutes if any part of them was gone through once for each other part.
#[test]
fn hostile_texts_take_linear_time() {
    for unit in ["bearer", "rer", "a:", "=", "\\u00", "sk-", "xox", "password", "PRIVATE KEY", "\"\\", ": "] {
        let text = unit.repeat(1_000_000 / unit.len());
        let _ = both().text(&text);
        let _ = both().json(&format!("[\"{text}\"]"));
    }
}

#[test]
fn what_is_off_stays() {
    let off = Redactor::new(&RedactOptions::default()).unwrap();
    assert!(off.is_off());
    assert_eq!(off.json(r#"["a@b.com password=hunter2"]"#), r#"["a@b.com password=hunter2"]"#);
    let secrets = Redactor::new(&RedactOptions { secrets: true, ..RedactOptions::default() }).unwrap();
    assert_eq!(secrets.text("a@b.com password=hunter2"), "a@b.com password=[SECRET]");
}

#[test]
fn custom_patterns() {
    let custom = vec![("EMP\"1".to_owned(), r"\bE\d{4}\b".to_owned())];
    let redactor = Redactor::new(&RedactOptions { custom, ..RedactOptions::default() }).unwrap();
    assert_eq!(redactor.text("E1234"), "[EMP\"1]");
    assert_eq!(redactor.json(r#"{"a":"\tE1234"}"#), r#"{"a":"\t[EMP\"1]"}"#);
    let bad = RedactOptions { custom: vec![("X".to_owned(), "(".to_owned())], ..RedactOptions::default() };
    assert!(Redactor::new(&bad).unwrap_err().to_string().contains("\"X\""));
}

fn planted() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z][a-z0-9]{0,8}@[a-z]{2,8}\\.(com|org|co\\.uk)",
        "sk-[A-Za-z]{10}[0-9][A-Za-z0-9]{20}",
        "sk-ant-api03-[A-Za-z0-9]{30}[0-9]",
        "(ghp|gho)_[A-Za-z0-9]{36}",
        "glpat-[A-Za-z0-9]{20}",
        "AKIA[A-Z0-9]{16}",
        "\\+49 30 [1-9][0-9]{6}",
        "[2-9][0-9]{2}-[2-9][0-9]{2}-[0-9]{4}",
        Just("4111 1111 1111 1111".to_owned()),
        Just("378282246310005".to_owned()),
        Just("DE89370400440532013000".to_owned()),
        Just("203.0.113.77".to_owned()),
        Just("2001:db8::8a2e:370:7334".to_owned()),
    ]
}

fn json_value() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let text = prop_oneof![any::<String>(), planted(), "[ -~]{0,40}", "[@.:+0-9a-f\\-\"\\\\ ]{0,30}"];
    let leaf = prop_oneof![text.prop_map(Value::from), any::<i64>().prop_map(Value::from), Just(Value::Null)];
    leaf.prop_recursive(3, 20, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-z@.\"\\\\]{0,8}|password", inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The document with every string value taken out.
fn shape(value: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::String(_) => Value::from(""),
        Value::Array(all) => all.iter().map(shape).collect(),
        Value::Object(members) => Value::Object(members.iter().map(|(k, v)| (k.clone(), shape(v))).collect()),
        other => other.clone(),
    }
}

/// A redactor that walks through every text, whether or not it may hold something.
fn without_probe() -> Redactor {
    let mut redactor = Redactor::new(&RedactOptions { secrets: true, ..RedactOptions::default() }).unwrap();
    assert!(redactor.anchors.as_mut().unwrap().take_probe().is_some(), "this machine lacks the vector instructions");
    redactor
}

/// Pieces that make secrets, or nearly, when put together.
fn near_secret() -> impl Strategy<Value = String> {
    let cased = |words: &'static [&'static str]| {
        (prop::sample::select(words), any::<u32>()).prop_map(|(word, upper)| {
            let letter = |(at, c): (usize, char)| if upper >> at & 1 == 1 { c.to_ascii_uppercase() } else { c };
            word.chars().enumerate().map(letter).collect()
        })
    };
    prop_oneof![
        4 => prop::sample::select(keys::KEYS.iter().map(|key| key.prefix.to_owned()).collect::<Vec<_>>()),
        4 => cased(&["bearer", "bearer ", "authorization", "-----begin ", "password", "pwd", "secret", "access_token"]),
        3 => cased(&["api_key", "apikey", "api-key", "access-key", "passphrase", "passwd", "authtoken", "private_key"]),
        2 => Just("PRIVATE KEY-----".to_owned()),
        2 => Just("-----BEGIN ".to_owned()),
        3 => planted(),
        6 => "[=:]",
        6 => "[-_\"'`\\\\\\] \t\n>/.é\u{1f600}&<]{1,3}",
        4 => "[A-Za-z0-9]{1,40}",
        1 => "[a-z_]{25,40}",
        1 => r"\\u00[0-9a-f]{2}",
        1 => any::<String>(),
    ]
}

/// The same document with some characters of its strings written as escapes.
fn escape_some(json: &str, which: u64) -> String {
    let escape = |(at, c): (usize, char)| {
        let fits = c == '/' || c.is_ascii_alphanumeric() || "-_=:.<>& ".contains(c);
        match which.rotate_left(u32::try_from(at % 64).unwrap()) & 7 {
            0 if fits && json[..at].ends_with(|c: char| c != '\\' && c.is_ascii_alphabetic()) => {
                format!("\\u{:04x}", u32::from(c))
            }
            1 if c == '/' => "\\/".to_owned(),
            _ => c.to_string(),
        }
    };
    json.char_indices().map(escape).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn planted_is_found_in_punctuation(item in planted(), before in "[ \"'(<\\[{,;=|\n“。]{0,2}", after in "[ \"')>\\]},;!?|\n”。]{0,2}") {
        let text = format!("{before}{item}{after}");
        let out = both().text(&text).into_owned();
        prop_assert!(!out.contains(&item), "{text} became {out}");
        prop_assert!(out.starts_with(&before) && out.ends_with(&after), "{text} became {out}");
        let json = serde_json::to_string(&[&text]).unwrap();
        let out = both().json(&json).into_owned();
        let read: Vec<String> = serde_json::from_str(&out).unwrap();
        prop_assert!(!read[0].contains(&item), "{json} became {out}");
    }

    #[test]
    fn json_stays_json_of_the_same_shape(value in json_value(), ascii in any::<bool>()) {
        let mut json = serde_json::to_string(&value).unwrap();
        if ascii {
            json = json.chars().map(|c| {
                if c.is_ascii() && c != '@' { c.to_string() } else {
                    c.encode_utf16(&mut [0; 2]).iter().map(|u| format!("\\u{u:04x}")).collect()
                }
            }).collect();
        }
        let redactor = both();
        let out = redactor.json(&json).into_owned();
        let read: serde_json::Value = serde_json::from_str(&out).unwrap();
        prop_assert_eq!(shape(&read), shape(&value));
        prop_assert_eq!(redactor.json(&out).into_owned(), out);
    }

    #[test]
    fn text_is_redacted_once(parts in prop::collection::vec(prop_oneof![planted(), "[ -~]{0,12}", any::<String>(), Just("password=".to_owned())], 0..8)) {
        let redactor = both();
        let out = redactor.text(&parts.concat()).into_owned();
        prop_assert_eq!(redactor.text(&out).into_owned(), out);
    }

    #[test]
    fn probe_dismisses_nothing(parts in prop::collection::vec(near_secret(), 0..8), escapes in any::<u64>()) {
        let redactor = Redactor::new(&RedactOptions { secrets: true, ..RedactOptions::default() }).unwrap();
        let reference = without_probe();
        let text = parts.concat();
        prop_assert_eq!(redactor.text_counted(&text), reference.text_counted(&text));
        let value = serde_json::json!({ "a": text, "k": { text.as_str(): "v" }, "n": parts });
        for json in [value.to_string(), escape_some(&value.to_string(), escapes), text] {
            prop_assert_eq!(redactor.json_counted(&json), reference.json_counted(&json));
        }
    }

    #[test]
    fn stops_are_those_of_a_plain_loop(text in "[@:/;09a\\n ]{0,4}[a-z?;/é]{0,70}[@:/;09]{0,2}") {
        let bytes = text.as_bytes();
        for from in 0..=bytes.len() {
            let plain = (from..bytes.len()).find(|at| matches!(bytes[*at], b'@' | b':' | b'0'..=b'9'));
            prop_assert_eq!(personal::next_stop(bytes, from), plain);
        }
    }

    #[test]
    fn few_digits_hold_nothing(text in "[-@ ./()+x]{0,2}([0-9]{1,4}[-. /()x:]{0,2}){1,6}") {
        let bytes = text.as_bytes();
        for at in (0..bytes.len()).filter(|at| bytes[*at].is_ascii_digit()) {
            let run = digits::Run::at(bytes, at);
            if let Some(end) = personal::few_digits_end(bytes, at) {
                prop_assert_eq!(end, run.end(at));
                prop_assert!(run.digits() < 8 && run.groups().len() < 4);
            }
        }
    }

    #[test]
    fn never_panics(text in any::<String>(), soup in "[-@.:+0-9a-fA-Z\\\\\"'/ =_(){}é]{0,60}") {
        let redactor = both();
        for text in [text, soup] {
            let _ = redactor.text(&text);
            let _ = redactor.json(&text);
        }
    }
}
