import { describe, expect, it } from "vitest";
import type { Call } from "@/api/client";
import { curl, literal, python } from "./snippets";

const call = (more: Partial<Call>) => ({ operation: "chat", model: "gpt-4o", ...more }) as Call;
const chat = call({ input: { model: "gpt-4o", messages: [{ role: "user", content: "It's" }], stream: true } as unknown as Call["input"] });

describe("a recorded call to run again", () => {
  it("as curl, quoted for a shell", () => {
    expect(curl(chat, "http://h", true)).toBe(
      `curl http://h/v1/chat/completions \\\n  -H 'content-type: application/json' \\\n  -H "authorization: Bearer $WEIR_KEY" \\\n  -d '{\n  "model": "gpt-4o",\n  "messages": [\n    {\n      "role": "user",\n      "content": "It'\\''s"\n    }\n  ],\n  "stream": true\n}'`,
    );
  });

  it("as Python", () => {
    const text = python(chat, "http://h", false);
    expect(text).toContain('client = OpenAI(base_url="http://h/v1", api_key="none-needed")');
    expect(text).toContain("client.chat.completions.create(\n    model=\"gpt-4o\",");
    expect(text).toContain("stream=True");
    expect(literal({ a: [null, 1.5], b: {} })).toBe('{\n    "a": [\n        None,\n        1.5,\n    ],\n    "b": {},\n}');
  });

  it("only where it was a request of a model", () => {
    expect(curl(call({ input: "text" as unknown as Call["input"] }), "http://h", false)).toBeUndefined();
    expect(python(call({ input: { order_id: 1 } as unknown as Call["input"] }), "http://h", false)).toBeUndefined();
  });
});
