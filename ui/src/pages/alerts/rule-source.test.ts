import { describe, expect, it } from "vitest";
import { ofSource } from "./rule-source";

const rule = { name: "r", enabled: true, severity: "warning" as const, source: "metric", metric: { measure: "cost" }, group_by: ["model"], window: "1h", condition: { crit: 3 }, channels: ["ops"], for: "2m" };

describe("the source of a rule", () => {
  it("takes its own members with it and leaves those that all have", () => {
    expect(ofSource(rule, "budget")).toEqual({ name: "r", enabled: true, severity: "warning", source: "budget", condition: {}, channels: ["ops"], for: "2m" });
    expect(ofSource(rule, "score")).toMatchObject({ source: "score", score: "", window: "1d", channels: ["ops"] });
    expect(ofSource(ofSource(rule, "anomaly"), "metric")).toMatchObject({ metric: { measure: "error_ratio" } });
    expect(ofSource(rule, "anomaly")).not.toHaveProperty("metric");
  });
});
