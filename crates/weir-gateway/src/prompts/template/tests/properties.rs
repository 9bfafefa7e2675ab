//! Whatever a template says, rendering it gives a text or an error.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::table;
use crate::prompts::template::{Format, Limits, Template};

const LIMITS: Limits = Limits { fuel: 5_000, output: 1 << 16, source: 1 << 16, templates: 8 };

const JINJA: &[&str] = &[
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "{%-",
    "-%}",
    " ",
    "\n",
    "a",
    "b",
    "x",
    "'s'",
    "1",
    "0.5",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    ".",
    "|",
    "~",
    "+",
    "-",
    "*",
    "**",
    "/",
    "//",
    "%",
    "=",
    "==",
    "<",
    "in",
    "not",
    "and",
    "or",
    "is",
    "if",
    "else",
    "elif",
    "endif",
    "for",
    "endfor",
    "set",
    "endset",
    "macro",
    "endmacro",
    "call",
    "endcall",
    "block",
    "endblock",
    "include",
    "'part'",
    "import",
    "extends",
    "as",
    "with",
    "endwith",
    "filter",
    "endfilter",
    "raw",
    "endraw",
    "loop",
    "loop.index",
    "recursive",
    "namespace()",
    "ns",
    "ns.x",
    "range(9)",
    "upper",
    "tojson",
    "join",
    "list",
    "default",
    "batch",
    "sort",
    "map",
    "defined",
    "x.split()",
    "'%s'",
    "format",
    "center",
    "é",
    "{{ x }}",
    "{{ a ~ b }}",
    "{% set x = [x, x] %}",
    "{% set ns.x = ns %}",
    "{% for a in x %}",
    "{{ loop(x) }}",
    "{{ x|",
    "{% if x %}",
    "{% endif %}",
    "{% endfor %}",
    "{% set ns = namespace(x=x) %}",
    "(a + b)",
    "(x|list)[0].a",
];

const MUSTACHE: &[&str] = &[
    "{{",
    "}}",
    "{{{",
    "}}}",
    "{{#",
    "{{^",
    "{{/",
    "{{>",
    "{{!",
    "{{&",
    "{{=",
    "=}}",
    "<% %>",
    " ",
    "\n",
    "a",
    "b",
    "x",
    ".",
    "x.a",
    "part",
    "{{#x}}",
    "{{/x}}",
    "{{^a}}",
    "{{/a}}",
    "{{.}}",
    "{{> part }}",
    "{{=<% %>=}}",
    "<%",
    "%>",
    "é",
    "\r\n",
];

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ -~é]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec(("[abx]", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn text(tokens: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(tokens), 0..24).prop_map(|parts| parts.concat())
}

fn spaced(tokens: &'static [&'static str]) -> impl Strategy<Value = String> {
    let inside = proptest::collection::vec(proptest::sample::select(tokens), 0..8).prop_map(|parts| parts.join(" "));
    proptest::collection::vec(inside, 0..4).prop_map(|tags| tags.iter().map(|tag| format!("{{{{ {tag} }}}}")).collect())
}

fn try_all(format: Format, source: &str, a: &Value, x: &Value) {
    let sources = table(&[("part", source)]);
    if let Ok(template) = Template::compile(format, "t", source, &sources, LIMITS) {
        let variables = json!({"a": a, "x": x, "b": "text"});
        let _ = template.render(variables.as_object().unwrap());
    }
}

proptest! {
    #[test]
    fn jinja2_never_panics(source in text(JINJA), a in value(), x in value()) {
        try_all(Format::Jinja2, &source, &a, &x);
    }

    #[test]
    fn jinja2_expressions_never_panic(source in spaced(JINJA), a in value(), x in value()) {
        try_all(Format::Jinja2, &source, &a, &x);
    }

    #[test]
    fn mustache_never_panics(source in text(MUSTACHE), a in value(), x in value()) {
        try_all(Format::Mustache, &source, &a, &x);
    }

    #[test]
    fn text_without_tags_is_itself(source in "([^{\n]|\n){0,200}") {
        let mustache = Template::compile(Format::Mustache, "t", &source, &(), LIMITS).unwrap();
        prop_assert_eq!(mustache.render(&Map::new()).unwrap(), source.as_str());
        let jinja = Template::compile(Format::Jinja2, "t", &source, &(), LIMITS).unwrap();
        // Jinja2 leaves out one line break at the end.
        let text = source.strip_suffix('\n').unwrap_or(&source);
        prop_assert_eq!(jinja.render(&Map::new()).unwrap(), text.strip_suffix('\r').unwrap_or(text));
    }
}
