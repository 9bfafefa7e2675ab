use proptest::prelude::*;
use tiktoken_rs::{cl100k_base_singleton, o200k_base_singleton};

use super::*;

/// Text, tokens in `o200k_base`, tokens in `cl100k_base`; as the crate tiktoken-rs 0.12.1 counts them.
const GOLDEN: &[(&str, u64, u64)] = &[
    ("", 0, 0),
    ("a", 1, 1),
    (" ", 1, 1),
    ("Hello, world!", 4, 4),
    ("The quick brown fox jumps over the lazy dog.", 10, 10),
    ("tiktoken is great!", 6, 6),
    ("antidisestablishmentarianism", 6, 6),
    ("2 + 2 = 4", 7, 7),
    ("1234567890", 4, 4),
    ("3.14159265358979323846", 9, 9),
    ("0 00 000 0000 00000", 11, 11),
    ("   leading and trailing   ", 5, 5),
    ("\n\n\n", 1, 1),
    ("\t\t  \t\n \r\n", 3, 3),
    ("a\n  b\n    c\n", 8, 8),
    ("line one\r\nline two\r\n", 6, 6),
    ("I'm you're they'll we've it's DON'T HE'S", 8, 14),
    ("CamelCaseIdentifier snake_case_identifier kebab-case", 9, 10),
    ("HTTPServer XMLHttpRequest iOS macOS", 8, 5),
    ("!!!???...---===***", 6, 6),
    ("\"quoted\" 'single' `code`", 9, 9),
    ("https://example.com/path?query=1&other=two#frag", 15, 15),
    ("user@example.com +49 30 1234567", 11, 11),
    ("fn main() {\n    println!(\"hi {}\", 1 + 2);\n}\n", 16, 16),
    ("def f(x: int) -> int:\n    return x ** 2  # square\n", 19, 19),
    ("SELECT * FROM calls WHERE cost > 0.5 ORDER BY ts DESC;", 16, 16),
    ("{\"model\": \"gpt-4o\", \"messages\": [{\"role\": \"user\", \"content\": \"hi\"}]}", 26, 26),
    ("<div class=\"a\">&nbsp;</div>", 9, 9),
    ("Grüße aus Köln, schöne Straße", 8, 10),
    ("naïve café résumé coöperate", 8, 10),
    ("Привет, как дела?", 6, 8),
    ("こんにちは、世界。", 4, 6),
    ("今天天气很好，我们去公园吧。", 10, 17),
    ("안녕하세요 세계", 3, 9),
    ("مرحبا بالعالم", 4, 10),
    ("नमस्ते दुनिया", 5, 13),
    ("สวัสดีชาวโลก", 7, 13),
    ("🙂👍🏽👩‍👩‍👧‍👦🇩🇪", 19, 32),
    ("é ä (combining)", 8, 9),
    ("∑∫√π≈3.14 ≤ ≥ ≠", 14, 15),
    ("<|endoftext|> is text here", 10, 10),
    ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 13, 13),
    ("                                        x", 2, 2),
    ("ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ", 31, 31),
    ("----------------------------------------------------------------", 1, 1),
    ("0x1F 1e-9 1_000_000 v1.2.3-rc.1", 25, 25),
    (
        "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore magna aliqua.",
        22,
        22,
    ),
];

#[test]
fn counts_are_those_of_tiktoken() {
    for (text, o200k, cl100k) in GOLDEN {
        assert_eq!(count_with(Encoding::O200k, text), *o200k, "o200k of {text:?}");
        assert_eq!(count_with(Encoding::Cl100k, text), *cl100k, "cl100k of {text:?}");
    }
}

#[test]
fn everything_is_loaded() {
    warm();
    assert!(O200K.pattern.is_some() && CL100K.pattern.is_some());
    assert_eq!((O200K.bpe.len(), CL100K.bpe.len()), (199_998, 100_256));
}

