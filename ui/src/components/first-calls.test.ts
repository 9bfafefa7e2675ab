import { describe, expect, it } from "vitest";
import { WAYS, snippet } from "./first-calls";

describe("first calls", () => {
  it("have this host in them, and a place for a key only where one is asked for", () => {
    for (const [way] of WAYS) {
      expect(snippet(way, "http://h:1/p", false)).toContain("http://h:1/p");
      expect(snippet(way, "http://h:1/p", false)).not.toContain("YOUR_KEY");
      expect(snippet(way, "http://h:1/p", true)).toContain("YOUR_KEY");
    }
  });
});
