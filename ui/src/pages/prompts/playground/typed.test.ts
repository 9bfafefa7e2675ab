import { describe, expect, it } from "vitest";
import { readTyped, writeTyped } from "./typed";

describe("what is typed, in a link", () => {
  it("comes back as it was", () => {
    const typed = { variables: { tone: "dry" }, question: "Why? & how", draft: { turns: [{ role: "user", text: "Hi" }], rest: "{}" } };
    expect(readTyped(writeTyped(typed))).toEqual(typed);
  });
  it("is nothing where it is something else", () => {
    expect(readTyped("{")).toBeUndefined();
    expect(readTyped('{"variables": {"a": 1}, "question": [], "draft": {"turns": 3}}')).toEqual({ variables: undefined, question: undefined, draft: undefined });
  });
});
