// The language of the filter bar: `model:gpt-4o status:error latency:>2s attr.tier:gold "refund policy"`. Terms of one key are
// alternatives, different keys must all hold, words without a key are looked for in the text. Pure.

export type Key = {
  name: string;
  about: string;
  // The API's parameter of an equality; of a bound those of its two directions.
  param?: string;
  atLeast?: string;
  atMost?: string;
  unit?: "duration" | "dollars";
  // Figures can be filtered and grouped by it.
  dimension?: boolean;
  // A closed set.
  values?: readonly string[];
};

export const STATUSES = ["success", "error", "cached", "rate_limited", "blocked", "cancelled", "pending"] as const;
export const KINDS = ["llm", "embedding", "tool", "branch", "retriever", "chain", "agent", "guardrail", "evaluator", "other"] as const;

export const KEYS: readonly Key[] = [
  { name: "model", about: "Model that was asked for", param: "model", dimension: true },
  { name: "provider", about: "Provider that answered", param: "provider", dimension: true },
  { name: "department", about: "Department that pays", param: "department", dimension: true },
  { name: "prompt_version", about: "Prompt and version, name@version", param: "prompt_version", dimension: true },
  { name: "status", about: "How it ended", param: "status", dimension: true, values: STATUSES },
  { name: "key", about: "Name of the key that called", param: "key", dimension: true },
  { name: "project", about: "Project", param: "project", dimension: true },
  { name: "latency", about: "Duration: >2s, <300ms", atLeast: "min_latency_ms", atMost: "max_latency_ms", unit: "duration" },
  { name: "cost", about: "Dollars: >0.01", atLeast: "min_cost_usd", atMost: "max_cost_usd", unit: "dollars" },
  { name: "prompt", about: "Name of the prompt", param: "prompt" },
  { name: "user", about: "End user", param: "user" },
  { name: "session", about: "Session (thread, conversation)", param: "session" },
  { name: "error_type", about: "Class of the failure", param: "error_type" },
  { name: "finish_reason", about: "Why the model stopped", param: "finish_reason" },
  { name: "cache", about: "Part of the cache", param: "cache", values: ["hit", "semantic", "miss", "bypass"] },
  { name: "kind", about: "Kind of the step; any for all", param: "kind", values: ["any", ...KINDS] },
  { name: "name", about: "Name of the step", param: "name" },
  { name: "tag", about: "A label", param: "tag" },
  { name: "stream", about: "Streamed or not", param: "stream", values: ["true", "false"] },
  { name: "response_model", about: "Model that the answer names", param: "response_model" },
  { name: "trace", about: "Trace id", param: "trace_id" },
  { name: "request", about: "Request id", param: "request_id" },
];

export const DIMENSIONS = KEYS.filter((key) => key.dimension).map((key) => key.name);

export type Term = { key?: string; value: string; start: number; end: number };
export type Problem = { term: string; message: string };
export type Params = [string, string][];

export const keyOf = (name: string) => KEYS.find((key) => key.name === name);
const ATTRIBUTE = "attr.";

// The terms in their order, with their places in the text. A quote that is not closed ends with the text.
export function terms(text: string): Term[] {
  const found: Term[] = [];
  const pattern = /([a-z_][\w.-]*):(?=\s|$)|(?:([a-z_][\w.-]*):)?(?:"((?:[^"\\]|\\.)*)(?:"|$)|(\S+))/g;
  for (const match of text.matchAll(pattern)) {
    const [whole, open, key, quoted, bare] = match;
    const value = quoted === undefined ? (bare ?? "") : quoted.replace(/\\(.)/g, "$1");
    const place = { start: match.index, end: match.index + whole.length };
    // `https://…` is a word.
    if (key !== undefined && value.startsWith("//")) found.push({ value: whole, ...place });
    else found.push({ key: open ?? key, value, ...place });
  }
  return found;
}

const quote = (value: string) => (/[\s"]/.test(value) || value === "" ? `"${value.replace(/(["\\])/g, "\\$1")}"` : value);

export const write = (key: string | undefined, value: string) => (key ? `${key}:${quote(value)}` : quote(value));

export const values = (text: string, key: string) => terms(text).filter((term) => term.key === key).map((term) => term.value);

// The text with a term more, or without it where it stands already.
export function toggle(text: string, key: string, value: string): string {
  const kept = terms(text);
  const at = kept.findIndex((term) => term.key === key && term.value === value);
  const next = at < 0 ? [...kept, { key, value }] : kept.filter((_, n) => n !== at);
  return next.map((term) => write(term.key, term.value)).join(" ");
}

// The text with this value alone for the key.
export function only(text: string, key: string, value: string): string {
  const others = terms(text).filter((term) => term.key !== key);
  return [...others, { key, value }].map((term) => write(term.key, term.value)).join(" ");
}

const MILLIS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000 };

function bound(key: Key, value: string): [string, string] | string {
  const match = /^(>=?|<=?)\s*\$?(\d+(?:\.\d+)?|\.\d+)\s*([a-z]*)$/.exec(value);
  if (!match) return key.unit === "duration" ? `write ${key.name}:>2s or ${key.name}:<300ms` : `write ${key.name}:>0.01`;
  const [, direction = "", digits = "", unit = ""] = match;
  const factor = key.unit === "duration" ? MILLIS[unit || "ms"] : unit ? undefined : 1;
  if (factor === undefined) return `"${unit}" is no unit here`;
  const param = direction.startsWith(">") ? key.atLeast : key.atMost;
  return [param ?? key.name, String(Number(digits) * factor)];
}

// What the API is asked, and what could not be understood. `dimensions` allows only what figures know.
export function toParams(text: string, dimensions = false): { params: Params; problems: Problem[] } {
  const params: Params = [];
  const problems: Problem[] = [];
  const words: string[] = [];
  for (const { key: name, value } of terms(text)) {
    const term = write(name, value);
    if (name === undefined) {
      if (dimensions) problems.push({ term, message: `figures are filtered by ${DIMENSIONS.join(", ")}` });
      else words.push(value);
      continue;
    }
    const key = keyOf(name);
    if (dimensions && !key?.dimension) {
      problems.push({ term, message: `figures are filtered by ${DIMENSIONS.join(", ")}` });
    } else if (value === "") {
      problems.push({ term, message: `${name} needs a value` });
    } else if (name.startsWith(ATTRIBUTE) && name.length > ATTRIBUTE.length) {
      params.push([name, value]);
    } else if (key === undefined) {
      problems.push({ term, message: `there is no key "${name}"` });
    } else if (key.unit) {
      const read = bound(key, value);
      if (typeof read === "string") problems.push({ term, message: read });
      else params.push(read);
    } else if (key.values && !key.values.includes(value)) {
      problems.push({ term, message: `${name} is one of ${key.values.join(", ")}` });
    } else {
      params.push([key.param ?? name, value]);
    }
  }
  for (const word of words) params.push(["text", word]);
  return { params, problems };
}

// The pairs as the typed client takes them: what stands several times becomes a list.
export function gathered(params: Params): Record<string, string | string[]> {
  const all: Record<string, string | string[]> = {};
  for (const [name, value] of params) {
    const held = all[name];
    all[name] = held === undefined ? value : [...(Array.isArray(held) ? held : [held]), value];
  }
  return all;
}
