//! Errors name the prompt, the line and the variable.

use std::collections::BTreeSet;

use serde_json::json;

use super::{render, table};
use crate::prompts::template::{Format, Limits, Template, TemplateError};

fn fails(format: Format, source: &str, sources: &[(&str, &str)]) -> TemplateError {
    let variables = json!({"user": {"age": 3}, "items": [1, 2], "name": "Ada", "s": "text"});
    render(format, source, sources, variables).expect_err(source)
}

fn undefined(format: Format, source: &str, template: &str, line: usize, variable: &str) {
    let error =
        fails(format, source, &[("part", "a\n{{ gone }}"), ("lib", "{% macro m(x) %}\n\n{{ x.y }}{% endmacro %}")]);
    let got = (error.template.as_str(), error.line, error.variable.as_deref());
    assert_eq!(got, (template, Some(line), Some(variable)), "{source:?}: {error}");
    assert_eq!(
        error.to_string(),
        format!(
            "prompt \"{template}\", line {line}: the variable \"{variable}\" is not defined; send it in metadata.variables"
        )
    );
}

#[test]
fn an_undefined_variable_is_named_in_jinja2() {
    for (source, line, variable) in [
        ("Dear\nand\n{{ customer }}", 3, "customer"),
        ("\n{{ user.name }}", 2, "user.name"),
        ("\n{{ nobody.name }}", 2, "nobody"),
        ("\n{{ nobody.name.first }}", 2, "nobody"),
        ("{{ user['name'] }}", 1, "user['name']"),
        ("a\n{% for x in rows %}{{ x }}{% endfor %}", 2, "rows"),
        ("{% if flag %}x{% endif %}", 1, "flag"),
        ("\n\n{{ customer|upper }}", 3, "customer"),
        ("{{ customer ~ 'x' }}", 1, "customer"),
        ("{{ 'x' ~ user.name }}", 1, "user.name"),
        ("{{ customer + 1 }}", 1, "customer"),
        ("{{ customer == name }}", 1, "customer"),
        ("{{ customer in items }}", 1, "customer"),
        ("{{ customer.strip() }}", 1, "customer"),
        ("{{ items|join(sep) }}", 1, "sep"),
        ("{% set x = customer %}\n{{ x }}", 2, "customer"),
        ("{{ user[name] }}", 1, "user[name]"),
        ("\n{{ user[name].x }}", 2, "user[name]"),
        ("{{ items[0].x }}", 1, "items[0].x"),
        ("{{ items[-9] ~ items[-1] }}", 1, "items[-1]\" or \"items[-9]"),
        ("{{ name|replace('a', user.letter) }}", 1, "user.letter"),
        ("{{ name|truncate(length=size) }}", 1, "size"),
        ("{{ 3 is divisibleby(by) }}", 1, "by"),
        ("{{ name|int }}{{ customer|int }}", 1, "customer"),
        ("{{ customer|forceescape }}", 1, "customer"),
    ] {
        undefined(Format::Jinja2, source, "main@v2", line, variable);
    }
}

#[test]
fn an_undefined_variable_of_an_included_prompt_is_named_there() {
    undefined(Format::Jinja2, "x\n\n{% include 'part' %}", "part@v1", 2, "gone");
    undefined(Format::Jinja2, "{% import 'lib' as lib %}\n{{ lib.m(user) }}", "lib@v1", 3, "x.y");
    undefined(Format::Mustache, "x\n\n{{> part }}", "part@v1", 2, "gone");
}

#[test]
fn an_undefined_variable_is_named_in_mustache() {
    for (source, line, variable) in [
        ("Dear\n{{ customer }}", 2, "customer"),
        ("{{{customer}}}", 1, "customer"),
        ("\n\n{{& user.name }}", 3, "user.name"),
        ("{{#user}}\n{{age}} {{surname}}{{/user}}", 2, "surname"),
        ("{{#items}}{{.}}{{/items}}{{.}}", 1, "."),
    ] {
        undefined(Format::Mustache, source, "main@v2", line, variable);
    }
    assert_eq!(render(Format::Mustache, "{{#gone}}x{{/gone}}{{^gone}}y{{/gone}}", &[], json!({})).unwrap(), "y");
}

#[test]
fn asking_whether_a_variable_is_defined_is_no_error() {
    let source =
        "{{ x is defined }} {{ x|default('d') }} {{ user.x|default('e') }} {% if x is defined %}{{ x }}{% endif %}";
    assert_eq!(render(Format::Jinja2, source, &[], json!({"user": {}})).unwrap(), "False d e ");
}

