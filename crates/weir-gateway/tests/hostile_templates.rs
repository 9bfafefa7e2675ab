//! Hostile templates end within their bounds: with an error or a text, never with an aborted process, and without
//! taking much memory. One program and one test, so that its peak is these templates' own.

use std::{collections::HashMap, fmt::Write as _};

use serde_json::{Map, Value, json};
use weir_gateway::prompts::template::{Format, Limits, Sources, Template, TemplateError};

/// Sixty turns that double what a namespace holds.
fn doubling(step: &str, then: &str) -> String {
    format!(
        "{{% set ns = namespace(x=[1], y=[1], s='xxxxxxxxxxxxxxxx') %}}{{% for i in range(60) %}}{step}{{% endfor %}}{then}"
    )
}

/// The same without a namespace: sixty assignments.
fn straight(step: &str, times: usize, then: &str) -> String {
    format!("{{% set x = [1] %}}{{% set y = [1] %}}{}{then}", step.repeat(times))
}

/// A hundred thousand turns that do `step` to a text of a megabyte.
fn turns(step: &str) -> String {
    format!(
        "{{% set s = 'a' * 1000000 %}}{{% set t = 'a' * 1000000 %}}{{% set l = [1] * 100000 %}}{{% set m = [1] * 100000 %}}\
         {{% set d = {{'a': 1}} %}}{{% for i in range(100000) %}}{step}{{% endfor %}}"
    )
}

