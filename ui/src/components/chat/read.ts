// Messages out of what was recorded: the request and the answer of OpenAI's and Anthropic's protocols, and plain text. Pure:
// what is not understood comes back as nothing, and is shown as it is.

export type ToolCall = { id?: string; name: string; arguments: string };
export type Message = {
  role: string;
  text: string;
  // What the model thought before it answered, where it said so.
  thinking?: string;
  tools: ToolCall[];
  // Of a tool's result: which call it answers.
  answers?: string;
  images: string[];
  name?: string;
};

type Json = Record<string, unknown>;

const record = (value: unknown): Json | undefined => (typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined);
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
const printed = (value: unknown): string => (typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value, null, 2));

// A text that holds JSON is read; clients record both.
export function parsed(value: unknown): unknown {
  if (typeof value !== "string" || !/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

function readPart(part: unknown, into: Message) {
  const piece = record(part);
  if (!piece) {
    into.text += printed(part);
    return;
  }
  const type = text(piece.type) ?? "";
  if (type === "tool_call") into.tools.push({ id: text(piece.id), name: text(piece.name) ?? "tool", arguments: printed(piece.arguments) });
  else if (type === "tool_call_response") {
    into.role = "tool";
    into.answers = text(piece.id);
    into.text += printed(piece.response ?? piece.result);
  } else if (type === "tool_use") into.tools.push({ id: text(piece.id), name: text(piece.name) ?? "tool", arguments: printed(piece.input) });
  else if (type === "tool_result") {
    into.role = "tool";
    into.answers = text(piece.tool_use_id);
    into.text += list(piece.content).length ? list(piece.content).map((inner) => text(record(inner)?.text) ?? printed(inner)).join("\n") : printed(piece.content);
  } else if (type === "thinking" || type === "reasoning") into.thinking = (into.thinking ?? "") + (text(piece.thinking) ?? text(piece.text) ?? text(piece.content) ?? "");
  else if (type === "image_url") into.images.push(text(record(piece.image_url)?.url) ?? text(piece.image_url) ?? "");
  else if (type === "image") {
    const source = record(piece.source);
    into.images.push(text(source?.url) ?? `data:${text(source?.media_type) ?? "image/png"};base64,${text(source?.data) ?? ""}`);
  } else into.text += text(piece.text) ?? text(piece.content) ?? printed(piece);
}

export function readMessage(value: unknown, role = "assistant"): Message | undefined {
  const from = record(value);
  if (!from) return undefined;
  const message: Message = { role: text(from.role) ?? role, text: "", tools: [], images: [], name: text(from.name), answers: text(from.tool_call_id) };
  if (typeof from.content === "string") message.text = from.content;
  // OpenTelemetry has parts, the others contents.
  else for (const part of list(from.content ?? from.parts)) readPart(part, message);
  const thought = text(from.reasoning_content) ?? text(from.reasoning);
  if (thought) message.thinking = thought;
  for (const call of list(from.tool_calls)) {
    const made = record(record(call)?.function);
    if (made) message.tools.push({ id: text(record(call)?.id), name: text(made.name) ?? "tool", arguments: printed(made.arguments) });
  }
  const refusal = text(from.refusal);
  if (refusal) message.text += refusal;
  const known = "content" in from || Array.isArray(from.parts) || message.tools.length > 0 || refusal !== undefined;
  return known ? message : undefined;
}

const all = (values: unknown[], role?: string): Message[] | undefined => {
  const found = values.map((value) => readMessage(value, role));
  return found.length && found.every((m) => m !== undefined) ? found : undefined;
};

// The conversation that a request carries.
export function readInput(input: unknown): Message[] | undefined {
  const value = parsed(input);
  if (Array.isArray(value)) return all(value, "user");
  const from = record(value);
  if (!from) return undefined;
  const system = from.system === undefined ? [] : [readMessage({ role: "system", content: from.system })].filter((m) => m !== undefined);
  if (Array.isArray(from.messages)) {
    // LangChain nests the messages of each prompt.
    const messages = all(from.messages.flat(), "user");
    return messages && [...system, ...messages];
  }
  if (Array.isArray(from.input)) return all(from.input, "user");
  const prompt = text(from.prompt) ?? text(from.input);
  return prompt === undefined ? undefined : [{ role: "user", text: prompt, tools: [], images: [] }];
}

// What came back.
export function readOutput(output: unknown): Message[] | undefined {
  const value = parsed(output);
  if (Array.isArray(value)) return all(value);
  const from = record(value);
  if (!from) return undefined;
  if (Array.isArray(from.choices)) {
    return all(from.choices.map((choice) => record(choice)?.message ?? (text(record(choice)?.text) === undefined ? undefined : { role: "assistant", content: record(choice)?.text })));
  }
  if (Array.isArray(from.messages)) return all(from.messages.flat());
  if (Array.isArray(from.output)) return all(from.output.filter((item) => record(item)?.type === "message"));
  return all([from]);
}
