// Prompts, as the API has them.

import { type Schema, json, post } from "@/api/client";

export type Message = { role: string; content: string };
export type Defaults = { model?: string; temperature?: number; max_tokens?: number };

export type Version = {
  name: string;
  version: string;
  labels: string[];
  hash: string;
  format: string;
  template?: string;
  role?: string;
  messages?: Message[];
  defaults: Defaults;
  variables: string[];
  message: string | null;
  created: string;
  source: string;
};

export type Prompt = { name: string; description: string | null; labels: Record<string, string>; default_version: string | null; versions: Version[] };

const BASE = "/api/v1/prompts";
const of = (name: string) => `${BASE}/${encodeURIComponent(name)}`;

export const prompts = async (signal: AbortSignal) => (await json<{ prompts: Prompt[] }>(BASE, {}, { signal })).prompts;
export const prompt = (name: string, signal: AbortSignal) => json<Prompt>(of(name), {}, { signal });

export type Rendered = { version: string; text: string; messages: Message[] };
export const render = (name: string, version: string, variables: Record<string, unknown>, userMessage: string) =>
  post<Rendered>(`${of(name)}/render`, { version, variables, ...(userMessage ? { user_message: userMessage } : {}) });

export type NewVersion = { name: string; version?: string; description?: string; format: string; messages?: Message[]; template?: string; role?: string; defaults?: Defaults; message?: string; labels?: string[] };
export const save = (version: NewVersion) => post<Version>(BASE, version);

export const setLabel = (name: string, label: string, version: string) =>
  json(`${of(name)}/labels/${encodeURIComponent(label)}`, {}, { method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify({ version }) });
export const removeLabel = (name: string, label: string) => json(`${of(name)}/labels/${encodeURIComponent(label)}`, {}, { method: "DELETE" });

export const compare = (name: string, from: string, to: string, signal: AbortSignal) => json<Schema["CompareAnswer"]>(`${of(name)}/compare`, { from, to }, { signal });

// A version's template as messages, whichever kind it is.
export function messagesOf(version: Version): Message[] {
  return version.messages ?? [{ role: version.role ?? "user", content: version.template ?? "" }];
}
