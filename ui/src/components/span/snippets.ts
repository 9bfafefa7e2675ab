// A recorded call as something to run again, through this server. Pure.

import type { Call } from "@/api/client";
import { parsed } from "../chat/read";

const PATHS: Record<string, string> = { embeddings: "/v1/embeddings", text_completion: "/v1/completions", completion: "/v1/completions", messages: "/v1/messages", responses: "/v1/responses" };

type Body = Record<string, unknown>;

// The request's body and where it goes; nothing for a step that was no request of a model.
export function requestOf(call: Call): { path: string; body: Body } | undefined {
  const body = parsed(call.input);
  if (typeof body !== "object" || body === null || Array.isArray(body)) return undefined;
  const asked = body as Body;
  if (!("messages" in asked || "input" in asked || "prompt" in asked)) return undefined;
  const model = asked.model ?? call.deployment ?? call.model ?? undefined;
  return { path: PATHS[call.operation ?? ""] ?? "/v1/chat/completions", body: model === undefined ? asked : { ...asked, model } };
}

const shellQuoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

export function curl(call: Call, root: string, key: boolean): string | undefined {
  const request = requestOf(call);
  if (!request) return undefined;
  const lines = [`curl ${root}${request.path}`, "-H 'content-type: application/json'"];
  if (key) lines.push('-H "authorization: Bearer $WEIR_KEY"');
  lines.push(`-d ${shellQuoted(JSON.stringify(request.body, null, 2))}`);
  return lines.join(" \\\n  ");
}

// As Python writes it.
export function literal(value: unknown, indent = 0): string {
  const pad = " ".repeat(indent + 4);
  const end = " ".repeat(indent);
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string" || typeof value === "number") return JSON.stringify(value);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  const items = Array.isArray(value) ? value.map((item) => literal(item, indent + 4)) : Object.entries(value as Body).map(([name, item]) => `${JSON.stringify(name)}: ${literal(item, indent + 4)}`);
  return items.length ? `${open}\n${items.map((item) => `${pad}${item},\n`).join("")}${end}${close}` : `${open}${close}`;
}

const METHODS: Record<string, string> = { "/v1/chat/completions": "chat.completions", "/v1/embeddings": "embeddings", "/v1/completions": "completions", "/v1/responses": "responses" };

export function python(call: Call, root: string, key: boolean): string | undefined {
  const request = requestOf(call);
  if (!request) return undefined;
  const token = key ? 'os.environ["WEIR_KEY"]' : '"none-needed"';
  const fields = Object.entries(request.body).map(([name, value]) => `    ${name}=${literal(value, 4)},\n`);
  const [client, base, method] =
    request.path === "/v1/messages" ? ["Anthropic", root, "messages"] : ["OpenAI", `${root}/v1`, METHODS[request.path] ?? "chat.completions"];
  return `${key ? "import os\n\n" : ""}from ${client.toLowerCase()} import ${client}

client = ${client}(base_url="${base}", api_key=${token})
answer = client.${method}.create(
${fields.join("")})
print(answer)
`;
}