/// Names and sources that must end with an error.
fn refused() -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, source: String| all.push((name.to_owned(), source));

    // Loops and recursion.
    let loops = "{% for a in range(100000) %}";
    add("nested loops", format!("{loops}{loops}x{}{}", "{% endfor %}", "{% endfor %}"));
    add("nested empty loops", format!("{loops}{loops}{loops}{}", "{% endfor %}".repeat(3)));
    add("macro recursion", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}".into());
    add("growing macro recursion", "{% macro m(x) %}{{ m(x ~ x) }}{% endmacro %}{{ m('a') }}".into());
    add(
        "two macros",
        "{% macro a() %}{{ b() }}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{{ a() }}{% endmacro %}{{ a() }}"
            .into(),
    );
    add(
        "call recursion",
        "{% macro m() %}{{ caller() }}{% endmacro %}{% macro n() %}{% call m() %}{{ n() }}{% endcall %}{% endmacro %}{{ n() }}".into(),
    );
    add("loop recursion", "{% for x in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}".into());
    add("block recursion", "{% block a %}{{ self.a() }}{% endblock %}".into());
    add("self include", "{% include 'self' %}".into());
    add("mutual include", "{% include 'ping' %}".into());
    add("self extends", "{% extends 'extends' %}".into());
    add("self import", "{% import 'import' as m %}".into());

    // Texts that grow.
    add("text repeat", "{{ 'x' * 10**9 }}".into());
    add("text repeat and length", "{{ ('x' * 10**8)|length }}".into());
    add("text concat", doubling("{% set ns.s = ns.s ~ ns.s %}", ""));
    add("text add", doubling("{% set ns.s = ns.s + ns.s %}", ""));
    add("text join", doubling("{% set ns.s = [ns.s, ns.s]|join %}", ""));
    add("text block", doubling("{% set ns.s %}{{ ns.s }}{{ ns.s }}{% endset %}", ""));
    add("text replace", doubling("{% set ns.s = ns.s|replace('x', 'xx') %}", ""));
    add("text format", doubling("{% set ns.s = '%s%s'|format(ns.s, ns.s) %}", ""));
    add("text str.format", doubling("{% set ns.s = '{0}{0}'.format(ns.s) %}", ""));
    add("text escape", doubling("{% set ns.s = (ns.s ~ '&')|forceescape|string %}{% set ns.s = ns.s ~ ns.s %}", ""));
    add("text json", doubling("{% set ns.s = (ns.s ~ '\"')|tojson|string %}{% set ns.s = ns.s ~ ns.s %}", ""));
    add("text urlencode", doubling("{% set ns.s = (ns.s ~ '%')|urlencode %}{% set ns.s = ns.s ~ ns.s %}", ""));
    add("printing", turns("{{ s }}"));
    add("printing blocks", "{% set s = 'a' * 5000000 %}{{ s }}".into());

    // Widths.
    for (name, expression) in [
        ("center", "'a'|center(10**9)"),
        ("indent", "'a\nb'|indent(10**9)"),
        ("indent lines", "('\n' * 100000)|indent(10000, blank=true)"),
        ("format width", "'%1000000000d'|format(1)"),
        ("format precision", "'%.1000000000f'|format(1.5)"),
        ("format many", "('%s' * 10000)|format(*(['x' * 100000] * 10000))"),
        ("str.format width", "'{:1000000000}'.format(1)"),
        ("str.format zero", "'{:01000000000d}'.format(1)"),
        ("str.format precision", "'{:.1000000000f}'.format(1.5)"),
        ("str.format many", "('{0}' * 10000).format('x' * 100000)"),
        ("str.format overflow", "'{:99999999999999999999999999}'.format(1)"),
        ("tojson indent", "[1]|tojson(indent=10**9)"),
        ("tojson indent by place", "[[[[1]]]]|tojson(10**6)"),
        ("batch", "[1]|batch(10**9, 'x')|list|length"),
        ("slice", "[1]|slice(10**9, 'x')|list|length"),
        ("replace empty", "('a' * 100000)|replace('', 'b' * 100000)"),
        ("replace", "('a' * 100000)|replace('a', 'b' * 100000)"),
        ("str.replace", "('a' * 100000).replace('a', 'b' * 100000)"),
        ("join", "range(100000)|join('b' * 100000)"),
        ("str.join", "('b' * 100000).join(range(100000)|map('string'))"),
        ("wordwrap", "('a ' * 100000)|wordwrap(width=1, wrapstring='x' * 100000)"),
        ("wordwrap large", "('a ' * 1000000)|wordwrap(10)"),
        ("wordwrap words", "('a' * 1000000)|wordwrap(1)"),
        ("wordwrap zero", "('a' * 1000000)|wordwrap(0)"),
        ("striptags", "('&' * 1000000)|striptags"),
        ("truncate", "'abc'|truncate(0, true, 'x' * 10**7)"),
        ("lipsum", "lipsum(n=10**9)"),
        ("lipsum words", "lipsum(n=1, min=10**9, max=10**9 + 1)"),
        ("range", "range(10**12)|list"),
        ("range sum", "range(10**12)|sum"),
        ("range negative", "range(0, -(10**15), -1)|list"),
        ("power", "10**10**10"),
        ("list repeat", "([1] * 10**9)|length"),
        ("list repeat twice", "([[1] * 10**8] * 10**8)|string"),
        ("list repeat concat", "([1] * 10**8) ~ ''"),
        ("list repeat print", "[1] * 10**8"),
        ("list repeat equal", "([0] * 10**8) == ([0] * 10**8)"),
        ("list repeat in", "1 in [0] * 10**8"),
        ("list repeat key", "{([0] * 10**8): 1}|length"),
        ("list repeat subscript", "{'a': 1}[[0] * 10**8] is defined"),
        ("list repeat sort", "([0] * 10**8)|sort|first"),
        ("list repeat list", "([0] * 10**8)|list|length"),
        ("list repeat splat", "dict(*([0] * 10**8))"),
        ("list repeat compare", "[0] * 10**8 < [0] * 10**8 < [1]"),
        ("list repeat test", "([0] * 10**8) is eq([0] * 10**8)"),
        ("list repeat slice", "([0] * 10**8)[1:]|list|length"),
        ("tuple repeat", "((1, 2) * 10**8)|length"),
    ] {
        add(name, format!("{{{{ {expression} }}}}"));
    }
    add("unpacking", "{% set x = [1] * 10**8 %}{% set a, b = x + x %}".into());
    add("unpacking in with", "{% set x = [1] * 10**8 %}{% with a, b = x + x %}{% endwith %}".into());
    add("unpacking in a loop", "{% for a, b in [[1] * 10**8 * 1] %}{% endfor %}".into());

    // Values that are small in memory and endless when walked.
    let dag = "{% set x = [x, x] %}{% set y = [y, y] %}";
    for then in [
        "{{ x }}",
        "{{ x == y }}",
        "{{ x < y }}",
        "{{ x in [y] }}",
        "{{ x ~ 'a' }}",
        "{{ (x ~ 'a')|length }}",
        "{{ {x: 1}|length }}",
        "{{ 'a'.join(x) }}",
        "{{ '{}'.format(x)|length }}",
        "{{ x|string|length }}",
        "{{ '%s'|format(x) }}",
        "{{ [x, y]|sort|length }}",
        "{{ x is eq y }}",
        "{{ [x].count(y) }}",
        "{{ 'a'|replace('a', x) }}",
        "{% set t %}{{ x }}{% endset %}",
        "{{ loop(x) }}",
        "{% for a in [x, y] %}{{ loop.changed(a) }}{% endfor %}",
        "{{ (x if true else 1) ~ '' }}",
        "{{ (x or 1) ~ '' }}",
        "{{ 'abc'.strip(x) }}",
        "{% filter replace('a', x) %}a{% endfilter %}",
        "{{ x|tojson }}",
        "{{ x|pprint }}",
        "{{ x|list }}",
        "{{ x|join }}",
        "{{ x|unique }}",
        "{{ x|sum }}",
        "{{ x|urlencode }}",
        "{{ x|escape }}",
        "{{ x|forceescape }}",
        "{{ x|center }}",
        "{{ x|upper }}",
        "{{ x|map('string')|list }}",
        "{{ x|first }}",
        "{{ x|batch(1) }}",
        "{{ x|groupby(0) }}",
        "{{ x[0] }}",
        "{{ x / y }}",
        "{{ x - 1 }}",
        "{{ -x }}",
        "{{ x ** 2 }}",
        "{{ x % 2 }}",
        "{% include x %}",
        "{{ x.nope() }}",
        "{{ x() }}",
        "{{ x|int + 'a' }}",
        "{{ dict(x) }}",
        "{{ range(x) }}",
        "{{ [namespace(x=x)] }}",
        "{{ namespace(x=x) }}",
        "{% set ns = namespace() %}{% set ns.x = x %}",
        "{{ {'a': x} }}",
        "{{ (x, y) }}",
        "{{ cycler(x).next() }}",
        "{{ joiner(x)() ~ joiner }}{{ x }}",
        "{{ x|default('a') ~ '' }}",
        "{{ (x|d('a')) == (y|d('a')) }}",
        "{{ x|last ~ '' }}",
        "{{ x|random }}",
    ] {
        add(then, straight(dag, 60, then));
    }
    add("list concat", doubling("{% set ns.x = ns.x + ns.x %}", "{{ ns.x|length }}"));
    add("straight list concat", straight("{% set x = x + x %}", 60, "{{ x|list|length }}"));
    add("straight pairs", straight("{% set x = [x, x] %}", 60, "{{ x }}"));
    add(
        "straight pairs in with",
        format!("{{% set x = [1] %}}{}{{{{ x }}}}{}", "{% with x = [x, x] %}".repeat(60), "{% endwith %}".repeat(60)),
    );
    add(
        "pairs by macro",
        "{% macro m(x, n) %}{% if n %}{{ m([x, x], n - 1) }}{% else %}{{ x }}{% endif %}{% endmacro %}{{ m(1, 50) }}"
            .into(),
    );
    add("pairs by dict", doubling("{% set ns.x = {'a': ns.x, 'b': ns.x} %}", "{{ ns.x }}"));

    // Values in themselves and in each other.
    add("a namespace in itself", "{% set ns = namespace(a=1) %}{% set ns.x = ns %}{{ ns }}".into());
    add("a namespace in a list", "{% set ns = namespace(a=1) %}{% set ns.x = [{'a': ns}] %}".into());
    add("a namespace in a cycler", "{% set ns = namespace(a=1) %}{% set ns.x = cycler(ns) %}".into());
    add(
        "a namespace in a loop",
        "{% set ns = namespace(a=1) %}{% for n in [ns] %}{% set ns.x = loop %}{% endfor %}".into(),
    );
    add("a namespace in an iterator", "{% set ns = namespace(a=1) %}{% set ns.x = [[ns]|zip([1])] %}".into());
    for step in [
        "[ns.x]",
        "{'a': ns.x}",
        "(ns.x,)",
        "ns.x + [1]",
        "ns.x|chain([1])",
        "ns.x|zip([1])",
        "ns.x|reverse",
        "ns.x[::-1]",
        "ns.x|batch(1)",
        "ns.x|map('string')",
        "ns.x|select('defined')",
        "dict(a=ns.x)",
        "namespace(x=ns.x)",
    ] {
        let turn = format!("{{% set ns.x = {step} %}}");
        add(
            step,
            format!(
                "{{% set ns = namespace(x=[1]) %}}{{% for i in range(100000) %}}{turn}{{% endfor %}}{{{{ ns.x }}}}"
            ),
        );
    }
    add("deep by assignments", straight("{%set x=[x]%}", 20_000, "{{ x }}"));
    add("deep by filters", straight("{%set x=x|zip%}", 10_000, "{{ x }}"));
    add("deep and dropped", straight("{%set x=[x]%}", 28_000, "{{ gone }}"));

    // Work that no step shows.
    for step in [
        "{% if s == t %}{% endif %}",
        "{% if s < t %}{% endif %}",
        "{% set a = s.find('b') %}",
        "{% set a = s.strip('b' * 1000) %}",
        "{% set a = 'a'.strip(s) %}",
        "{% set a = 'b' in s %}",
        "{% if s is upper %}{% endif %}",
        "{% if s is lower %}{% endif %}",
        "{% if s.isupper() %}{% endif %}",
        "{% if 'a'.startswith(s) %}{% endif %}",
        "{% set a = 2 in l %}",
        "{% set a = l == m %}",
        "{% set a = l|last %}",
        "{% set a = l|length %}",
        "{% set a = s|length %}",
        "{% set a = d[s] is defined %}",
        "{% set a = d.get(s) %}",
        "{% set a = s[999999] %}",
        "{% set a = s[-1] %}",
        "{% set a = s[5:6] %}",
        "{% set a = s|first %}",
        "{% set a = s|wordcount %}",
        "{% set a = s|int %}",
        "{% set a = s is in [t] %}",
        "{% set a = s|hash %}",
        "{% set a = s ~ t %}",
        "{% set a = s.count('a') %}",
        "{% set a = s.splitlines() %}",
        "{% set a = (s|upper)[9999] %}",
        "{% set a = {s: 1} %}",
        "{% set a = l|sort|first %}",
        "{% set a = loop.changed(s) %}",
        "{% set a = s is startingwith t %}",
    ] {
        add(step, turns(step));
    }

    // Sources that nest.
    for (name, prefix, part, times, suffix) in [
        ("plus", "{{ 1", "+1", 300_000, " }}"),
        ("minus", "{{ ", "-", 900_000, "1 }}"),
        ("not", "{{ ", "not ", 200_000, "1 }}"),
        ("dots", "{{ user", ".a", 300_000, " }}"),
        ("calls", "{{ x", "()", 300_000, " }}"),
        ("pipes", "{{ 'a'", "|e", 300_000, " }}"),
        ("tests", "{{ 1", " is odd", 100_000, " }}"),
        ("ifs", "{{ 'a'", " if 1", 100_000, " }}"),
        ("elses", "{{ ", "1 if x else ", 50_000, "1 }}"),
        ("elifs", "{% if x %}", "{% elif x %}", 50_000, "{% endif %}"),
        ("parentheses", "{{ ", "(", 900_000, " }}"),
        ("brackets", "{{ ", "[", 900_000, " }}"),
        ("braces", "{{ ", "{1:", 300_000, " }}"),
        ("subscripts", "{{ x", "[0]", 300_000, " }}"),
        ("compares", "{{ 1", "<1", 300_000, " }}"),
        ("tags", "", "{{a}}", 200_000, ""),
        ("open ifs", "", "{% if x %}", 100_000, ""),
        ("open fors", "", "{% for x in y %}", 60_000, ""),
        ("open blocks", "", "{% block a %}", 60_000, ""),
        ("lines", "", "\n", 900_000, ""),
        ("hidden in a raw block", "{% raw %}{# {% endraw %}{{ ", "-", 900_000, "1 }}{# #}"),
        ("hidden in a string", "{{ '{#' ~ ", "-", 900_000, "1 }}"),
    ] {
        add(name, format!("{prefix}{}{suffix}", part.repeat(times)));
    }
    add("large", "x".repeat((1 << 20) + 1));
    let mut nested = String::from("{{ ");
    for _ in 0..100 {
        let _ = write!(nested, "dict(a={}", "1 + ".repeat(8));
    }
    add("calls in each other", nested + "1" + &")".repeat(100) + " }}");
    all
}

