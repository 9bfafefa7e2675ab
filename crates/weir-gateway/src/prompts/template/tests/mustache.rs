//! Mustache by its specification, and where a prompt wants something else.

use serde_json::{Value, json};

use super::render;
use crate::prompts::template::Format;

fn check(source: &str, variables: Value, expected: &str) {
    let sources = [("p", "[{{x}}]"), ("lines", "|\n{{{x}}}\n|\n"), ("node", "{{v}}<{{#kids}}{{>node}}{{/kids}}>")];
    let got = render(Format::Mustache, source, &sources, variables);
    assert_eq!(got.as_deref(), Ok(expected), "{source:?}");
}

#[test]
fn variables_print_as_they_are() {
    check("Hi {{name}}, {{ name }}!", json!({"name": "A & <B>"}), "Hi A & <B>, A & <B>!");
    check("{{{h}}}{{&h}}", json!({"h": "\"&"}), "\"&\"&");
    check("{{n}} {{f}} {{t}} {{no}}|", json!({"n": 85, "f": 1.21, "t": true, "no": null}), "85 1.21 true |");
    check("{{a.b.c}}", json!({"a": {"b": {"c": "x"}}}), "x");
    check("{{l}}{{o}}", json!({"l": [1, "a"], "o": {"k": 1}}), "[1,\"a\"]{\"k\":1}");
    check("a{{! no }}b{{!\nlines\n}}c", json!({}), "abc");
    check("  {{x}}\n", json!({"x": "1"}), "  1\n");
}

#[test]
fn sections_loop_enter_and_ask() {
    check("{{#b}}yes{{/b}}{{^b}}no{{/b}}", json!({"b": true}), "yes");
    check("{{#b}}yes{{/b}}{{^b}}no{{/b}}", json!({"b": false}), "no");
    for falsy in [json!(null), json!([]), json!(""), json!(0)] {
        check("{{#b}}yes{{/b}}{{^b}}no{{/b}}", json!({"b": falsy}), "no");
    }
    check("{{#l}}{{.}},{{/l}}", json!({"l": [1, "b", 2.5]}), "1,b,2.5,");
    check("{{#l}}{{#.}}{{.}}{{/.}};{{/l}}", json!({"l": [[1, 2], [3]]}), "12;3;");
    check("{{#o}}{{a}}{{b}}{{/o}}", json!({"o": {"a": 1}, "b": 2}), "12");
    check("{{#l}}{{n}}{{m}} {{/l}}", json!({"l": [{"n": 1}, {"n": 2, "m": "x"}], "m": "y"}), "1y 2x ");
    check("{{#s}}{{.}}!{{/s}}", json!({"s": "text"}), "text!");
    check("{{#a.b}}x{{/a.b}}{{^a.c}}y{{/a.c}}", json!({"a": {"b": 1}}), "xy");
    // A dotted name is not looked up further out once its first part is found.
    check("{{#a}}{{^b.c}}none{{/b.c}}{{/a}}", json!({"a": {"b": {}}, "b": {"c": 1}}), "none");
}

#[test]
fn a_tag_alone_on_its_line_takes_the_line_away() {
    check("a\n{{#b}}\nx\n{{/b}}\nc\n", json!({"b": 1}), "a\nx\nc\n");
    check("a\n  {{#b}}  \n  x\n  {{/b}}", json!({"b": 1}), "a\n  x\n");
    check("a\r\n{{! x }}\r\nb", json!({}), "a\r\nb");
    check("a {{#b}}\nx\n{{/b}} c", json!({"b": 1}), "a \nx\n c");
    check("{{#b}}{{/b}}\nx", json!({"b": 1}), "\nx");
    check("{{=<% %>=}}\n<%x%> {{x}}", json!({"x": 1}), "1 {{x}}");
    check("{{=| |=}}|x||={{ }}=|{{x}}", json!({"x": 1}), "11");
}

#[test]
fn partials_are_indented_and_may_recur() {
    check("a {{>p}}", json!({"x": 1}), "a [1]");
    check(" {{>lines}}\nend", json!({"x": "<\n>"}), " |\n <\n>\n |\nend");
    check(
        "{{>node}}",
        json!({"v": 1, "kids": [{"v": 2, "kids": []}, {"v": 3, "kids": [{"v": 4, "kids": []}]}]}),
        "1<2<>3<4<>>>",
    );
}