#[test]
fn what_is_wrong_in_the_text_is_named_with_its_line() {
    for (format, source, message) in [
        (Format::Jinja2, "a\n{% if x %}", "prompt \"main@v2\", line 2: syntax error: unexpected end of input"),
        (Format::Jinja2, "\n{{ 1 + }}", "prompt \"main@v2\", line 2: syntax error: unexpected end of variable block"),
        (Format::Jinja2, "a\n{{ s|nope }}", "prompt \"main@v2\", line 2: unknown filter: filter nope is unknown"),
        (Format::Jinja2, "{{ s is nope }}", "prompt \"main@v2\", line 1: unknown test"),
        (Format::Jinja2, "\n{{ nope() }}", "prompt \"main@v2\", line 2: unknown function: nope is unknown"),
        (Format::Jinja2, "{{ items / 2 }}", "prompt \"main@v2\", line 1: tried to use / operator on unsupported types"),
        (Format::Jinja2, "\n{{ s.nope() }}", "prompt \"main@v2\", line 2: unknown method"),
        (Format::Jinja2, "{{ debug() }}", "prompt \"main@v2\", line 1: unknown function"),
        (
            Format::Jinja2,
            "\n{% include 'nope' %}",
            "prompt \"main@v2\", line 2: it includes the prompt \"nope\", which does not exist",
        ),
        (
            Format::Jinja2,
            "\n{% include name %}",
            "prompt \"main@v2\", line 2: the name of a prompt to include, extend or import must be written out",
        ),
        (Format::Jinja2, "{% include 'broken' %}", "prompt \"broken@v1\", line 2: syntax error"),
        (Format::Mustache, "a\n{{#x}}", "prompt \"main@v2\", line 2: the section \"x\" is not closed"),
        (
            Format::Mustache,
            "{{#x}}\n{{/y}}",
            "prompt \"main@v2\", line 2: \"y\" is closed while the section \"x\" of line 1",
        ),
        (Format::Mustache, "\n{{/y}}", "prompt \"main@v2\", line 2: \"y\" is closed but was not opened"),
        (Format::Mustache, "\n\n{{ x", "prompt \"main@v2\", line 3: the tag \"{{\" is not closed"),
        (Format::Mustache, "{{ a b }}", "prompt \"main@v2\", line 1: \"a b\" is not a name"),
        (
            Format::Mustache,
            "\n{{> nope }}",
            "prompt \"main@v2\", line 2: it includes the prompt \"nope\", which does not exist",
        ),
    ] {
        let error = fails(format, source, &[("broken", "\n{{ } }}")]).to_string();
        assert!(error.starts_with(message), "{source:?}:\n  {error}\n  {message}");
        assert!(!error.contains("__"), "{error}");
    }
}

#[test]
fn the_guards_cannot_be_replaced() {
    for source in [
        "{% macro __guard(x) %}{% endmacro %}",
        "{% set __guard = 1 %}",
        "{% for __text in s %}{% endfor %}",
        "{% from 'part' import x as __store %}",
        "{{ ''.__class__ }}",
    ] {
        let error = fails(Format::Jinja2, source, &[("part", "")]);
        assert!(error.message.contains("are reserved"), "{source:?}: {error}");
    }
    let got = render(
        Format::Jinja2,
        "{{ s ~ s }}{{ d['__x'] is defined }}",
        &[],
        json!({
            "__guard": "x", "__argument": 1, "s": "a", "d": {"__x": 1},
        }),
    );
    assert_eq!(got.as_deref(), Ok("aaTrue"));
}

#[test]
fn a_line_can_be_counted_from_the_start_of_a_file() {
    let error = fails(Format::Jinja2, "\n{{ gone }}", &[]).shifted(4);
    assert_eq!(error.line, Some(6));
}

#[test]
fn the_variables_of_a_template_are_known() {
    let sources = table(&[("part", "{{ inner }}{% set own = 1 %}{{ own }}")]);
    let source = "{% include 'part' %}{% for u in users %}{{ u.name ~ loop.index ~ range(3) }}{% endfor %}{{ user.name|default(other) }}";
    let template = Template::compile(Format::Jinja2, "t", source, &sources, Limits::default()).unwrap();
    let expected = ["inner", "other", "user", "users"].map(str::to_owned);
    assert_eq!(*template.variables(), BTreeSet::from(expected));
    let template = Template::compile(
        Format::Mustache,
        "t",
        "{{a.b}}{{#c}}{{d}}{{.}}{{/c}}{{> part }}",
        &table(&[("part", "{{e}}")]),
        Limits::default(),
    )
    .unwrap();
    assert_eq!(*template.variables(), BTreeSet::from(["a", "c", "d", "e"].map(str::to_owned)));
}
