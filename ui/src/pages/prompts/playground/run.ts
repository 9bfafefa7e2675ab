// One try: the messages to a model, the answer as it comes, and what the record says of it afterwards.

import { type Call, json, request } from "@/api/client";
import { split } from "@/api/stream";
import type { Message } from "../api";

export type Try = {
  state: "running" | "done" | "failed" | "stopped";
  text: string;
  error?: string;
  // Milliseconds.
  first?: number;
  took?: number;
  call?: Call;
};

type Asked = { model: string; messages: Message[]; temperature: number | undefined; maxTokens: number | undefined; prompt?: { name: string; version: string } };

type Piece = { choices?: { delta?: { content?: string | null } }[]; error?: { message?: string } };

export async function ask({ model, messages, temperature, maxTokens, prompt }: Asked, signal: AbortSignal, told: (so: Try) => void) {
  const begun = performance.now();
  let so: Try = { state: "running", text: "" };
  const tell = (change: Partial<Try>) => told((so = { ...so, ...change }));
  tell({});
  let id: string | null = null;
  try {
    const body = {
      model,
      messages,
      stream: true,
      ...(temperature === undefined ? {} : { temperature }),
      ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
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
        const more = piece.choices?.[0]?.delta?.content ?? "";
        if (more) tell({ text: so.text + more, first: so.first ?? performance.now() - begun });
      }
    }
    tell({ state: "done", took: performance.now() - begun });
  } catch (error) {
    if (signal.aborted) return tell({ state: "stopped", took: performance.now() - begun });
    tell({ state: "failed", error: error instanceof Error ? error.message : String(error), took: performance.now() - begun });
  }
  if (id) tell({ call: await recorded(id, signal) });
}

// The record of the call: it is stored a moment after the answer has ended.
async function recorded(id: string, signal: AbortSignal): Promise<Call | undefined> {
  for (let wait = 50; wait < 2_000; wait *= 2) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    try {
      return await json<Call>(`/api/v1/calls/${encodeURIComponent(id)}`, {}, { signal });
    } catch {
      if (signal.aborted) return undefined;
    }
  }
  return undefined;
}
