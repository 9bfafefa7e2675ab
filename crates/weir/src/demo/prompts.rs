//! The prompts of the assistant with their versions: registered before traffic uses them, and rendered as the gateway does.

use serde_json::{Map, Value, json};
use weir_core::prompt::{PromptContent, PromptDefaults, PromptRole, PromptVersion, TemplateBody, TemplateMessage};
use weir_core::time::{DAY, Micros};
use weir_store::catalog::Prompts;

use super::incidents::Plan;

/// Places in [`PROMPTS`].
pub(super) const SUPPORT: usize = 0;
pub(super) const REFUND: usize = 1;
pub(super) const ADVICE: usize = 2;
pub(super) const TRIAGE: usize = 3;

struct Prompt {
    name: &'static str,
    description: &'static str,
    versions: &'static [Version],
    /// Label and place of the version.
    labels: &'static [(&'static str, usize)],
}

struct Version {
    name: &'static str,
    system: &'static str,
    message: &'static str,
}

static PROMPTS: [Prompt; 4] = [
    Prompt {
        name: "support-answer",
        description: "Answers a customer from articles of the help centre",
        versions: &[
            Version {
                name: "v1",
                system: "You are the support assistant of Velora, a shop for electric bicycles. You are always friendly, \
patient and professional. You always greet the customer and thank them for their message. You must answer only with what is \
in the articles below. If the answer is not in the articles, say so politely and offer to hand the customer over to a \
person. Never invent facts, dates, prices or conditions. Never promise a refund. Never give legal advice. Never talk about \
other shops. Answer in the language of the customer. Use short sentences and avoid technical words where you can; where you \
cannot, explain them. Structure long answers with paragraphs. Repeat the question in your own words before you answer it, \
so that the customer knows that you understood it. At the end ask whether there is anything else that you can do, and \
mention that the service can be reached by telephone until 20:00.\n\
Think about these examples.\nCustomer: My parcel is late.\nAssistant: Thank you for your message. You would like to know \
where your parcel is. I am sorry that it is late. ...\nCustomer: The brake squeals.\nAssistant: Thank you for your message. \
You hear a noise from your brake. This is mostly dirt on the disc. ...\n\nPlan of the customer: {{ plan }}\n\nArticles:\n\
{{ context }}",
                message: "The first version",
            },
            Version {
                name: "v2",
                system: "You answer customers of Velora, a shop for electric bicycles.\n- Use only the articles. If they do not \
say it, offer a person.\n- No promises of refunds, no legal advice.\n- The customer's language, at most five sentences, the \
answer first.\n\nPlan: {{ plan }}\n\nArticles:\n{{ context }}",
                message: "Half as long: rules as a list, no examples, answer first. Better on support-golden in every metric",
            },
        ],
        labels: &[("production", 1), ("fallback", 0)],
    },
    Prompt {
        name: "refund-decision",
        description: "Decides on a refund and says why",
        versions: &[
            Version {
                name: "v1",
                system: "You decide on refunds of Velora within the terms below. Give the decision first and one reason. Do not \
repeat the terms.\n\nPlan: {{ plan }}\n\nTerms:\n{{ context }}",
                message: "The first version",
            },
            Version {
                name: "v2",
                system: "You decide on refunds of Velora within the terms below. Explain every step that leads to your decision \
in full, with the alternatives that you considered and why you rejected them.\n\nPlan: {{ plan }}\n\nTerms:\n{{ context }}",
                message: "Explains every step, as the auditors asked",
            },
        ],
        labels: &[("production", 1), ("fallback", 0)],
    },
    Prompt {
        name: "product-advice",
        description: "Helps to choose a bicycle",
        versions: &[Version {
            name: "v1",
            system: "You advise customers of Velora on which electric bicycle to buy. Be honest about what a cheaper model cannot \
do. At most six sentences.\n\nModels:\n{{ context }}",
            message: "The first version",
        }],
        labels: &[("production", 0)],
    },
    Prompt {
        name: "ticket-triage",
        description: "Says what a message is about and what to do with it",
        versions: &[Version {
            name: "v1",
            system: "Classify the message of a customer. Answer with JSON only: {\"topic\": \"...\", \"route\": \"answer\" | \
\"lookup\" | \"escalate\", \"confidence\": 0 to 1}. Topics: delivery, battery, app, brakes, warranty, other.",
            message: "The first version",
        }],
        labels: &[("production", 0)],
    },
];

