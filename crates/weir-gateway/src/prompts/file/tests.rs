//! Files to prompts, and what is wrong with files.

use super::{Body, FileError, PromptFile, Role, Section, format_of};
use crate::prompts::template::{Format, Limits, Template};

fn parse(file: &str) -> Result<PromptFile, FileError> {
    PromptFile::parse(Format::Jinja2, file)
}

fn section(text: &str, lines_before: usize) -> Section {
    Section { text: text.to_owned(), lines_before }
}

#[test]
fn a_file_without_a_header_is_the_users_text() {
    let prompt = parse("Hello {{ name }}\n").unwrap();
    assert_eq!(prompt.role, Role::User);
    assert_eq!(prompt.body, Body::Text(section("Hello {{ name }}", 0)));
    assert_eq!((prompt.model, prompt.labels), (None, vec![]));
}

#[test]
fn a_header_sets_every_key() {
    let file = "---\nkind: text\nrole: system\nformat: mustache\nmodel: \"gpt-4o: mini\"\ntemperature: 0.5\n\
                max_tokens: 200\ndescription: 'what it is for'\nmessage: shorter\nlabels: production, staging\n---\n\nHi {{x}}\n\n";
    let prompt = parse(file).unwrap();
    assert_eq!((prompt.role, prompt.format), (Role::System, Format::Mustache));
    assert_eq!(prompt.model.as_deref(), Some("gpt-4o: mini"));
    assert_eq!((prompt.temperature, prompt.max_tokens), (Some(0.5), Some(200)));
    assert_eq!(prompt.description.as_deref(), Some("what it is for"));
    assert_eq!(prompt.message.as_deref(), Some("shorter"));
    assert_eq!(prompt.labels, ["production", "staging"]);
    assert_eq!(prompt.body, Body::Text(section("Hi {{x}}\n", 12)));
}

#[test]
fn a_chat_has_sections() {
    let file = "---\r\nkind: chat\r\n---\r\n\r\n{# system #}\r\nBe kind.\r\n{# user #}\n{# a note #}\nx {# user #}\n{#- messages -#}\n\n{# assistant #}\nok";
    let Body::Chat(sections) = parse(file).unwrap().body else { panic!("not a chat") };
    assert_eq!(
        sections,
        [
            (Role::System, section("Be kind.", 5)),
            (Role::User, section("{# a note #}\nx {# user #}", 7)),
            (Role::Messages, section("", 10)),
            (Role::Assistant, section("ok", 12)),
        ]
    );
    let file = "---\nkind: chat\nformat: mustache\n---\n{{! system }}\n{{! user }}\n{{x}}";
    let Body::Chat(sections) = parse(file).unwrap().body else { panic!("not a chat") };
    assert_eq!(sections, [(Role::System, section("", 5)), (Role::User, section("{{x}}", 6))]);
}

#[test]
fn a_line_of_a_section_is_a_line_of_the_file() {
    let file = "---\nkind: chat\n---\n{# system #}\n\nBe\n{{ gone }}\n";
    let Body::Chat(sections) = parse(file).unwrap().body else { panic!("not a chat") };
    let (_, section) = &sections[0];
    let template = Template::compile(Format::Jinja2, "p", &section.text, &(), Limits::default()).unwrap();
    let error = template.render(&serde_json::Map::new()).unwrap_err().shifted(section.lines_before);
    assert_eq!(error.line, Some(7));
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    for (file, expected) in [
        ("---\nmodle: x\n---\n", "line 2: unknown key \"modle\"; did you mean \"model\"?"),
        ("---\n\nmax-tokens: 3\n---\n", "line 3: unknown key \"max-tokens\"; did you mean \"max_tokens\"?"),
        ("---\nsomething: x\n---\n", "line 2: unknown key \"something\"; known are kind, role,"),
        ("---\ntemperature: warm\n---\n", "line 2: temperature must be a number from 0 to 2, not \"warm\""),
        ("---\ntemperature: NaN\n---\n", "line 2: temperature must be"),
        ("---\nmax_tokens: 1.5\n---\n", "line 2: max_tokens must be a whole number above 0, not \"1.5\""),
        ("---\nkind: chart\n---\n", "line 2: kind must be text or chat, not \"chart\""),
        ("---\nrole: assistant\n---\n", "line 2: role must be user or system"),
        ("---\nformat: fstring\n---\n", "line 2: format must be jinja2 or mustache"),
        ("---\nlabels: a,,b\n---\n", "line 2: labels must be names with commas between them"),
        ("---\nmodel:\n---\n", "line 2: model has no value"),
        ("---\nmodel: a\nmodel: b\n---\n", "line 3: model is set twice"),
        ("---\njust text\n---\n", "line 2: \"just text\" is not a \"key: value\" line"),
        ("---\nmodel: a\n", "line 1: the header is not closed"),
        ("---\nkind: chat\nrole: user\n---\n{# user #}\n", "line 3: role is for kind: text"),
        ("---\nkind: chat\n---\n\nHi\n{# user #}\n", "line 5: a chat starts with a section"),
        ("---\nkind: chat\n---\n", "line 4: a chat needs a section"),
        ("---\nkind: chat\n---\n{# messages #}\n\nx\n", "line 6: the caller's messages stand here"),
        (
            "---\nkind: chat\n---\n{# messages #}\n{# user #}\n{# messages #}\n",
            "line 6: the caller's messages can stand in one place only",
        ),
    ] {
        let error = parse(file).expect_err(file).to_string();
        assert!(error.starts_with(expected), "{file:?}:\n  {error}\n  {expected}");
    }
    assert!(parse(&"x".repeat((1 << 20) + 1)).is_err());
}

#[test]
fn a_name_tells_the_format() {
    assert_eq!(format_of("v1.0.jinja2"), Some(Format::Jinja2));
    assert_eq!(format_of("a.j2"), Some(Format::Jinja2));
    assert_eq!(format_of("v2.mustache"), Some(Format::Mustache));
    assert_eq!(format_of("v2.txt"), None);
    assert_eq!(format_of("v2"), None);
}
