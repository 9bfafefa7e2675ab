//! The grammar of Mustache: tags, delimiters, and lines that hold nothing but a tag.

use super::{Name, Node};
use crate::prompts::template::TemplateError;

/// Sections in each other.
const SECTIONS: usize = 100;

/// A section that is not closed yet.
struct Open {
    name: Name,
    inverted: bool,
    line: usize,
    before: Vec<Node>,
}

/// Reads a source; `template` is what messages call it.
pub(super) fn parse(template: &str, source: &str) -> Result<Vec<Node>, TemplateError> {
    let mut parser = Parser {
        template,
        source,
        at: 0,
        line: 1,
        open: "{{".to_owned(),
        close: "}}".to_owned(),
        nodes: Vec::new(),
        sections: Vec::new(),
    };
    while parser.tag()? {}
    if let Some(section) = parser.sections.pop() {
        let message = format!("the section \"{}\" is not closed", section.name.text());
        return Err(TemplateError::new(template, Some(section.line), message));
    }
    Ok(parser.nodes)
}

struct Parser<'s> {
    template: &'s str,
    source: &'s str,
    /// Where the rest starts, and on which line.
    at: usize,
    line: usize,
    open: String,
    close: String,
    nodes: Vec<Node>,
    sections: Vec<Open>,
}

impl<'s> Parser<'s> {
    fn fail(&self, message: impl Into<String>) -> TemplateError {
        TemplateError::new(self.template, Some(self.line), message)
    }

    fn text(&mut self, text: &str) {
        if !text.is_empty() {
            self.nodes.push(Node::Text(text.to_owned()));
        }
    }

    fn advance(&mut self, to: usize) {
        let passed = self.source.get(self.at..to).unwrap_or_default();
        self.line += passed.bytes().filter(|byte| *byte == b'\n').count();
        self.at = to;
    }

    /// Reads the text up to the next tag, and the tag; whether there was one.
    fn tag(&mut self) -> Result<bool, TemplateError> {
        let rest = self.source.get(self.at..).unwrap_or_default();
        let Some(found) = rest.find(&self.open) else {
            self.text(rest);
            return Ok(false);
        };
        let (text_start, start) = (self.at, self.at + found);
        self.advance(start);
        let inside = start + self.open.len();
        let body = self.source.get(inside..).unwrap_or_default();
        let sigil = body.chars().next().unwrap_or(' ');
        let ending = match sigil {
            '{' => format!("}}{}", self.close),
            '=' => format!("={}", self.close),
            _ => self.close.clone(),
        };
        let skip = usize::from(matches!(sigil, '{' | '='));
        let Some(length) = body.get(skip..).and_then(|body| body.find(&ending)) else {
            return Err(self.fail(format!("the tag \"{}\" is not closed", self.open)));
        };
        let content = body.get(skip..skip + length).unwrap_or_default();
        let end = inside + skip + length + ending.len();
        // Variables leave the rest of their line alone; any other tag that is alone on its line takes the line away.
        let alone = if matches!(sigil, '#' | '^' | '/' | '!' | '>' | '=') { self.alone(start, end) } else { None };
        let (text_end, next) =
            alone.map_or((start, end), |(line_start, line_end)| (line_start.max(text_start), line_end));
        let text = self.source.get(text_start..text_end).unwrap_or_default();
        self.text(text);
        let indent = if alone.is_some() { self.source.get(text_end..start).unwrap_or_default() } else { "" };
        self.act(sigil, content, indent)?;
        self.advance(next);
        Ok(true)
    }

    /// The bounds of the line of a tag, with its line break, if there is nothing else on it.
    fn alone(&self, start: usize, end: usize) -> Option<(usize, usize)> {
        let before = self.source.get(..start)?;
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let after = self.source.get(end..)?;
        let (line, line_end) = after.find('\n').map_or((after, self.source.len()), |at| (&after[..at], end + at + 1));
        let blank = |text: &str| text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
        (blank(before.get(line_start..)?) && blank(line)).then_some((line_start, line_end))
    }

    fn act(&mut self, sigil: char, content: &str, indent: &str) -> Result<(), TemplateError> {
        let marked = || content.get(sigil.len_utf8()..).unwrap_or_default();
        match sigil {
            '!' => {}
            '=' => {
                let mut parts = content.split_whitespace();
                let (Some(open), Some(close), None) = (parts.next(), parts.next(), parts.next()) else {
                    return Err(self.fail("the delimiters must be two, as in {{=<% %>=}}"));
                };
                if open.contains('=') || close.contains('=') {
                    return Err(self.fail("a delimiter cannot hold \"=\""));
                }
                (self.open, self.close) = (open.to_owned(), close.to_owned());
            }
            '#' | '^' => {
                let name = self.name(marked())?;
                if self.sections.len() >= SECTIONS {
                    return Err(self.fail(format!("sections nest more than {SECTIONS} deep")));
                }
                let before = std::mem::take(&mut self.nodes);
                self.sections.push(Open { name, inverted: sigil == '^', line: self.line, before });
            }
            '/' => {
                let name = marked().trim();
                let Some(section) = self.sections.pop() else {
                    return Err(self.fail(format!("\"{name}\" is closed but was not opened")));
                };
                if section.name.text() != name {
                    let opened = format!("the section \"{}\" of line {}", section.name.text(), section.line);
                    return Err(self.fail(format!("\"{name}\" is closed while {opened} is open")));
                }
                let inside = std::mem::replace(&mut self.nodes, section.before);
                self.nodes.push(Node::Section { name: section.name, inverted: section.inverted, inside });
            }
            '>' => {
                let name = marked().trim();
                if name.is_empty() {
                    return Err(self.fail("a partial needs a name"));
                }
                let (name, indent) = (name.to_owned(), indent.to_owned());
                self.nodes.push(Node::Partial { name, indent, line: self.line });
            }
            '&' => {
                let name = self.name(marked())?;
                self.nodes.push(Node::Variable { name, line: self.line });
            }
            _ => {
                let name = self.name(content)?;
                self.nodes.push(Node::Variable { name, line: self.line });
            }
        }
        Ok(())
    }

    fn name(&self, text: &str) -> Result<Name, TemplateError> {
        let text = text.trim();
        if text == "." {
            return Ok(Name(Vec::new()));
        }
        let parts: Vec<String> = text.split('.').map(str::to_owned).collect();
        if parts.iter().any(|part| part.is_empty() || part.contains(char::is_whitespace)) {
            return Err(self.fail(format!("\"{text}\" is not a name")));
        }
        Ok(Name(parts))
    }
}
