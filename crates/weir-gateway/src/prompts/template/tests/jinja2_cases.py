"""Writes jinja2_cases.json: what Python's Jinja2 3.1.6 makes of every filter, test, statement and method below.

    pip install jinja2==3.1.6 && python jinja2_cases.py

The test beside it renders the same and compares; what is known to differ is named there.
"""

import json
import pathlib

import jinja2

VARIABLES = {
    "name": "ada lovelace",
    "html": "<b>Tom & \"Jerry\"</b>",
    "text": "the quick brown fox jumps over the lazy dog",
    "lines": "one\n\ntwo\nthree",
    "n": 42,
    "f": 3.14159,
    "neg": -7,
    "zero": 0,
    "yes": True,
    "no": False,
    "nothing": None,
    "empty": "",
    "list": [3, 1, 2],
    "words": ["b", "A", "c", "b"],
    "users": [
        {"name": "Eve", "age": 30, "city": "Rome"},
        {"name": "Bob", "age": 25, "city": "Oslo"},
        {"name": "Ann", "age": 25, "city": "Rome"},
    ],
    "d": {"b": 1, "a": 2, "C": 3},
    "tree": [{"v": 1, "kids": [{"v": 2, "kids": []}, {"v": 3, "kids": [{"v": 4, "kids": []}]}]}],
}

SOURCES = {
    "greet": "Hello {{ name }}!",
    "loopvar": "[{{ item }}]",
    "base": "<{% block title %}base{% endblock %}|{% block body %}empty{% endblock %}>",
    "macros": "{% macro bold(x, mark='*') %}{{ mark }}{{ x }}{{ mark }}{% endmacro %}{% set answer = 42 %}",
}

