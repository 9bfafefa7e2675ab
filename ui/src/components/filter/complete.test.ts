import { describe, expect, it } from "vitest";
import { type Observed, offers, take } from "./complete";

const observed: Observed = (key) => (key === "model" ? [{ value: "gpt-4o", count: 7 }, { value: "big model", count: 2 }] : []);

describe("what the filter bar offers", () => {
  it("are keys where a term begins", () => {
    expect(offers("dep", 3, observed).map((o) => o.text)).toEqual(["department:"]);
    expect(offers("", 0, observed)[0]?.text).toBe("model:");
  });

  it("are observed values after a key, with their counts", () => {
    expect(offers("model:gp", 8, observed).map((o) => [o.text, o.count])).toEqual([["gpt-4o", 7]]);
    expect(offers("status:ca", 9, observed).map((o) => o.text)).toEqual(["cached", "cancelled"]);
  });

  it("are the same after a minus", () => {
    expect(offers("-dep", 4, observed)[0]?.insert).toBe("-department:");
    expect(offers("-model:gp", 9, observed)[0]?.insert).toBe("-model:gpt-4o");
    expect(offers("sco", 3, observed)[0]?.insert).toBe("score.");
  });

  it("replace the term they complete and leave the rest", () => {
    const text = "model:b hello";
    const offer = offers(text, 7, observed)[0];
    expect(offer && take(text, offer)).toEqual({ text: 'model:"big model" hello', caret: 18 });
    const key = offers("de", 2, observed)[0];
    expect(key && take("de", key)).toEqual({ text: "department:", caret: 11 });
  });
});
