import { describe, expect, it } from "vitest";
import { sideBySide } from "./lines";

describe("two texts side by side", () => {
  it("keep what is the same in one line and put what changed next to each other", () => {
    expect(sideBySide("a\nb\nc", "a\nx\nc\nd")).toEqual([
      { left: "a", right: "a", same: true },
      { left: "b", right: "x", same: false },
      { left: "c", right: "c", same: true },
      { left: undefined, right: "d", same: false },
    ]);
  });

  it("are the same where nothing changed", () => {
    expect(sideBySide("a\nb", "a\nb").every((pair) => pair.same)).toBe(true);
  });
});
