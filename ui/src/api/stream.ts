// Server-sent events by `fetch`: `EventSource` cannot send a key.

import { request } from "./client";

export type StreamEvent = { name: string; data: string };

// Splits what has come into whole events; gives back what is left. `:` begins a comment.
export function split(text: string): { events: StreamEvent[]; rest: string } {
  const blocks = text.replaceAll("\r\n", "\n").split("\n\n");
  const rest = blocks.pop() ?? "";
  const events = blocks.flatMap((block) => {
    let name = "message";
    const data: string[] = [];
    for (const line of block.split("\n")) {
      if (line.startsWith("event:")) name = line.slice(6).trim();
      else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
    }
    return data.length ? [{ name, data: data.join("\n") }] : [];
  });
  return { events, rest };
}

// Reads until the stream ends or `signal` aborts.
export async function follow(path: string, signal: AbortSignal, each: (event: StreamEvent) => void, options: RequestInit = {}) {
  const answer = await request(path, { ...options, signal });
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return;
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const { events, rest } = split(text + value);
    text = rest;
    for (const event of events) each(event);
  }
}
