import { describe, expect, it } from "vitest";
import { isMarkdown } from "./is-markdown";

describe("what is taken for Markdown", () => {
  it("has headings, lists, tables, code, emphasis or links", () => {
    for (const text of ["# Title\ntext", "1. one\n2. two", "- a\n- b", "say\n```py\nx\n```", "a **bold** word", "use `run`", "|a|b|\n|-|-|\n|1|2|", "see [it](https://example.test/x)", "> quoted"]) {
      expect(isMarkdown(text), text).toBe(true);
    }
  });

  it("is not what people write anyway", () => {
    for (const text of ["Where is my order?", "2 * 3 * 4", "- no", "#1 is fine", "a_b_c", "<b>x</b>", "[x](javascript:alert(1))", ""]) {
      expect(isMarkdown(text), text).toBe(false);
    }
  });
});
