//! Mustache templates: variables, sections, inverted sections, comments, partials, set delimiters, dotted names and the
//! implicit iterator, as the specification at mustache.github.io has them.
//!
//! It differs in what prompts need: `{{name}}` escapes no more than `{{{name}}}` does, because a prompt is not HTML; a
//! variable or partial that is not there is an error and not empty text; a list or object prints as JSON. As the
//! Python and JavaScript implementations have it, `0` and `""` are false in a section beside `false`, `null` and `[]`;
//! so is a name that is not there, as the specification asks.

mod parse;

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::{Limits, Sources, TemplateError};

/// Sections and partials in each other while rendering.
const DEPTH: usize = 200;

/// A piece of a template.
#[derive(Debug)]
enum Node {
    Text(String),
    Variable { name: Name, line: usize },
    Section { name: Name, inverted: bool, inside: Vec<Node> },
    Partial { name: String, indent: String, line: usize },
}

/// A name with its dots; without parts it is `.`, the value at hand.
#[derive(Debug)]
struct Name(Vec<String>);

impl Name {
    fn text(&self) -> String {
        if self.0.is_empty() { ".".to_owned() } else { self.0.join(".") }
    }
}

/// A compiled template and its partials.
#[derive(Debug)]
pub(super) struct Mustache {
    name: String,
    nodes: Vec<Node>,
    /// By the name that the templates use: what messages call it, and its content.
    partials: HashMap<String, (String, Vec<Node>)>,
    limits: Limits,
    variables: BTreeSet<String>,
}

impl Mustache {
    /// Compiles a template and its partials.
    pub(super) fn compile(
        name: &str,
        source: &str,
        sources: &dyn Sources,
        limits: Limits,
    ) -> Result<Self, TemplateError> {
        let too_large = |shown: &str| {
            TemplateError::new(shown, None, format!("it has more than {} bytes with its partials", limits.source))
        };
        if source.len() > limits.source {
            return Err(too_large(name));
        }
        let mut total = source.len();
        let nodes = parse::parse(name, source)?;
        let mut partials: HashMap<String, (String, Vec<Node>)> = HashMap::new();
        let mut variables = BTreeSet::new();
        let mut wanted = Vec::new();
        collect(&nodes, name, &mut variables, &mut wanted);
        while let Some((partial, at, line)) = wanted.pop() {
            if partials.contains_key(&partial) {
                continue;
            }
            let Some((shown, text)) = sources.source(&partial) else {
                let message = format!("it includes the prompt \"{partial}\", which does not exist");
                return Err(TemplateError::new(at, Some(line), message));
            };
            total += text.len();
            if total > limits.source {
                return Err(too_large(&shown));
            }
            if partials.len() + 2 > limits.templates {
                let message = format!("it reaches more than {} prompts", limits.templates);
                return Err(TemplateError::new(at, Some(line), message));
            }
            let nodes = parse::parse(&shown, &text)?;
            collect(&nodes, &shown, &mut variables, &mut wanted);
            partials.insert(partial, (shown, nodes));
        }
        Ok(Self { name: name.to_owned(), nodes, partials, limits, variables })
    }

    /// The first parts of the names: some may be members of a section's value.
    pub(super) fn variables(&self) -> &BTreeSet<String> {
        &self.variables
    }

    /// The text with the variables filled in.
    pub(super) fn render(&self, variables: &Map<String, Value>) -> Result<(String, u64), TemplateError> {
        let mut render = Render {
            template: self,
            root: variables,
            scopes: Vec::new(),
            out: String::new(),
            indent: String::new(),
            line_start: true,
            steps: 0,
            depth: 0,
        };
        render.nodes(&self.nodes, &self.name)?;
        Ok((render.out, render.steps))
    }
}

fn collect(
    nodes: &[Node],
    template: &str,
    variables: &mut BTreeSet<String>,
    partials: &mut Vec<(String, String, usize)>,
) {
    for node in nodes {
        match node {
            Node::Text(_) => {}
            Node::Variable { name, .. } => variables.extend(name.0.first().cloned()),
            Node::Section { name, inside, .. } => {
                variables.extend(name.0.first().cloned());
                collect(inside, template, variables, partials);
            }
            Node::Partial { name, line, .. } => partials.push((name.clone(), template.to_owned(), *line)),
        }
    }
}

