use super::PathProblem::*;
use super::*;

/// As they stand in a URL, with what is wrong with them.
const REFUSED: &[(&str, PathProblem)] = &[
    // Out of the folder.
    ("..", Dots),
    ("../secret", Dots),
    ("../../../../etc/passwd", Dots),
    ("a/../../b", Dots),
    ("a/..", Dots),
    ("a/./b", Dots),
    (".", Dots),
    ("./a", Dots),
    ("a/.../b", Dots),
    ("a/.. /b", Dots),
    ("a/%20../b", Dots),
    ("1/run/artifacts/../../../other/artifacts/x", Dots),
    // The same, escaped once and more often.
    ("%2e%2e/%2e%2e/etc/passwd", Dots),
    ("%2E%2E%2Fetc%2Fpasswd", Dots),
    ("..%2fetc%2fpasswd", Dots),
    ("a/..%2f..%2fb", Dots),
    (".%2e/a", Dots),
    ("%252e%252e/a", Dots),
    ("%252e%252e%252fetc%252fpasswd", Dots),
    ("a/%25252e%25252e/b", Dots),
    ("%25%32%65%25%32%65/a", Dots),
    ("a%2f%2e%2e%2fb", Dots),
    ("%2525252525252525252e%2525252525252525252e/a", Dots),
    ("a%252525252525252525252525b/%252e", Dots),
    ("x%25252525252525252525252525252520y", Escapes),
    // Absolute.
    ("/etc/passwd", Absolute),
    ("//etc/passwd", Absolute),
    ("%2fetc%2fpasswd", Absolute),
    ("%252fetc%252fpasswd", Absolute),
    ("%2f%2fhost/share", Absolute),
    // Windows.
    ("\\etc\\passwd", Backslash),
    ("..\\..\\secret", Backslash),
    ("a\\b", Backslash),
    ("a%5cb", Backslash),
    ("a%255c..%255cb", Backslash),
    ("%5c%5chost%5cshare", Backslash),
    ("..%5c..%5csecret", Backslash),
    ("a/..%5cb", Backslash),
    ("C:/Windows/win.ini", Drive),
    ("c:secret", Drive),
    ("C%3a/Windows", Drive),
    ("C%253A/Windows", Drive),
    ("a/C:/b", Drive),
    ("C:%5cWindows", Backslash),
    // URIs.
    ("file:///etc/passwd", Scheme),
    ("file:etc/passwd", Scheme),
    ("FILE:etc/passwd", Scheme),
    ("file%3a%2f%2f%2fetc%2fpasswd", Scheme),
    ("file%253aetc", Scheme),
    ("http://host/a", Scheme),
    ("s3://bucket/a", Scheme),
    ("mlflow-artifacts:/1/a", Scheme),
    // What is left out by one reader and read by another.
    ("a%00b", Control),
    ("%00", Control),
    ("a.txt%00.png", Control),
    ("a%2500b", Control),
    ("a%0d%0aSet-Cookie:x", Control),
    ("a%0ab", Control),
    ("a%09b", Control),
    ("a%7fb", Control),
    ("a%C2%85b", Control),
    ("a%1b[31m", Control),
    ("a%23b", Hash),
    ("a#b", Hash),
    ("a%2523b", Hash),
    // UTF-8 that is none.
    ("%c0%ae%c0%ae/a", Encoding),
    ("%c0%af", Encoding),
    ("a%e0%80%afb", Encoding),
    ("a%ff", Encoding),
    ("a%25ff", Encoding),
    ("%ed%a0%80", Encoding),
    // Nothing.
    ("", Empty),
    ("a//b", EmptyPart),
    ("a/", EmptyPart),
    ("a%2f", EmptyPart),
    ("a/%2f/b", EmptyPart),
];

/// As they stand in a URL, with the name that is kept.
const KEPT: &[(&str, &str)] = &[
    ("a", "a"),
    ("1/3f/artifacts/model/MLmodel", "1/3f/artifacts/model/MLmodel"),
    ("a%20b/c", "a b/c"),
    ("a+b", "a+b"),
    ("a%2Bb", "a+b"),
    ("a%2fb", "a/b"),
    ("%C3%A4/%E6%97%A5%E6%9C%AC.txt", "ä/日本.txt"),
    ("ä", "ä"),
    ("100%.txt", "100%.txt"),
    ("100%25.txt", "100%.txt"),
    ("50%2525.txt", "50%25.txt"),
    ("a%252fb", "a%2fb"),
    ("a..b", "a..b"),
    ("..a/b..", "..a/b.."),
    (".hidden/...x", ".hidden/...x"),
    ("aa:b/c:d", "aa:b/c:d"),
    ("a b.", "a b."),
    ("~root/$HOME/`id`", "~root/$HOME/`id`"),
    ("a?b=c&d", "a?b=c&d"),
    ("files:x", "files:x"),
    ("\u{ff0e}\u{ff0e}/\u{2215}", "\u{ff0e}\u{ff0e}/\u{2215}"),
    ("%", "%"),
    ("a%2", "a%2"),
    ("a%zz", "a%zz"),
];

#[test]
fn names_that_lead_elsewhere_are_refused() {
    assert!(REFUSED.len() >= 60);
    for (name, problem) in REFUSED {
        let refused = ArtifactPath::from_url(name).expect_err(name);
        assert_eq!(refused, *problem, "{name}");
    }
}

#[test]
fn names_are_kept_decoded_once() {
    for (name, kept) in KEPT {
        assert_eq!(ArtifactPath::from_url(name).map(|p| p.to_string()).as_deref(), Ok(*kept), "{name}");
    }
}

#[test]
fn names_are_bounded() {
    let longest = "x".repeat(MAX_PART);
    assert!(ArtifactPath::parse(&longest).is_ok());
    assert_eq!(ArtifactPath::parse(&format!("{longest}x")), Err(LongPart));
    assert_eq!(ArtifactPath::parse(&"ä".repeat(128)), Err(LongPart));
    let deep = vec!["x"; MAX_PATH / 2].join("/");
    let deep = ArtifactPath::parse(&deep).unwrap();
    assert_eq!(ArtifactPath::parse(&format!("{deep}/xx")), Err(Long));
    assert_eq!(deep.join(&ArtifactPath::parse("xx").unwrap()), Err(Long));
    assert_eq!(ArtifactPath::from_url(&"%41".repeat(MAX_PATH + 1)), Err(Long));
}

#[test]
fn folders_may_end_with_one_slash() {
    assert_eq!(ArtifactPath::folder_from_url("a/b/").unwrap().as_str(), "a/b");
    assert_eq!(ArtifactPath::folder_from_url("a%2f").unwrap().as_str(), "a");
    assert_eq!(ArtifactPath::folder("a//"), Err(EmptyPart));
    assert_eq!(ArtifactPath::folder("/"), Err(Empty));
    let path = ArtifactPath::parse("a/b/c").unwrap();
    assert_eq!((path.name(), path.parts().count()), ("c", 3));
    assert_eq!(path.join(&path).unwrap().as_str(), "a/b/c/a/b/c");
}

proptest::proptest! {
    #[test]
    fn what_is_kept_never_climbs_however_it_is_decoded(text in "[a./%2eE5cC0: \\\\]{0,24}") {
        if let Ok(path) = ArtifactPath::from_url(&text) {
            let mut name = path.to_string();
            for _ in 0..20 {
                proptest::prop_assert!(!name.starts_with('/') && !name.contains('\\') && !name.contains('\0'));
                proptest::prop_assert!(name.split('/').all(|part| !matches!(part, "" | "." | "..")));
                name = decode(&name).unwrap();
            }
        }
    }
}
