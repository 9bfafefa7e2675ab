//! What compiling and rendering a prompt costs: `cargo run --profile quick-release -p weir-gateway --example template_cost`.
#![expect(clippy::print_stdout, reason = "the table is what the program is for")]

use std::{hint::black_box, sync::Arc, thread, time::Instant};

use serde_json::{Value, json};
use weir_gateway::prompts::template::{Format, Limits, Template, TemplateError};

const RENDERS: u32 = 20_000;

const PLAIN: &str = "You are the assistant of {{ company }}. Answer {{ customer.name }} ({{ customer.plan|upper }}) \
    in {{ language|default('English') }}.\n{% if documents %}Use only these documents:\n{% for document in documents %}\
    {{ loop.index }}. {{ document }}\n{% endfor %}{% endif %}\nQuestion: {{ question|trim }}\n";

/// A block that is printed twice, which may recur: the rendering gets a thread with a deep stack.
const DEEP: &str = "{% block head %}{{ company }}{% endblock %}{{ self.head() }}{% set ns = namespace(n=0) %}{% for document in documents %}{% set ns.n = ns.n + 1 %}{{ ns.n }}. \
    {{ document }}\n{% endfor %}{{ company }}{{ customer.name }}{{ language }}{{ question }}";

const MUSTACHE: &str = "You are the assistant of {{company}}. Answer {{customer.name}} ({{customer.plan}}) in \
    {{language}}.\n{{#documents}}- {{.}}\n{{/documents}}\nQuestion: {{question}}\n";

fn measure(name: &str, format: Format, source: &str, variables: &Value, threads: u32) -> Result<(), TemplateError> {
    let begun = Instant::now();
    let template = Arc::new(Template::compile(format, name, source, &(), Limits::default())?);
    let compile = begun.elapsed();
    let variables = Arc::new(variables.as_object().cloned().unwrap_or_default());
    let bytes = template.render(&variables)?.len();
    let begun = Instant::now();
    let workers: Vec<_> = (0..threads)
        .map(|_| {
            let (template, variables) = (Arc::clone(&template), Arc::clone(&variables));
            thread::spawn(move || {
                for _ in 0..RENDERS {
                    drop(black_box(template.render(black_box(&variables))));
                }
            })
        })
        .collect();
    for worker in workers {
        drop(worker.join());
    }
    let nanos = begun.elapsed().as_nanos() / u128::from(RENDERS);
    println!("{name:<22} {threads:>7} {bytes:>6} {:>12.1} {nanos:>14}", compile.as_secs_f64() * 1e6);
    Ok(())
}

fn main() -> Result<(), TemplateError> {
    let variables = json!({
        "company": "Acme",
        "customer": {"name": "Ada Lovelace", "plan": "pro"},
        "language": "German",
        "documents": ["a document of some length, ".repeat(12), "another one, ".repeat(24), "a third. ".repeat(20)],
        "question": "  How do I change the plan of my account?  ",
    });
    println!("{:<22} {:>7} {:>6} {:>12} {:>14}", "template", "threads", "bytes", "compile us", "ns per render");
    for threads in [1, 2] {
        measure("jinja2", Format::Jinja2, PLAIN, &variables, threads)?;
        measure("jinja2 on a deep stack", Format::Jinja2, DEEP, &variables, threads)?;
        measure("mustache", Format::Mustache, MUSTACHE, &variables, threads)?;
    }
    Ok(())
}
