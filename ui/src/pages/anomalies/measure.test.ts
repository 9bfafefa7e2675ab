import { describe, expect, it } from "vitest";
import type { Figures } from "@/api/client";
import { measureOf } from "./measure";

const figures = { count: 10, errors: 2, cache_hits: 3, cost_usd: 0.5, tokens: { prompt: 90, cached: 10, cache_write: 0, completion: 40, reasoning: 0, total: 140 }, latency_ms: { p50: 120 } } as unknown as Figures;
const value = (metric: string, f = figures) => measureOf(metric)?.(f);

describe("the metrics of anomalies", () => {
  it("leave out what the watch leaves out", () => {
    expect(value("error_ratio")).toBe(0.2);
    expect(value("cost_per_call")).toBe(0.1);
    expect(value("completion_tokens_per_call")).toBe(5);
    expect(value("prompt_tokens_per_call")).toBe(10);
  });

  it("are nothing where nothing was counted", () => {
    expect(value("error_ratio", { ...figures, count: 0 })).toBeNull();
    expect(measureOf("rate_limit_ratio")).toBeUndefined();
  });
});
