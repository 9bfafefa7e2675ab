//! One request of a customer, from the question to the answer: a single call, or the way through a workflow.

use serde_json::{Value, json};
use weir_core::span::{Span, SpanKind};
use weir_core::time::Micros;

use super::call::{Ask, call};
use super::chance::Chance;
use super::incidents::{LONGER, Plan};
use super::models::{Prices, SMALL};
use super::people::{Department, Habit, Session};
use super::prompts::{self, Rendered, Shelf};
use super::topics::Topic;
use super::traces::{Trace, round};

/// Tokens of a usual answer.
const ANSWER: f64 = 120.0;

/// What all requests share.
pub(super) struct World {
    pub(super) plan: Plan,
    pub(super) prices: Prices,
    pub(super) shelf: Shelf,
}

/// Makes the spans of a request, the root first.
pub(super) fn request(
    world: &World,
    department: &Department,
    session: &Session,
    at: Micros,
    chance: &mut Chance,
) -> Vec<Span> {
    let Some(topic) = department.topics.get(session.topic) else { return Vec::new() };
    let question = topic.question(session.turn, &session.order, chance);
    let asked = Request { world, department, session, topic, question };
    let habit = if chance.happens(department.traced) { department.workflow } else { Habit::Call };
    match habit {
        Habit::Call => asked.alone(at, chance).into_iter().collect(),
        Habit::Assistant => asked.assistant(at, chance).unwrap_or_default(),
        Habit::RefundDesk => asked.refund_desk(at, chance).unwrap_or_default(),
    }
}

struct Request<'a> {
    world: &'a World,
    department: &'a Department,
    session: &'a Session,
    topic: &'a Topic,
    question: String,
}

