import { describe, expect, it } from "vitest";
import { span } from "./kept";

describe("lengths of time", () => {
  it("are whole units where they are", () => {
    expect([60, 3_600, 86_400, 30 * 86_400, 5_400, 7].map(span)).toEqual(["1 minute", "1 hour", "1 day", "30 days", "90 minutes", "7 s"]);
  });
});
