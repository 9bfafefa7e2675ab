import { describe, expect, it } from "vitest";
import { type Step, nextStep } from "./next-steps";

describe("next steps", () => {
  it("have this host in them, and a place for a key only where one is asked for", () => {
    for (const step of ["workflow", "prompt", "run", "model"] satisfies Step[]) {
      expect(nextStep(step, "http://h:1/p", false)).toContain("http://h:1/p");
      expect(nextStep(step, "http://h:1/p", false)).not.toContain("YOUR_KEY");
      expect(nextStep(step, "http://h:1/p", true)).toContain("YOUR_KEY");
    }
  });
});
