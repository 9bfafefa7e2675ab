import { describe, expect, it } from "vitest";
import { type Observed, offers, take } from "./complete";
import { seen } from "./observed";

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

  it("are names of scores and attributes that were seen, and bounds of a score", () => {
    const of = seen([{ name: "attr.tier", values: [{ value: "gold", count: 3 }] }], [
      { name: "helpfulness", count: 9, least: 0, most: 1 },
      { name: "not a key", count: 1, least: 0, most: 1 },
    ]);
    expect(offers("score.", 6, of).map((o) => [o.text, o.count])).toEqual([["score.helpfulness:", 9]]);
    expect(offers("-helpf", 6, of).map((o) => o.insert)).toEqual(["-score.helpfulness:"]);
    expect(offers("score.helpfulness:", 18, of).map((o) => o.insert)).toEqual(["score.helpfulness:>=0.5", "score.helpfulness:<0.5", "score.helpfulness:any"]);
    expect(offers("attr.t", 6, of)[0]?.text).toBe("attr.tier:");
    expect(offers("attr.tier:g", 11, of)[0]?.insert).toBe("attr.tier:gold");
    expect(offers("latency:", 8, of)[0]?.insert).toBe("latency:>1s");
  });
  it("replace the term they complete and leave the rest", () => {
    const text = "model:b hello";
    const offer = offers(text, 7, observed)[0];
    expect(offer && take(text, offer)).toEqual({ text: 'model:"big model" hello', caret: 18 });
    const key = offers("de", 2, observed)[0];
    expect(key && take("de", key)).toEqual({ text: "department:", caret: 11 });
  });
});
