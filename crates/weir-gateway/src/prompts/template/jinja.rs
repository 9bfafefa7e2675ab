//! Jinja2 templates: what a compiled one consists of, and how it is rendered.

use std::{
    collections::{BTreeSet, HashMap},
    io::{self, Write},
    panic::resume_unwind,
    sync::LazyLock,
    thread,
};

use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value};
use serde_json::{Map, Value as Json};

use super::{Limits, Sources, TemplateError, error::Known, filters, guard, instrument};

/// The stack of a thread that compiles or renders what may nest deeply. Only what is touched takes memory.
const DEEP_STACK: usize = 256 << 20;
/// Levels of blocks, calls and loops in each other while rendering; a macro counts as 4, an included template as 10.
const RECURSION: usize = 250;
/// Marks the template itself among those that it includes, which may include it by its name.
const ITSELF: &str = "\u{1}";

/// The engine with its filters, tests and functions, without templates.
static ENGINE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_auto_escape_callback(|_| AutoEscape::None);
    // Lets errors name the undefined variable.
    engine.set_debug(true);
    engine.set_recursion_limit(RECURSION);
    engine.set_formatter(guard::print);
    engine.set_unknown_method_callback(guard::method);
    engine.add_function(guard::GUARD, guard::guard);
    engine.add_function(guard::ARGUMENT, guard::argument);
    engine.add_function(guard::STORE, guard::store);
    engine.add_function(guard::TEXT, guard::text);
    // Shows the state of the engine.
    engine.remove_global("debug");
    filters::add(&mut engine);
    engine
});

/// A compiled template and what it includes.
#[derive(Debug)]
pub(super) struct Jinja {
    engine: Environment<'static>,
    /// The templates by the engine's names.
    known: HashMap<String, Known>,
    name: String,
    limits: Limits,
    /// Whether rendering needs a deep stack.
    deep: bool,
    variables: BTreeSet<String>,
}

impl Jinja {
    /// Compiles a template and what it includes.
    pub(super) fn compile(
        name: &str,
        source: &str,
        sources: &dyn Sources,
        limits: Limits,
    ) -> Result<Self, TemplateError> {
        let mut engine = ENGINE.clone();
        engine.set_fuel(Some(limits.fuel));
        let mut template = Self {
            engine,
            known: HashMap::new(),
            name: name.to_owned(),
            limits,
            deep: false,
            variables: BTreeSet::new(),
        };
        let loaded = deeply(|| template.load(source, sources))
            .map_err(|error| TemplateError::new(name, None, format!("no thread to compile it: {error}")))?;
        loaded?;
        Ok(template)
    }

    fn load(&mut self, source: &str, sources: &dyn Sources) -> Result<(), TemplateError> {
        let mut waiting = vec![(ITSELF.to_owned(), self.name.clone(), source.to_owned())];
        let mut total = 0;
        self.known.insert(ITSELF.to_owned(), Known { shown: self.name.clone(), items: Vec::new() });
        while let Some((key, shown, source)) = waiting.pop() {
            total += source.len();
            if total > self.limits.source {
                let message = format!("the template and what it includes have more than {} bytes", self.limits.source);
                return Err(TemplateError::new(shown, None, message));
            }
            let checked = instrument::check(&key, &source).map_err(|error| self.error(&error, &shown))?;
            self.deep |= checked.deep;
            if let Some(known) = self.known.get_mut(&key) {
                known.items = checked.items;
            }
            for reference in checked.references {
                if self.known.contains_key(&reference.name) {
                    continue;
                }
                let Some((included, text)) = sources.source(&reference.name) else {
                    if reference.required {
                        let message = format!("it includes the prompt \"{}\", which does not exist", reference.name);
                        return Err(TemplateError::new(shown, Some(reference.line), message));
                    }
                    continue;
                };
                if self.known.len() >= self.limits.templates {
                    let message = format!("it reaches more than {} prompts", self.limits.templates);
                    return Err(TemplateError::new(shown, Some(reference.line), message));
                }
                let known = Known { shown: included.clone(), items: Vec::new() };
                self.known.insert(reference.name.clone(), known);
                waiting.push((reference.name, included, text));
            }
            self.engine
                .add_template_owned(key.clone(), checked.source)
                .and_then(|()| self.engine.get_template(&key))
                .map(|template| template.undeclared_variables(false))
                .map(|names| self.variables.extend(names))
                .map_err(|error| self.error(&error, &shown))?;
        }
        for (name, _) in self.engine.globals() {
            self.variables.remove(name);
        }
        for name in ["loop", "self", "super", "caller"] {
            self.variables.remove(name);
        }
        Ok(())
    }

    /// The variables that are read from outside.
    pub(super) fn variables(&self) -> &BTreeSet<String> {
        &self.variables
    }

    /// The text with the variables filled in, and the steps that it took.
    pub(super) fn render(&self, variables: &Map<String, Json>) -> Result<(String, u64), TemplateError> {
        if !self.deep {
            return self.run(variables);
        }
        deeply(|| self.run(variables))
            .map_err(|error| TemplateError::new(&*self.name, None, format!("no thread to render it: {error}")))?
    }

    fn run(&self, variables: &Map<String, Json>) -> Result<(String, u64), TemplateError> {
        let mut text = Bounded { bytes: Vec::new(), most: self.limits.output, full: false };
        let done = self
            .engine
            .get_template(ITSELF)
            .and_then(|template| template.render_captured_to(context(variables), &mut text))
            .map(|captured| captured.state().fuel_levels().map_or(0, |(consumed, _)| consumed));
        match done {
            Err(_) if text.full => {
                let message = super::too_long(self.limits.output);
                Err(TemplateError::new(&*self.name, None, message))
            }
            Err(error) => Err(self.error(&error, &self.name)),
            Ok(steps) => String::from_utf8(text.bytes)
                .map(|text| (text, steps))
                .map_err(|_| TemplateError::new(&*self.name, None, "the rendered text is not UTF-8")),
        }
    }

    fn error(&self, error: &Error, template: &str) -> TemplateError {
        debug_assert!(error.kind() != ErrorKind::InvalidDelimiter, "the delimiters are the usual ones");
        TemplateError::from_engine(error, template, &self.known, self.limits.fuel)
    }
}

/// The variables as the engine takes them, without those whose names are reserved: no template can use them. JSON is parsed to a bounded depth, so that this recurs no deeper.
fn context(variables: &Map<String, Json>) -> Value {
    let usable = variables.iter().filter(|(name, _)| !name.starts_with("__"));
    Value::from_pairs(usable.map(|(name, value)| (name.as_str(), convert(value))))
}

fn convert(value: &Json) -> Value {
    match value {
        Json::Null => Value::from(()),
        Json::Bool(flag) => Value::from(*flag),
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), _, _) => Value::from(number),
            (_, Some(number), _) => Value::from(number),
            (_, _, number) => Value::from(number),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::from(items.iter().map(convert).collect::<Vec<_>>()),
        Json::Object(members) => Value::from_pairs(members.iter().map(|(name, value)| (name.as_str(), convert(value)))),
    }
}

/// Runs `f` where there is stack for what nests deeply.
fn deeply<T: Send>(f: impl FnOnce() -> T + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("template".into()).stack_size(DEEP_STACK).spawn_scoped(scope, f)?;
        Ok(thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

/// Takes text up to a bound.
struct Bounded {
    bytes: Vec<u8>,
    most: usize,
    full: bool,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.most {
            self.full = true;
            return Err(io::Error::other("the text is full"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
