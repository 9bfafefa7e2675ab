// The language of the filter bar: `model:gpt-4o -status:error latency:>2s attr.tier:gold score.helpful:<0.5 "refund policy"`.
// Terms of one key are alternatives, different keys must all hold, words without a key are looked for in the text, and a minus
// before a term leaves out what it would find. Pure.

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
  // What it can be compared with, where values are not told.
  examples?: readonly string[];
  // The beginning of names that are recorded: more is to be typed before the colon.
  open?: boolean;
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
  { name: "latency", about: "Duration: >2s, <300ms", atLeast: "min_latency_ms", atMost: "max_latency_ms", unit: "duration", examples: [">1s", ">5s", "<300ms"] },
  { name: "cost", about: "Dollars: >0.01", atLeast: "min_cost_usd", atMost: "max_cost_usd", unit: "dollars", examples: [">0.01", ">0.1"] },
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
  { name: "score.", about: "A score: score.helpful:<0.5, any", open: true },
  { name: "attr.", about: "An attribute: attr.tier:gold", open: true },
];

export const DIMENSIONS = KEYS.filter((key) => key.dimension).map((key) => key.name);

// `not`: with a minus before it.
export type Term = { key?: string; value: string; not?: boolean; start: number; end: number };
export type Problem = { term: string; message: string };
export type Params = [string, string][];

export const keyOf = (name: string) => KEYS.find((key) => key.name === name);
export const ATTRIBUTE = "attr.";
export const SCORE = "score.";
const NOT = "not.";
const isUnder = (name: string, prefix: string) => name.startsWith(prefix) && name.length > prefix.length;

// The terms in their order, with their places in the text. A quote that is not closed ends with the text.
export function terms(text: string): Term[] {
  const found: Term[] = [];
  const pattern = /(-?)(?:([a-z_][\w.-]*):(?=\s|$)|(?:([a-z_][\w.-]*):)?(?:"((?:[^"\\]|\\.)*)(?:"|$)|(\S+)))/g;
  for (const match of text.matchAll(pattern)) {
    const [whole, minus, open, key, quoted, bare] = match;
    const value = quoted === undefined ? (bare ?? "") : quoted.replace(/\\(.)/g, "$1");
    const place = { ...(minus ? { not: true } : {}), start: match.index, end: match.index + whole.length };
    // `https://…` is a word.
    if (key !== undefined && value.startsWith("//")) found.push({ ...place, value: whole.slice(minus?.length) });
    else found.push({ key: open ?? key, value, ...place });
  }
  return found;
}

const quote = (value: string) => (/[\s"]|^-/.test(value) || value === "" ? `"${value.replace(/(["\\])/g, "\\$1")}"` : value);

export const write = (key: string | undefined, value: string, not = false) => `${not ? "-" : ""}${key ? `${key}:` : ""}${quote(value)}`;

const said = (all: readonly Pick<Term, "key" | "value" | "not">[]) => all.map((term) => write(term.key, term.value, term.not)).join(" ");

// The values that are asked for under a key, or those that are left out.
export const values = (text: string, key: string, not = false) => terms(text).filter((term) => term.key === key && (term.not ?? false) === not).map((term) => term.value);

// The text with a term more, or without it where it stands already. A value is asked for or left out, not both.
export function toggle(text: string, key: string, value: string, not = false): string {
  const all = terms(text);
  const others = all.filter((term) => term.key !== key || term.value !== value);
  const stood = all.some((term) => term.key === key && term.value === value && (term.not ?? false) === not);
  return said(stood ? others : [...others, { key, value, not }]);
}

// The text with this value alone for the key.
export function only(text: string, key: string, value: string): string {
  const others = terms(text).filter((term) => term.key !== key);
  return said([...others, { key, value }]);
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
  const words: Params = [];
  for (const { key: name, value, not = false } of terms(text)) {
    const term = write(name, value, not);
    const turned = (param: string) => (not ? `${NOT}${param}` : param);
    if (name === undefined) {
      if (dimensions) problems.push({ term, message: `figures are filtered by ${DIMENSIONS.join(", ")}` });
      else words.push([turned("text"), value]);
      continue;
    }
    const key = keyOf(name);
    if (dimensions && !key?.dimension) {
      problems.push({ term, message: `figures are filtered by ${DIMENSIONS.join(", ")}` });
    } else if (dimensions && not) {
      problems.push({ term, message: "figures cannot leave a value out: name those that you want" });
    } else if (value === "") {
      problems.push({ term, message: `${name} needs a value` });
    } else if (isUnder(name, ATTRIBUTE)) {
      params.push([turned(name), value]);
    } else if (isUnder(name, SCORE)) {
      if (/^(?:any|(?:>=?|<=?|=)?-?(?:\d+(?:\.\d+)?|\.\d+))$/.test(value)) params.push([turned(name), value]);
      else problems.push({ term, message: `write ${name}:<0.5, ${name}:>=3, ${name}:1 or ${name}:any` });
    } else if (key === undefined || key.open) {
      problems.push({ term, message: `there is no key "${name}"` });
    } else if (key.unit) {
      const read = bound(key, value);
      if (typeof read === "string") problems.push({ term, message: read });
      else if (not) problems.push({ term, message: `write ${name}:${value.startsWith(">") ? "<" : ">"}… instead of leaving out` });
      else params.push(read);
    } else if (key.values && !key.values.includes(value)) {
      problems.push({ term, message: `${name} is one of ${key.values.join(", ")}` });
    } else {
      params.push([turned(key.param ?? name), value]);
    }
  }
  return { params: [...params, ...words], problems };
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
