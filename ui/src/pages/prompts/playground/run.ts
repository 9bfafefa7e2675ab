// One try: the messages to a model, the answer as it comes, and what the record says of it afterwards.

import { type Call, type Schema, json, request } from "@/api/client";
import { split } from "@/api/stream";
import type { ToolCall } from "@/components/chat/read";

export type Try = {
  state: "running" | "done" | "failed" | "stopped";
  text: string;
  // Calls of tools that the answer asks for.
  tools: ToolCall[];
  error?: string;
  // Milliseconds.
  first?: number;
  took?: number;
  call?: Call;
};

// `rest`: other members of the request.
type Asked = { model: string; messages: readonly unknown[]; rest: Record<string, unknown>; prompt?: { name: string; version: string } };

type ToolPiece = { index?: number; id?: string; function?: { name?: string; arguments?: string } };
type Piece = { choices?: { delta?: { content?: string | null; tool_calls?: ToolPiece[] } }[]; error?: { message?: string } };

// The calls with what came more of them.
function gather(held: readonly ToolCall[], pieces: readonly ToolPiece[]): ToolCall[] {
  const tools = [...held];
  for (const { index = 0, id, function: made } of pieces) {
    const before = tools[index] ?? { name: "", arguments: "" };
    tools[index] = { id: id ?? before.id, name: before.name + (made?.name ?? ""), arguments: before.arguments + (made?.arguments ?? "") };
  }
  return tools.filter((tool) => tool !== undefined);
}

export async function ask({ model, messages, rest: members, prompt }: Asked, signal: AbortSignal, told: (so: Try) => void) {
  const begun = performance.now();
  let so: Try = { state: "running", text: "", tools: [] };
  const tell = (change: Partial<Try>) => told((so = { ...so, ...change }));
  tell({});
  let id: string | null = null;
  try {
    const body = {
      ...members,
      model,
      messages,
      stream: true,
      // Filed under the version, though it was rendered here.
      metadata: { ...(prompt ? { prompt_name: prompt.name, prompt_version: prompt.version } : {}), tags: ["playground"] },
    };
    const answer = await request("/v1/chat/completions", { method: "POST", headers: { "content-type": "application/json", "x-weir-cache": "off" }, body: JSON.stringify(body), signal });
    id = answer.headers.get("x-request-id");
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = (await reader?.read()) ?? { value: "", done: true };
      if (done) break;
      const parts = split(rest + value);
      rest = parts.rest;
      for (const { data } of parts.events) {
        if (data === "[DONE]") continue;
        const piece = JSON.parse(data) as Piece;
        if (piece.error) throw new Error(piece.error.message ?? "the answer broke off");
        const delta = piece.choices?.[0]?.delta;
        const first = so.first ?? performance.now() - begun;
        if (delta?.content) tell({ text: so.text + delta.content, first });
        if (delta?.tool_calls?.length) tell({ tools: gather(so.tools, delta.tool_calls), first });
      }
    }
    tell({ state: "done", took: performance.now() - begun });
  } catch (error) {
    if (signal.aborted) return tell({ state: "stopped", took: performance.now() - begun });
    tell({ state: "failed", error: error instanceof Error ? error.message : String(error), took: performance.now() - begun });
  }
  if (id) tell({ call: await recorded(id, signal) });
}

// The record of the call: it is stored a moment after the answer has ended. The list answers also while it has nothing.
async function recorded(id: string, signal: AbortSignal): Promise<Call | undefined> {
  for (let wait = 50; wait < 4_000; wait *= 2) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    try {
      const { calls } = await json<Schema["CallList"]>("/api/v1/calls", { request_id: id, limit: "1" }, { signal });
      if (calls[0]) return calls[0];
    } catch {
      return undefined;
    }
  }
  return undefined;
}
