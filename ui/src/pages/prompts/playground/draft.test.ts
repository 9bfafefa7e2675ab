import { describe, expect, it } from "vitest";
import type { Call } from "@/api/client";
import { bodyOf, draftOf } from "./draft";

const call = (input: unknown, operation = "chat") => ({ operation, input: JSON.stringify(input) }) as unknown as Call;
const messages = [
  { role: "system", content: "Be brief." },
  { role: "assistant", content: null, tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: "{}" } }] },
  { role: "tool", tool_call_id: "c", content: "{}" },
  { role: "user", content: [{ type: "text", text: "hi" }] },
];

describe("the draft of a call", () => {
  it("sends what was sent", () => {
    const tools = [{ type: "function", function: { name: "f" } }];
    const draft = draftOf(call({ model: "m", messages, temperature: 0.2, tools, stream: true, metadata: { a: 1 } }));
    expect(draft && bodyOf(draft)).toEqual({ messages, rest: { temperature: 0.2, tools } });
    expect(draft?.turns.map((turn) => turn.raw ?? false)).toEqual([false, true, true, true]);
  });

  it("takes the texts of other protocols", () => {
    const draft = draftOf(call({ model: "m", system: "Be brief.", max_tokens: 9, messages: [{ role: "user", content: "hi" }] }, "messages"));
    expect(draft).toEqual({ turns: [{ role: "system", text: "Be brief." }, { role: "user", text: "hi" }], rest: '{\n  "max_tokens": 9\n}' });
    expect(draftOf(call({ data: 1 }, "tool"))).toBeUndefined();
  });

  it("says what cannot be sent", () => {
    expect(() => bodyOf({ turns: [{ role: "user", text: "{", raw: true }], rest: "" })).toThrow("turn 1 is no JSON");
    expect(() => bodyOf({ turns: [], rest: "[]" })).toThrow("what else is sent is no JSON object");
  });
});