/// Sources of which it only matters that they end.
fn ends() -> Vec<(&'static str, String)> {
    let deep = |open: &str, inner: &str, close: &str, n: usize| open.repeat(n) + inner + &close.repeat(n);
    vec![
        ("149 ifs", deep("{% if true %}", "1", "{% endif %}", 149)),
        ("70 loops", deep("{% for a in [1] %}", "1", "{% endfor %}", 70)),
        ("70 parentheses", format!("{{{{ {} }}}}", deep("(", "1", ")", 70))),
        ("70 lists", format!("{{{{ {} }}}}", deep("[", "1", "]", 70))),
        ("70 calls", format!("{{{{ {} }}}}", deep("dict(a=", "1", ")", 70))),
        ("390 operators", format!("{{{{ 1{} }}}}", "+1".repeat(390))),
        ("390 signs", format!("{{{{ {}1 }}}}", "-".repeat(390))),
        ("many long sums", format!("{{{{ a{} }}}}", "+1".repeat(390)).repeat(240)),
        ("many long chains", format!("{{{{ x{} }}}}", "[a]".repeat(60)).repeat(1_000)),
        ("many long calls", format!("{{{{ x{}|e }}}}", ".a()[a]".repeat(20)).repeat(500)),
        ("400 elifs", format!("{{% if false %}}{}{{% endif %}}", "{% elif false %}a".repeat(400))),
        ("a large text", "x".repeat(1 << 20)),
        ("a deep value", straight("{%set x=[x]%}", 90, "{{ x|length }}")),
        // As deep as a value may become on an ordinary stack.
        (
            "lists on an ordinary stack",
            straight("{%set x=[x]%}", 297, "{% for y in x %}{% endfor %}{{ x|first|length }}"),
        ),
        ("iterators on an ordinary stack", straight("{%set x=x|zip%}", 297, "{% for y in x %}{% endfor %}{{ x }}")),
        ("dicts on an ordinary stack", straight("{%set x={1:x}%}", 297, "{% for y in x %}{% endfor %}{{ x }}")),
        (
            "concatenations on an ordinary stack",
            straight("{%set x=x+y%}", 297, "{% for z in x %}{% endfor %}{{ x|length }}"),
        ),
        ("a deep dropped value", straight("{%set x=[x]%}", 28_000, "")),
        ("a long list", "{{ range(50000)|list|length }}".into()),
        ("a large zip", "{{ range(30000)|zip(range(30000))|list|length }}".into()),
        ("an endless iterator", "{{ ([1] * 10**8)|first }}".into()),
        ("cycler of many", "{{ cycler(*range(10000)).next() }}".into()),
    ]
}

