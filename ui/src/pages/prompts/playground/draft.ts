// What is sent to the models where no prompt is chosen: turns that can be edited, and the rest of the request. Pure.

import type { Call } from "@/api/client";
import { parsed, readInput } from "@/components/chat/read";

// `raw`: the turn is more than a text (parts, calls of tools), and `text` is all of it but its role, as JSON.
export type Turn = { role: string; text: string; raw?: boolean };

// `rest` is JSON of an object: temperature, tools and whatever else a request may carry.
export type Draft = { turns: Turn[]; rest: string };

export const ROLES = ["system", "developer", "user", "assistant", "tool"] as const;

export const FRESH: Draft = {
  turns: [
    { role: "system", text: "You are a helpful assistant." },
    { role: "user", text: "Where is my order V123456?" },
  ],
  rest: "",
};

type Json = Record<string, unknown>;
const isRecord = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);
const printed = (value: unknown) => JSON.stringify(value, null, 2);

// Members that the playground sets itself.
const OWN = new Set(["model", "messages", "stream", "stream_options", "metadata", "user"]);
// What other protocols mean in the same way.
const SHARED = ["temperature", "top_p", "max_tokens"];

function turnOf(message: unknown): Turn | undefined {
  if (!isRecord(message)) return undefined;
  const { role, ...rest } = message;
  if (typeof rest.content === "string" && Object.keys(rest).length === 1) return { role: String(role ?? "user"), text: rest.content };
  return { role: String(role ?? "user"), text: printed(rest), raw: true };
}

// The draft of a recorded call, with the messages exactly as they were sent; nothing where it was no conversation.
export function draftOf(call: Call): Draft | undefined {
  const body = parsed(call.input);
  const isChat = (call.operation ?? "chat") === "chat";
  if (isChat && isRecord(body) && Array.isArray(body.messages)) {
    const turns = body.messages.map(turnOf).filter((turn) => turn !== undefined);
    const rest = Object.entries(body).filter(([name, value]) => !OWN.has(name) && value !== null);
    return turns.length ? { turns, rest: rest.length ? printed(Object.fromEntries(rest)) : "" } : undefined;
  }
  // Another protocol: its texts, and what means the same.
  const messages = readInput(body);
  if (!messages?.length) return undefined;
  const rest = isRecord(body) ? SHARED.filter((name) => typeof body[name] === "number").map((name) => [name, body[name]] as const) : [];
  return { turns: messages.map(({ role, text }) => ({ role, text })), rest: rest.length ? printed(Object.fromEntries(rest)) : "" };
}

// The messages and the rest of the request.
export function bodyOf(draft: Draft): { messages: Json[]; rest: Json } {
  const read = (text: string, what: string): Json => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw new Error(`${what} is no JSON`);
    }
    if (!isRecord(value)) throw new Error(`${what} is no JSON object`);
    return value;
  };
  const messages = draft.turns.map((turn, n) => ({ role: turn.role, ...(turn.raw ? read(turn.text, `turn ${n + 1}`) : { content: turn.text }) }));
  return { messages, rest: draft.rest.trim() ? read(draft.rest, "what else is sent") : {} };
}