#[test]
fn ends_in_spaces_and_line_breaks() {
    for text in ["a \n ", "a\n  ", "a  \r\n\t b", " \n\n \n", "a\u{a0}\u{a0}b", "x\u{3000}", "\u{3000}\u{3000}\u{301}"]
    {
        same_as_tiktoken(text);
    }
}

#[test]
fn pieces_around_the_length_that_changes_the_algorithm() {
    for unit in ["a", "ab", "tion", "=", "日", " ", "\u{301}"] {
        for length in 96..104 {
            same_as_tiktoken(&unit.chars().cycle().take(length).collect::<String>());
            same_as_tiktoken(&unit.repeat(length));
        }
    }
}

#[test]
fn hostile_text_costs_little() {
    // Quadratic merging would take minutes here.
    let size = 256 << 10;
    for unit in ["a", " ", "antidisestablishmentarianism", "xqzjkvw", "'", "日"] {
        let text = unit.repeat(size / unit.len());
        assert!(count_with(Encoding::O200k, &text) > 0);
        assert!(count_with(Encoding::Cl100k, &text) > 0);
    }
}

fn same_as_tiktoken(text: &str) {
    let expected = o200k_base_singleton().encode_ordinary(text).len() as u64;
    assert_eq!(count_with(Encoding::O200k, text), expected, "o200k of {text:?}");
    let expected = cl100k_base_singleton().encode_ordinary(text).len() as u64;
    assert_eq!(count_with(Encoding::Cl100k, text), expected, "cl100k of {text:?}");
}

/// Bits of text that the patterns treat differently, to be joined at random.
fn fragment() -> impl Strategy<Value = String> {
    let fixed: &[&str] = &[
        "'s",
        "'S",
        "'ll",
        "'LL",
        "'Re",
        "'ve",
        "'ſ",
        "'",
        "don't",
        "DON'T",
        "\r\n",
        "\n\n",
        "\n",
        "\t",
        "\u{a0}",
        "\u{3000}",
        "\u{85}",
        "e\u{301}",
        "\u{301}",
        "ǅ",
        "ʰ",
        "Ⅷ",
        "½",
        "٣٤",
        "ß",
        "日本語",
        "今天天气",
        "한국어",
        "ก",
        "🙂",
        "👩\u{200d}👧",
        "🇩🇪",
        "/",
        "//",
        "_",
        "if (x) {\n    y();\n}",
        "fn f<'a>(",
        "=>",
        "CamelCase",
        "HTTPServer",
        "snake_case",
        "antidisestablishmentarianism",
        "<|endoftext|>",
        "\0",
    ];
    prop_oneof![
        4 => prop::sample::select(fixed).prop_map(str::to_owned),
        2 => " {1,5}",
        1 => "[ \t\r\n\u{a0}]{1,6}",
        1 => "[0-9]{1,9}",
        2 => "[a-z]{1,12}",
        1 => "[A-Z]{1,6}",
        1 => "[!-/:-@\\[-`{-~]{1,6}",
        1 => "\\PC{1,6}",
        1 => any::<char>().prop_map(String::from),
        1 => "[ab]{90,140}",
        1 => "[a-z]{90,300}",
    ]
}

#[test]
fn other_models_are_estimated() {
    let text = "Hello, world!";
    assert_eq!(count_text("gpt-4o", text), Count { tokens: 4, exact: true });
    assert_eq!(count_text("claude-opus-5", text), Count { tokens: 4, exact: false });
}

#[test]
fn fast_estimates_round_up() {
    assert_eq!([0, 1, 4, 5, 3_000].map(estimate_fast), [0, 1, 1, 2, 750]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn never_more_tokens_than_bytes(text in any::<String>()) {
        prop_assert!(count_with(Encoding::O200k, &text) <= text.len() as u64);
        prop_assert!(count_with(Encoding::Cl100k, &text) <= text.len() as u64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_text_counts_as_in_tiktoken(fragments in prop::collection::vec(fragment(), 1..24)) {
        same_as_tiktoken(&fragments.concat());
    }
}