struct Table(HashMap<&'static str, &'static str>);

impl Sources for Table {
    fn source(&self, name: &str) -> Option<(String, String)> {
        self.0.get(name).map(|text| (name.to_owned(), (*text).to_owned()))
    }
}

fn variables() -> Map<String, Value> {
    let Value::Object(variables) = json!({"user": {"a": 1}, "x": 1, "y": [1], "a": "a"}) else { return Map::new() };
    variables
}

fn run(format: Format, source: &str) -> Result<String, TemplateError> {
    let sources = Table(HashMap::from([
        ("self", "{% include 'self' %}"),
        ("ping", "{% include 'pong' %}{% include 'pong' %}"),
        ("pong", "{% include 'ping' %}{% include 'ping' %}"),
        ("extends", "{% extends 'extends' %}"),
        ("import", "{% import 'import' as m %}"),
        ("recur", "x{{#a}}{{>recur}}{{>recur}}{{/a}}"),
        ("indent", "x\n  {{>indent}}\n"),
    ]));
    Template::compile(format, "hostile", source, &sources, Limits::default())?.render(&variables())
}

/// The most memory that the process had, in bytes.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// The peak that this test allows itself, sources and the engine's debug build included.
const MEMORY: u64 = 400 << 20;

#[test]
fn hostile_templates_end_with_an_error() {
    let verbose = std::env::var_os("WEIR_HOSTILE").is_some();
    let mut wrong = Vec::new();
    let mut check = |name: &str, format: Format, source: &str, refused: bool| {
        let (begun, before) = (std::time::Instant::now(), peak().unwrap_or(0));
        if verbose {
            eprint!("{name:<40} ");
        }
        let result = run(format, source);
        let grown = peak().unwrap_or(0).saturating_sub(before);
        let told = result.as_ref().map_or_else(ToString::to_string, |text| format!("a text of {} bytes", text.len()));
        if verbose {
            eprintln!("{:>8.1} ms {:>6} KiB  {told}", begun.elapsed().as_secs_f64() * 1e3, grown / 1024);
        }
        if refused && result.is_ok() {
            wrong.push(format!("{name}: {told}"));
        }
        if let Err(error) = &result
            && (error.message.is_empty() || error.template.is_empty() || error.message.contains("__"))
        {
            wrong.push(format!("{name}: {error}"));
        }
    };
    for (name, source) in refused() {
        check(&name, Format::Jinja2, &source, true);
    }
    for (name, source) in ends() {
        check(name, Format::Jinja2, &source, false);
    }
    for (name, source) in [
        ("a partial in itself", "{{>recur}}".to_owned()),
        ("an indented partial in itself", "{{>indent}}".to_owned()),
        ("open sections", "{{#a}}".repeat(100_000)),
        ("open tags", "{{".repeat(500_000)),
        ("an unclosed tag", format!("{{{{{}", "a".repeat(1_000_000))),
        ("a large source", "x".repeat((1 << 20) + 1)),
    ] {
        check(name, Format::Mustache, &source, true);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    if let Some(peak) = peak() {
        if verbose {
            eprintln!("peak {} MiB", peak >> 20);
        }
        assert!(peak < MEMORY, "the peak was {} MiB", peak >> 20);
    }
}