struct Render<'a> {
    template: &'a Mustache,
    root: &'a Map<String, Value>,
    /// The values of the sections around, innermost last.
    scopes: Vec<&'a Value>,
    out: String,
    /// What stands before each line of the partial at hand.
    indent: String,
    line_start: bool,
    steps: u64,
    depth: usize,
}

impl<'a> Render<'a> {
    fn nodes(&mut self, nodes: &'a [Node], template: &'a str) -> Result<(), TemplateError> {
        for node in nodes {
            self.step(1, template)?;
            match node {
                Node::Text(text) => {
                    for line in text.split_inclusive('\n') {
                        self.put(line, template)?;
                        self.line_start = line.ends_with('\n');
                    }
                }
                Node::Variable { name, line } => {
                    let Some(value) = self.find(name) else {
                        return Err(TemplateError::undefined(template, Some(*line), &name.text()));
                    };
                    match value {
                        Value::Null => {}
                        Value::String(text) => self.put(text, template)?,
                        other => self.put(&other.to_string(), template)?,
                    }
                }
                Node::Section { name, inverted, inside } => self.section(name, *inverted, inside, template)?,
                Node::Partial { name, indent, line } => self.partial(name, indent, *line, template)?,
            }
        }
        Ok(())
    }

    fn section(
        &mut self,
        name: &Name,
        inverted: bool,
        inside: &'a [Node],
        template: &'a str,
    ) -> Result<(), TemplateError> {
        let value = self.find(name).filter(|value| truthy(value));
        if inverted {
            return if value.is_none() { self.nested(inside, template) } else { Ok(()) };
        }
        match value {
            None => Ok(()),
            Some(Value::Array(items)) => items.iter().try_for_each(|item| self.scoped(item, inside, template)),
            Some(value) => self.scoped(value, inside, template),
        }
    }

    fn scoped(&mut self, value: &'a Value, inside: &'a [Node], template: &'a str) -> Result<(), TemplateError> {
        self.step(1, template)?;
        self.scopes.push(value);
        let done = self.nested(inside, template);
        self.scopes.pop();
        done
    }

    fn nested(&mut self, inside: &'a [Node], template: &'a str) -> Result<(), TemplateError> {
        if self.depth >= DEPTH {
            return Err(TemplateError::new(
                template,
                None,
                format!("sections and partials nest more than {DEPTH} deep"),
            ));
        }
        self.depth += 1;
        let done = self.nodes(inside, template);
        self.depth -= 1;
        done
    }

    fn partial(&mut self, name: &str, indent: &str, line: usize, template: &str) -> Result<(), TemplateError> {
        let Some((shown, nodes)) = self.template.partials.get(name) else {
            let message = format!("it includes the prompt \"{name}\", which does not exist");
            return Err(TemplateError::new(template, Some(line), message));
        };
        let outer = self.indent.len();
        self.indent.push_str(indent);
        let done = self.nested(nodes, shown);
        self.indent.truncate(outer);
        done
    }

    /// The value that a name means: the innermost section whose value has its first part decides.
    fn find(&self, name: &Name) -> Option<&'a Value> {
        let Some((first, rest)) = name.0.split_first() else { return self.scopes.last().copied() };
        let scoped = self.scopes.iter().rev().find_map(|scope| scope.as_object()?.get(first));
        let mut value = scoped.or_else(|| self.root.get(first))?;
        for part in rest {
            value = value.as_object()?.get(part)?;
        }
        Some(value)
    }

    fn put(&mut self, text: &str, template: &str) -> Result<(), TemplateError> {
        let indent = if self.line_start && !text.is_empty() { self.indent.len() } else { 0 };
        let bytes = text.len() + indent;
        self.step(bytes as u64 / 64, template)?;
        if self.out.len() + bytes > self.template.limits.output {
            let message = super::too_long(self.template.limits.output);
            return Err(TemplateError::new(template, None, message));
        }
        if indent > 0 {
            self.out.push_str(&self.indent);
        }
        if !text.is_empty() {
            self.line_start = false;
        }
        self.out.push_str(text);
        Ok(())
    }

    fn step(&mut self, steps: u64, template: &str) -> Result<(), TemplateError> {
        self.steps += steps;
        let most = self.template.limits.fuel;
        if self.steps <= most {
            return Ok(());
        }
        let message = format!(
            "the template does too much work: it used up its {most} steps; look for sections over long lists in each other"
        );
        Err(TemplateError::new(template, None, message))
    }
}

fn truthy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) | Value::Object(_) => true,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
    }
}