/// A prompt as a call used it.
pub(super) struct Rendered {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    pub(super) system: String,
    /// What the record keeps of it: hash and variables, as the gateway writes it.
    pub(super) note: String,
}

/// The prompts with the hashes of their contents.
pub(super) struct Shelf {
    hashes: Vec<Vec<String>>,
}

impl Shelf {
    pub(super) fn new() -> Self {
        let of = |prompt: &Prompt| prompt.versions.iter().map(|version| content(version).hash()).collect();
        Self { hashes: PROMPTS.iter().map(of).collect() }
    }

    /// Renders a version; the variables are those that the templates know.
    pub(super) fn render(
        &self,
        prompt: usize,
        version: usize,
        plan: &str,
        context: &str,
        message: &str,
    ) -> Option<Rendered> {
        let of = PROMPTS.get(prompt)?;
        let template = of.versions.get(version)?;
        let mut variables = Map::new();
        for (name, value) in [("plan", plan), ("context", context)] {
            if template.system.contains(&format!("{{{{ {name} }}}}")) {
                variables.insert(name.to_owned(), Value::String(value.to_owned()));
            }
        }
        let hash = self.hashes.get(prompt)?.get(version)?;
        let note = json!({"hash": hash, "variables": variables, "user_message": message});
        Some(Rendered {
            name: of.name,
            version: template.name,
            system: template.system.replace("{{ plan }}", plan).replace("{{ context }}", context),
            note: note.to_string(),
        })
    }
}

fn content(version: &Version) -> PromptContent {
    let messages = vec![
        TemplateMessage { role: PromptRole::System, content: version.system.to_owned() },
        TemplateMessage { role: PromptRole::Messages, content: String::new() },
    ];
    PromptContent { format: Default::default(), body: TemplateBody::Chat { messages } }
}

/// When a version was made.
fn made(plan: &Plan, prompt: usize, version: usize) -> Option<Micros> {
    match (prompt, version) {
        (_, 0) => Some(plan.range.start - 12 * DAY),
        (SUPPORT, _) => Some(plan.rollout() - DAY),
        // Without the incident its cause was never made.
        _ => plan.changed,
    }
}

/// Puts prompts, versions and labels into the catalog; how many versions there are.
pub(super) fn register(catalog: &dyn Prompts, plan: &Plan) -> anyhow::Result<usize> {
    let mut count = 0;
    for (place, prompt) in PROMPTS.iter().enumerate() {
        let mut newest = 0;
        for (number, version) in prompt.versions.iter().enumerate() {
            let Some(created_us) = made(plan, place, number) else { continue };
            newest = number;
            let defaults =
                PromptDefaults { temperature: Some(0.2), max_tokens: Some(800), ..PromptDefaults::default() };
            let record = PromptVersion {
                version: version.name.to_owned(),
                content: content(version),
                defaults,
                message: Some(version.message.to_owned()),
                created_us,
            };
            catalog.put_version(prompt.name, Some(prompt.description), &record, &[])?;
            count += 1;
        }
        for (label, on) in prompt.labels {
            if let Some(version) = prompt.versions.get((*on).min(newest)) {
                catalog.set_label(prompt.name, label, Some(version.name))?;
            }
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rendered_prompt_has_its_variables_and_no_placeholder() {
        let rendered = Shelf::new().render(SUPPORT, 1, "care", "## Title\ntext\n", "hello").unwrap();
        assert!(rendered.system.contains("Plan: care") && rendered.system.ends_with("## Title\ntext\n"));
        assert!(!rendered.system.contains("{{"), "{}", rendered.system);
        let note: Value = serde_json::from_str(&rendered.note).unwrap();
        assert_eq!(note["variables"]["plan"], "care");
        assert_eq!(note["hash"].as_str().map(str::len), Some(64));
        let advice = Shelf::new().render(ADVICE, 0, "care", "x", "hello").unwrap();
        assert!(!advice.note.contains("plan"), "only what the template knows: {}", advice.note);
    }

    #[test]
    fn the_second_version_of_support_is_shorter() {
        let [one, two] = [0, 1].map(|version| PROMPTS[SUPPORT].versions[version].system.len());
        assert!(one > 2 * two, "{one} and {two}");
    }
}