CASES = {
    # Filters, in the order of the documentation.
    "filter abs": "{{ neg|abs }} {{ f|abs }}",
    "filter attr": "{{ d|attr('b') is defined }}",
    "filter batch": "{{ list|batch(2)|list }} {{ list|batch(2, 'x')|list }}",
    "filter capitalize": "{{ name|capitalize }} {{ 'ABC'|capitalize }}",
    "filter center": "[{{ 'abc'|center(8) }}][{{ 'abcd'|center(9) }}][{{ 'abc'|center(2) }}]",
    "filter count": "{{ list|count }}",
    "filter d": "{{ missing|d('x') }}",
    "filter default": "{{ missing|default('x') }} {{ empty|default('x', true) }} {{ nothing|default('x') }} {{ zero|default(5, boolean=true) }}",
    "filter dictsort": "{% for k, v in d|dictsort %}{{ k }}={{ v }} {% endfor %}{% for k, v in d|dictsort(true) %}{{ k }} {% endfor %}{% for k, v in d|dictsort(false, 'value') %}{{ k }} {% endfor %}{% for k, v in d|dictsort(reverse=true) %}{{ k }} {% endfor %}",
    "filter e": "{{ html|e }}",
    "filter escape": "{{ html|escape }}",
    "filter filesizeformat": "{{ 1|filesizeformat }} {{ 999|filesizeformat }} {{ 13000|filesizeformat }} {{ 4100000|filesizeformat }} {{ 2048|filesizeformat(true) }}",
    "filter first": "{{ list|first }} {{ name|first }}",
    "filter float": "{{ '3.5'|float }} {{ n|float }} {{ 'x'|float }} {{ 'x'|float(1.5) }}",
    "filter forceescape": "{{ html|e|forceescape }}",
    "filter positional": "{{ words|sort(true) }} {{ words|sort(false, true) }} {{ users|sort(false, false, 'age')|map(attribute='name')|list }} {{ words|max(true) }} {{ words|unique(true)|list }} {{ users|sum('age') }} {{ users|join(',', 'name') }} {{ users|groupby('zip', 'none')|length }} {{ 'a.b'|replace('.', '-', 1) }}",
    "filter numbers": "{{ nothing|int }} {{ yes|int }} {{ '3.9'|int }} {{ ' 7 '|int }} {{ '-3'|int }} {{ 'ff'|int(0, 16) }} {{ list|int }} {{ nothing|float }} {{ '1e3'|float }} {{ 'x'|float(default=2.5) }}",
    "filter format": "{{ '%s, %s!'|format('Hello', name) }} {{ '%05d|%.2f|%x'|format(n, f, 255) }}",
    "filter groupby": "{% for city, items in users|groupby('city') %}{{ city }}:{% for u in items %} {{ u.name }}{% endfor %};{% endfor %}{% for g in users|groupby('age') %}{{ g.grouper }}={{ g.list|length }} {% endfor %}",
    "filter groupby default": "{% for x, items in users|groupby('zip', default='none') %}{{ x }}:{{ items|length }}{% endfor %}",
    "filter indent": "{{ lines|indent }}|{{ lines|indent(2, true) }}|{{ lines|indent(2, blank=true) }}",
    "filter int": "{{ '42'|int }} {{ f|int }} {{ 'x'|int }} {{ 'x'|int(7) }} {{ '0x1f'|int(base=16) }}",
    "filter items": "{% for k, v in d|items %}{{ k }}{{ v }}{% endfor %}",
    "filter join": "{{ list|join }} {{ list|join(', ') }} {{ users|join(', ', attribute='name') }}",
    "filter last": "{{ list|last }} {{ name|last }}",
    "filter length": "{{ list|length }} {{ name|length }} {{ d|length }}",
    "filter list": "{{ 'abc'|list }} {{ range(3)|list }}",
    "filter lower": "{{ 'AbC'|lower }}",
    "filter map": "{{ users|map(attribute='name')|join(' ') }} {{ words|map('upper')|join }} {{ users|map(attribute='zip', default='-')|join }}",
    "filter max": "{{ list|max }} {{ words|max }} {{ (users|max(attribute='age')).name }}",
    "filter min": "{{ list|min }} {{ words|min }} {{ words|min(true) }} {{ (users|min(attribute='age')).name }}",
    "filter pprint": "{{ list|pprint }}",
    "filter random": "{{ [5]|random }}",
    "filter reject": "{{ list|reject('odd')|list }}",
    "filter rejectattr": "{{ users|rejectattr('age', 'equalto', 25)|map(attribute='name')|list }}",
    "filter replace": "{{ 'Hello World'|replace('Hello', 'Goodbye') }} {{ 'aaaargh'|replace('a', 'd', 2) }}",
    "filter reverse": "{{ name|reverse }} {{ list|reverse|list }}",
    "filter round": "{{ 42.55|round }} {{ 42.55|round(1, 'floor') }} {{ 42.51|round(1, 'ceil') }} {{ 42.55|round|int }}",
    "filter safe": "{{ html|safe }}",
    "filter select": "{{ list|select('odd')|list }} {{ [0, 1, '', 'x']|select|list }}",
    "filter selectattr": "{{ users|selectattr('age', 'lt', 30)|map(attribute='name')|list }} {{ users|selectattr('age')|list|length }}",
    "filter slice": "{{ range(7)|slice(3)|list }} {{ range(7)|slice(3, 'x')|list }}",
    "filter sort": "{{ list|sort }} {{ words|sort }} {{ words|sort(case_sensitive=true) }} {{ list|sort(reverse=true) }} {{ users|sort(attribute='age,name')|map(attribute='name')|list }}",
    "filter string": "{{ n|string ~ 'x' }}",
    "filter striptags": "{{ '<p>Hi <b>there</b> &amp; you</p>'|striptags }}",
    "filter sum": "{{ list|sum }} {{ users|sum(attribute='age') }} {{ list|sum(start=10) }}",
    "filter title": "{{ name|title }} {{ 'foo-bar (baz)'|title }}",
    "filter tojson": "{{ users[0]|tojson }} {{ html|tojson }} {{ list|tojson(indent=2) }}",
    "filter trim": "[{{ '  x '|trim }}] {{ 'xxaxx'|trim('x') }}",
    "filter truncate": "{{ 'foo bar baz qux'|truncate(9) }}|{{ 'foo bar baz qux'|truncate(9, True) }}|{{ 'foo bar baz qux'|truncate(11) }}|{{ 'foo bar baz qux'|truncate(11, False, '...', 0) }}|{{ text|truncate(length=20, end='~') }}",
    "filter unique": "{{ words|unique|list }} {{ words|unique(case_sensitive=true)|list }} {{ users|unique(attribute='city')|map(attribute='name')|list }}",
    "filter upper": "{{ name|upper }}",
    "filter urlencode": "{{ 'a b/c?d=é&'|urlencode }} {{ {'a': 1, 'b': 'x y'}|urlencode }}",
    "filter urlize": "{{ 'see http://example.org now'|urlize }}",
    "filter wordcount": "{{ text|wordcount }}",
    "filter wordwrap": "{{ text|wordwrap(15) }}|{{ 'abcdefghij'|wordwrap(4) }}|{{ 'abcdefghij'|wordwrap(4, false) }}|{{ text|wordwrap(15, wrapstring=' / ') }}",
    "filter xmlattr": "<ul{{ {'class': 'my list', 'missing': none, 'id': n}|xmlattr }}>",
    # Tests.
    "test boolean": "{{ yes is boolean }} {{ n is boolean }}",
    "test callable": "{{ range is callable }} {{ n is callable }}",
    "test defined": "{{ name is defined }} {{ missing is defined }}",
    "test divisibleby": "{{ n is divisibleby 3 }} {{ n is divisibleby(4) }}",
    "test eq": "{{ n is eq 42 }} {{ n is equalto 1 }} {{ n is sameas n }}",
    "test escaped": "{{ html is escaped }} {{ html|e is escaped }}",
    "test even": "{{ n is even }} {{ neg is even }}",
    "test false": "{{ no is false }} {{ zero is false }}",
    "test filter": "{{ 'upper' is filter }} {{ 'nope' is filter }}",
    "test float": "{{ f is float }} {{ n is float }}",
    "test ge": "{{ n is ge 42 }} {{ n is ge 43 }}",
    "test gt": "{{ n is gt 41 }} {{ n is greaterthan 42 }}",
    "test in": "{{ 1 is in list }} {{ 9 is in list }} {{ 'ada' is in name }}",
    "test integer": "{{ n is integer }} {{ f is integer }}",
    "test iterable": "{{ list is iterable }} {{ n is iterable }} {{ name is iterable }}",
    "test le": "{{ n is le 42 }} {{ n is le 41 }}",
    "test lower": "{{ 'abc' is lower }} {{ 'Abc' is lower }}",
    "test lt": "{{ n is lt 43 }} {{ n is lessthan 42 }}",
    "test mapping": "{{ d is mapping }} {{ list is mapping }}",
    "test ne": "{{ n is ne 1 }} {{ n is ne 42 }}",
    "test none": "{{ nothing is none }} {{ n is none }}",
    "test number": "{{ n is number }} {{ f is number }} {{ name is number }}",
    "test odd": "{{ neg is odd }} {{ n is odd }}",
    "test sameas": "{{ no is sameas false }} {{ zero is sameas false }}",
    "test sequence": "{{ list is sequence }} {{ n is sequence }} {{ name is sequence }}",
    "test string": "{{ name is string }} {{ n is string }}",
    "test test": "{{ 'odd' is test }} {{ 'nope' is test }}",
    "test true": "{{ yes is true }} {{ n is true }}",
    "test undefined": "{{ missing is undefined }} {{ n is undefined }}",
    "test upper": "{{ 'ABC' is upper }} {{ 'aBC' is upper }}",
    "test not": "{{ n is not odd }} {{ not n is even }}",
    # Functions.
    "function range": "{{ range(3)|list }} {{ range(2, 5)|list }} {{ range(9, 0, -3)|list }}",
    "function dict": "{{ dict(a=1, b='x') }}",
    "function lipsum": "{{ lipsum(n=2, html=false, min=5, max=8)|length > 20 }}",
    "function cycler": "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}",
    "function cycler current": "{% set c = cycler('a', 'b') %}{{ c.current }}{% set _ = c.next() %}{{ c.current }}{{ c.reset() or '' }}{{ c.current }}",
    "function joiner": "{% set j = joiner('|') %}{{ j() }}a{{ j() }}b",
    "function namespace": "{% set ns = namespace(found=false, n=1) %}{% for x in list %}{% if x == 2 %}{% set ns.found = true %}{% endif %}{% set ns.n = ns.n + x %}{% endfor %}{{ ns.found }} {{ ns.n }}",
    # Statements.
    "statement for": "{% for x in list %}{{ loop.index }}:{{ x }}{% if not loop.last %}, {% endif %}{% else %}none{% endfor %}",
    "statement for else": "{% for x in [] %}x{% else %}none{% endfor %}",
    "statement for if": "{% for x in list if x > 1 %}{{ x }}{{ loop.length }}{% endfor %}",
    "statement for pairs": "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}",
    "statement for loop": "{% for x in list %}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.depth0 }}{{ loop.cycle('a', 'b') }}{{ loop.previtem if loop.previtem is defined else '-' }}{{ loop.nextitem if loop.nextitem is defined else '-' }}{{ loop.changed(x > 1) }} {% endfor %}",
    "statement for recursive": "{% for node in tree recursive %}{{ node.v }}{% if node.kids %}({{ loop(node.kids) }}){% endif %}{% endfor %}",
    "statement for break": "{% for x in range(9) %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 4 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "statement if": "{% if n > 50 %}a{% elif n > 40 %}b{% else %}c{% endif %}",
    "statement macro": "{% macro field(name, value='', size=20) %}[{{ name }}|{{ value }}|{{ size }}]{% endmacro %}{{ field('u') }}{{ field('p', size=3) }}",
    "statement macro attributes": "{% macro m(a, b=1) %}{{ caller is defined }}{% endmacro %}{{ m.name }} {{ m.arguments }} {{ m.caller }}",
    "statement macro varargs": "{% macro m(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, x=3) }}",
    "statement call": "{% macro box(title) %}<{{ title }}>{{ caller() }}</{{ title }}>{% endmacro %}{% call box('b') %}in{% endcall %}",
    "statement call arguments": "{% macro each(xs) %}{% for x in xs %}{{ caller(x) }}{% endfor %}{% endmacro %}{% call(v) each(list) %}[{{ v }}]{% endcall %}",
    "statement filter": "{% filter upper %}a {{ name }}{% endfilter %}",
    "statement set": "{% set a = 1 %}{% set b, c = 2, 3 %}{{ a }}{{ b }}{{ c }}",
    "statement set block": "{% set t %}<{{ n }}>{% endset %}{{ t }}{% set u | upper %}x{{ name }}{% endset %}{{ u }}",
    "statement with": "{% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %}",
    "statement do": "{% do range(3) %}x",
    "statement extends": "{% extends 'base' %}{% block title %}child {{ super() }}{% endblock %}{% block body %}{{ n }}{% endblock %}",
    "statement block": "{% block a %}x{{ n }}{% endblock %}{{ self.a() }}",
    "statement include": "{% include 'greet' %}{% for item in list %}{% include 'loopvar' %}{% endfor %}",
    "statement include ignore missing": "a{% include 'nope' ignore missing %}b",
    "statement include list": "{% include ['nope', 'greet'] %}",
    "statement import": "{% import 'macros' as m %}{{ m.bold('x') }}{{ m.answer }}",
    "statement from import": "{% from 'macros' import bold as b, answer %}{{ b('x', mark='_') }}{{ answer }}",
    "statement raw": "{% raw %}{{ x }}{% y %}{% endraw %}",
    "statement autoescape": "{% autoescape true %}{{ html }}{% endautoescape %}{{ html }}",
    "statement comment": "a{# {{ x }} #}b",
    # Expressions.
    "expression literals": "{{ 'a' }}{{ \"b\" }}{{ 42 }}{{ 1.5 }}{{ 1_000 }}{{ [1, 'a'] }}{{ (1, 2) }}{{ {'a': 1} }}{{ true }}{{ false }}{{ none }}",
    "expression math": "{{ 1 + 2 }} {{ 3 - 5 }} {{ 7 / 2 }} {{ 7 // 2 }} {{ 11 % 7 }} {{ 2 * 3 }} {{ 2 ** 3 }} {{ '=' * 5 }} {{ -n }}",
    "expression comparison": "{{ 1 == 1 }} {{ 1 != 1 }} {{ 2 > 1 }} {{ 2 >= 2 }} {{ 1 < 2 }} {{ 1 <= 0 }} {{ 1 < n < 50 }}",
    "expression logic": "{{ yes and no }} {{ yes or no }} {{ not yes }} {{ (yes and n) or 3 }}",
    "expression in": "{{ 1 in list }} {{ 'ada' in name }} {{ 'x' not in name }} {{ 'a' in d }}",
    "expression concat": "{{ 'a' ~ n ~ f }}",
    "expression call": "{{ name.upper() }}",
    "expression access": "{{ users[0].name }} {{ users[0]['name'] }} {{ users[-1].name }} {{ d.b }}",
    "expression slice": "{{ list[1:] }} {{ name[:3] }} {{ name[::-1] }} {{ list[-2:] }}",
    "expression if": "{{ 'a' if n > 1 else 'b' }}",
    "expression concat lists": "{{ list + [9] }} {{ 'a' + 'b' }}",
    # Methods of Python.
    "method str": "{{ ' x '.strip() }}{{ 'a,b'.split(',') }}{{ name.title() }}{{ name.capitalize() }}{{ 'ab'.startswith('a') }}{{ 'ab'.endswith('a') }}{{ name.replace('a', 'o') }}{{ 'x'.join(['1', '2']) }}{{ name.find('l') }}{{ name.count('a') }}{{ '12'.isdigit() }}{{ 'a\nb'.splitlines() }}{{ 'xa'.lstrip('x') }}{{ 'ax'.rstrip('x') }}{{ 'A'.lower() }}{{ 'ab'.isalpha() }}",
    "method str format": "{{ '{} {x}'.format(1, x=2) }}",
    "method dict": "{{ d.get('b') }}{{ d.get('z', 9) }}{{ d.keys()|list }}{{ d.values()|list }}",
    "method list": "{{ words.count('b') }}",
    # White space.
    "white space": "a\n{% if yes %}\n  b\n{% endif %}\nc\n",
    "white space control": "a  {%- if yes %}  b  {% endif -%}  c",
    "white space plus": "  {%+ if yes %}x{% endif %}",
    "white space last line": "a\n\n",
}


def main() -> None:
    env = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        loader=jinja2.DictLoader(SOURCES),
        extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"],
    )
    cases = []
    for name, template in CASES.items():
        expected = env.from_string(template).render(**VARIABLES)
        cases.append({"name": name, "template": template, "expected": expected})
    out = {"variables": VARIABLES, "sources": SOURCES, "cases": cases}
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(out, indent=1, ensure_ascii=False) + "\n")


main()
