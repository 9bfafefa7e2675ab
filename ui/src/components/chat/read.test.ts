import { describe, expect, it } from "vitest";
import { readInput, readOutput } from "./read";

it("reads the parts that OpenTelemetry names", () => {
  const parts = [{ type: "reasoning", content: "hm" }, { type: "text", content: "ok" }, { type: "tool_call", id: "c", name: "f", arguments: { a: 1 } }];
  expect(readOutput([{ role: "assistant", parts }])).toEqual([{ role: "assistant", text: "ok", thinking: "hm", tools: [{ id: "c", name: "f", arguments: '{\n  "a": 1\n}' }], images: [] }]);
  expect(readInput([{ role: "tool", parts: [{ type: "tool_call_response", id: "c", response: "rain" }] }])).toMatchObject([{ role: "tool", answers: "c", text: "rain" }]);
});

describe("messages out of what was recorded", () => {
  it("of OpenAI's protocol, with calls of tools and their results", () => {
    const messages = readInput({
      model: "m",
      messages: [
        { role: "system", content: "Be kind." },
        { role: "user", content: [{ type: "text", text: "Look" }, { type: "image_url", image_url: { url: "data:image/png;base64,xx" } }] },
        { role: "assistant", content: null, tool_calls: [{ id: "1", type: "function", function: { name: "get_order", arguments: '{"id":1}' } }] },
        { role: "tool", tool_call_id: "1", content: "shipped" },
      ],
    });
    expect(messages?.map((m) => [m.role, m.text, m.tools.length, m.images.length])).toEqual([
      ["system", "Be kind.", 0, 0],
      ["user", "Look", 0, 1],
      ["assistant", "", 1, 0],
      ["tool", "shipped", 0, 0],
    ]);
    expect(messages?.[3]?.answers).toBe("1");
  });

  it("of Anthropic's, with thoughts", () => {
    const answer = readOutput({ role: "assistant", content: [{ type: "thinking", thinking: "Hm." }, { type: "text", text: "Hello" }, { type: "tool_use", id: "t", name: "look", input: { at: 1 } }] });
    expect(answer?.[0]).toMatchObject({ role: "assistant", text: "Hello", thinking: "Hm.", tools: [{ id: "t", name: "look" }] });
    expect(readInput({ system: "Be kind.", messages: [{ role: "user", content: "Hi" }] })?.map((m) => m.role)).toEqual(["system", "user"]);
  });

  it("of an answer, also as a text of JSON", () => {
    const output = JSON.stringify({ choices: [{ index: 0, message: { role: "assistant", content: "Yes" } }] });
    expect(readOutput(output)?.[0]?.text).toBe("Yes");
    expect(readOutput({ choices: [{ text: "old" }] })?.[0]?.text).toBe("old");
  });

  it("are none where nothing is understood", () => {
    for (const value of [null, "text", 7, {}, { question: "x" }, [1, 2], []]) {
      expect(readInput(value)).toBeUndefined();
      expect(readOutput(value)).toBeUndefined();
    }
  });
});
