import { describe, expect, it } from "vitest";
import { asks, labelsFrom, labelsOf, valueOf } from "./words";

const rule = { name: "r", enabled: true, source: "metric", condition: {} };

describe("alerts in words", () => {
  it("have values with their units", () => {
    expect(valueOf(1.5, "seconds")).toBe("1.5 s");
    expect(valueOf(0.05, "ratio")).toBe("5 %");
    expect(valueOf(2, "usd")).toBe("$2.00");
    expect(valueOf(null, "usd")).toBe("–");
  });

  it("say what a rule asks", () => {
    expect(asks({ ...rule, metric: { measure: "error_ratio" }, window: "10m", group_by: ["model"], condition: { op: ">", warn: 0.05, crit: 0.2 } })).toBe("error ratio > 5 %, critical from 20 % over 10m by model");
    expect(asks({ ...rule, metric: { measure: "cost" }, window: "1h", condition: { type: "ratio_to_baseline", baseline: "same_hour_last_week", factor: 2 } })).toBe("cost 2 × the same hour last week over 1h");
    expect(asks({ ...rule, source: "anomaly", condition: {} })).toBe("anything that the watch finds");
  });

  it("have labels that are written and read", () => {
    expect(labelsFrom("model=gpt-4o, department = a=b")).toEqual({ model: "gpt-4o", department: "a=b" });
    expect(labelsFrom(" , nothing")).toBeUndefined();
    expect(labelsOf({ model: "gpt-4o", department: "sales" })).toBe("model=gpt-4o, department=sales");
  });
});
