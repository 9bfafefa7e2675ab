//! The passages of a request: its texts, where they stand in the JSON, and what may be done to each.
//!
//! Never changed: what cannot be read; calls of tools, and all of a message that has any; all of an assistant's message
//! that holds thinking or anything but text; an assistant's message that stands last, which the model continues; all
//! up to the last `cache_control`, because the provider's prompt cache is keyed by every byte before it; images, audio
//! and files; and the last turn of the user unless told. Results of tools are no turn of the user.

use weir_core::token::count_messages;

use super::blocks::{Kind, blocks};
use super::message::{Message, is_cached, is_result, last_turn, text_part};
use super::passage::{Passage, Rules, Source};
use super::splice::{Object, elements, range_within, string};
use super::{Counter, Input};

/// Tokens around a message and of its role.
const PER_MESSAGE: u64 = 4;
/// Of those, what a message without a role has.
const UNNAMED: u64 = 3;
/// Tokens that prime the answer, which `count_messages` adds once per request.
const PRIMING: u64 = 3;

/// What a request consists of.
pub(super) struct Request {
    /// Its texts, in order.
    pub passages: Vec<Passage>,
    /// Messages.
    pub messages: usize,
    /// Tokens of all that is no passage.
    pub other_tokens: u64,
}

impl Request {
    /// Reads a request; `None` where it has not the expected form.
    pub(super) fn read(input: Input<'_>, counter: Counter<'_>, include_last_user: bool) -> Option<Self> {
        let mut reader = Reader {
            request: Self { passages: Vec::new(), messages: 0, other_tokens: 0 },
            source: Source::Main,
            text: "",
            counter,
        };
        match input {
            Input::Chat(messages) => {
                reader.messages(messages, include_last_user)?;
                reader.request.other_tokens += PRIMING;
            }
            Input::Messages { system, messages } => {
                reader.system(system);
                reader.messages(messages, include_last_user)?;
            }
            Input::Prompt(prompt) => reader.prompt(prompt, include_last_user)?,
        }
        Some(reader.request)
    }

    /// Its tokens as it stands.
    pub(super) fn tokens(&self) -> u64 {
        self.passages.iter().map(|passage| passage.tokens).sum::<u64>() + self.other_tokens
    }
}

struct Reader<'a, 'm> {
    request: Request,
    source: Source,
    text: &'a str,
    counter: Counter<'m>,
}

impl<'a> Reader<'a, '_> {
    fn add(&mut self, json: &'a str, message: Option<usize>, rules: Rules) {
        if let Some(text) = string(json) {
            let range = range_within(self.text, json);
            let tokens = if rules.counted { self.counter.count(&text) } else { 0 };
            let tail = String::new();
            self.request.passages.push(Passage {
                source: self.source,
                range,
                message,
                rules,
                text,
                tail,
                tokens,
                changed: false,
            });
        }
    }

    fn prompt(&mut self, prompt: &'a str, whole: bool) -> Option<()> {
        self.text = prompt;
        self.add(prompt, None, Rules { asks: true, ..Rules::FREE });
        let passage = self.request.passages.first_mut()?;
        if !whole {
            let last = blocks(&passage.text).into_iter().rfind(|block| block.kind != Kind::Blank);
            passage.tail = passage.text.split_off(last.map_or(0, |block| block.range.start));
        }
        Some(())
    }

    fn system(&mut self, system: Option<&'a str>) {
        let Some(system) = system else { return };
        self.source = Source::System;
        self.text = system;
        let blocks = elements(system).unwrap_or_default();
        let cached = blocks.iter().any(|block| Object::of(block).is_none_or(|object| is_cached(&object)));
        let rules = Rules { editable: !cached, extractable: false, ..Rules::FREE };
        self.add(system, None, rules);
        for block in blocks.into_iter().filter_map(Object::of) {
            if let Some(text) = text_part(&block) {
                self.add(text, None, rules);
            }
        }
        self.source = Source::Main;
    }

    fn messages(&mut self, messages: &'a str, include_last_user: bool) -> Option<()> {
        self.text = messages;
        let all: Vec<Message<'a>> = elements(messages)?.into_iter().map(Message::read).collect();
        self.request.messages = all.len();
        let sealed = all.iter().rposition(Message::is_cached).map_or(0, |last| last + 1);
        if sealed > 0 {
            self.request.passages.iter_mut().for_each(|system| system.rules.editable = false);
        }
        let turn = last_turn(&all);
        for (index, message) in all.iter().enumerate() {
            let prefill = index + 1 == all.len() && message.role == "assistant";
            let asks = turn.contains(&index);
            let mut others = Vec::new();
            if index < sealed || prefill || message.is_sealed() {
                self.content(message, index, Rules { asks, ..Rules::SEALED }, &mut others);
                self.count(message.raw, 0);
                continue;
            }
            let rules = Rules {
                editable: !asks || include_last_user,
                takes_marks: message.role != "assistant",
                extractable: !matches!(&*message.role, "system" | "developer"),
                asks,
                counted: true,
            };
            self.content(message, index, rules, &mut others);
            self.request.other_tokens += PER_MESSAGE;
            if !others.is_empty() {
                self.count(&format!("{{\"content\":[{}]}}", others.join(",")), UNNAMED);
            }
        }
        Some(())
    }

    /// Counts a message as a whole, except for so many tokens.
    fn count(&mut self, message: &str, except: u64) {
        let counted = count_messages(self.counter.0, &["[", message, "]"].concat()).tokens;
        self.request.other_tokens += counted.saturating_sub(PRIMING + except);
    }

    /// Adds the passages of a message; `others` takes the parts that are none.
    fn content(&mut self, message: &Message<'a>, index: usize, rules: Rules, others: &mut Vec<&'a str>) {
        let Some(content) = message.object.as_ref().and_then(|object| object.get("content")) else { return };
        // What a tool said within the user's turn is not the user's.
        let of_result = Rules { editable: rules.counted, asks: false, ..rules };
        self.add(content, Some(index), rules);
        for part in elements(content).unwrap_or_default() {
            let object = Object::of(part);
            if let Some(text) = object.as_ref().and_then(text_part) {
                self.add(text, Some(index), rules);
            } else if let Some(result) = object.filter(is_result).and_then(|result| result.get("content")) {
                self.add(result, Some(index), of_result);
                for part in elements(result).unwrap_or_default() {
                    match Object::of(part).as_ref().and_then(text_part) {
                        Some(text) => self.add(text, Some(index), of_result),
                        None => others.push(part),
                    }
                }
            } else {
                others.push(part);
            }
        }
    }
}