impl Request<'_> {
    /// Which version of a prompt is used now.
    fn version(&self, prompt: usize, at: Micros, chance: &mut Chance) -> usize {
        let plan = &self.world.plan;
        match prompt {
            prompts::SUPPORT => usize::from(chance.happens(plan.second_version(at))),
            prompts::REFUND => usize::from(plan.is_changed(at)),
            _ => 0,
        }
    }

    fn render(&self, prompt: usize, version: usize) -> Option<Rendered> {
        let context = self.topic.context();
        self.world.shelf.render(prompt, version, self.session.plan, &context, &self.question)
    }

    /// An answer in the manner of a version.
    fn answer(&self, prompt: usize, version: usize, chance: &mut Chance) -> String {
        let every_step = prompt == prompts::REFUND && version == 1;
        let manner = match (prompt, version) {
            (prompts::SUPPORT, 1) => 0.85,
            _ if every_step => LONGER,
            _ => 1.0,
        };
        self.topic.answer(ANSWER * manner * chance.spread(0.35), every_step, &self.session.order, chance)
    }

    /// A call of the department's prompt and the answer that it is to bring.
    fn ask(&self, at: Micros, within: Option<&Trace<'_>>, cached: f64, chance: &mut Chance) -> Option<(Span, String)> {
        let prompt = self.department.prompt;
        let version = self.version(prompt, at, chance);
        let answer = self.answer(prompt, version, chance);
        let ask = Ask {
            at,
            department: self.department,
            session: self.session,
            model: chance.pick(&self.department.models),
            prompt: self.render(prompt, version)?,
            question: &self.question,
            answer: answer.clone(),
            within: within.map(Trace::within),
            stream: self.session.channel != "email",
            cached,
        };
        Some((call(ask, &self.world.plan, &self.world.prices, chance), answer))
    }

    fn alone(&self, at: Micros, chance: &mut Chance) -> Option<Span> {
        // What begins a conversation is what others have asked before.
        let cached = if self.session.turn == 0 { self.department.cached } else { 0.0 };
        Some(self.ask(at, None, cached, chance)?.0)
    }

    /// check → classify → answer | lookup → answer | escalate; answer → review → send | rewrite
    fn assistant(&self, at: Micros, chance: &mut Chance) -> Option<Vec<Span>> {
        let question = self.question.as_str();
        let mut trace = Trace::begin("support-assistant", at, self.department, self.session, chance);
        let verdict = json!({"allowed": true, "flags": []});
        let ms = chance.between(6.0, 25.0);
        trace.step(SpanKind::Guardrail, "check_input", ms, &json!({"text": question}), &verdict, chance);
        let (route, confidence) = self.route(trace.now(), chance);
        let classify = json!({"topic": self.topic.name, "route": route, "confidence": confidence});
        let triage = Ask {
            at: trace.now(),
            department: self.department,
            session: self.session,
            model: SMALL,
            prompt: self.render(prompts::TRIAGE, 0)?,
            question,
            answer: classify.to_string(),
            within: Some(trace.within()),
            stream: false,
            cached: 0.0,
        };
        let triage = call(triage, &self.world.plan, &self.world.prices, chance);
        if !trace.call(triage, chance) {
            return Some(trace.end("support-assistant", question, Err("the message could not be classified"), chance));
        }
        trace.branch("classify", route, "route", &Value::from(route), chance);
        match route {
            "escalate" => {
                let input = json!({"customer": self.session.user, "topic": self.topic.name, "priority": "normal"});
                let ticket =
                    json!({"ticket": format!("T-{}", 10_000 + chance.below(90_000)), "queue": self.topic.name});
                trace.tool("open_ticket", 90.0, &input, &ticket, chance);
                let answer = "A colleague will take this over and answer within one working day.";
                return Some(trace.end("support-assistant", question, Ok(answer), chance));
            }
            "lookup" => {
                self.look_up(&mut trace, chance);
                trace.branch("lookup", "answer", "order is found", &Value::from(true), chance);
            }
            _ => {}
        }
        trace.retrieve("search_help_center", question, self.topic.articles, chance);
        let (answer, text) = self.ask(trace.now(), Some(&trace), 0.0, chance)?;
        if !trace.call(answer, chance) {
            return Some(trace.end("support-assistant", question, Err("no model gave an answer"), chance));
        }
        trace.branch("answer", "review", "always", &Value::from(true), chance);
        let grounded = round(chance.between(0.62, 0.99));
        let to = if grounded < 0.68 { "rewrite" } else { "send" };
        trace.branch("review", to, "grounded >= 0.68", &Value::from(grounded), chance);
        Some(trace.end("support-assistant", question, Ok(&text), chance))
    }

    /// How a message is routed; what the second version can answer needs nobody else.
    fn route(&self, at: Micros, chance: &mut Chance) -> (&'static str, f64) {
        let second = self.world.plan.second_version(at);
        let lookup = if self.topic.name == "delivery" { 0.6 } else { 0.12 };
        let escalate = 0.13 - 0.04 * second;
        let route = ["answer", "lookup", "escalate"][chance.pick(&[1.0 - lookup - escalate, lookup, escalate])];
        (route, round(chance.between(0.7, 0.99)))
    }

    fn look_up(&self, trace: &mut Trace<'_>, chance: &mut Chance) {
        let order = &self.session.order;
        let state = chance.one(&["packed", "in transit", "delivered", "returned"]);
        let found = json!({"order": order, "state": state, "carrier": "DHL", "items": 1 + chance.below(3)});
        trace.tool("get_order", 120.0, &json!({"order_id": order}), &found, chance);
    }

    /// order → terms → decide → refund | ask | person
    fn refund_desk(&self, at: Micros, chance: &mut Chance) -> Option<Vec<Span>> {
        let question = self.question.as_str();
        let mut trace = Trace::begin("refund-desk", at, self.department, self.session, chance);
        self.look_up(&mut trace, chance);
        trace.retrieve("search_terms", question, self.topic.articles, chance);
        let (answer, text) = self.ask(trace.now(), Some(&trace), 0.0, chance)?;
        if !trace.call(answer, chance) {
            return Some(trace.end("refund-desk", question, Err("no model gave a decision"), chance));
        }
        let amount = round(chance.between(9.0, 180.0) * chance.spread(0.5));
        let place = chance.pick(&[0.55, 0.3, 0.15]);
        let to = ["refund", "ask_customer", "person"][place];
        trace.branch("decide", to, "amount <= 150 and terms are met", &Value::from(place == 0), chance);
        match to {
            "refund" => {
                let input = json!({"order_id": self.session.order, "amount_eur": amount});
                let done = json!({"refund": format!("R-{}", chance.hex(8)), "booked": true});
                trace.tool("issue_refund", 210.0, &input, &done, chance);
            }
            "person" => {
                let input = json!({"order_id": self.session.order, "amount_eur": amount, "why": "above the limit"});
                trace.tool("open_ticket", 90.0, &input, &json!({"queue": "refunds"}), chance);
            }
            _ => {}
        }
        Some(trace.end("refund-desk", question, Ok(&text), chance))
    }
}
