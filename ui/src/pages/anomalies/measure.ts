// The metrics of anomalies, as far as figures of buckets tell them. Failed calls have no answer, cached ones cost nothing and
// take no time: each is left out where the watch leaves it out. Pure.

import type { Figures } from "@/api/client";

const per = (sum: number, of: number) => (of > 0 ? sum / of : null);
const answered = (f: Figures) => f.count - f.errors;

const MEASURES: Record<string, (f: Figures) => number | null> = {
  requests: (f) => f.count,
  error_ratio: (f) => per(f.errors, f.count),
  cache_hit_ratio: (f) => per(f.cache_hits, answered(f)),
  prompt_tokens_per_call: (f) => per(f.tokens.prompt + f.tokens.cached + f.tokens.cache_write, f.count),
  completion_tokens_per_call: (f) => per(f.tokens.completion + f.tokens.reasoning, answered(f)),
  tokens_per_call: (f) => per(f.tokens.total, f.count),
  cost_per_call: (f) => per(f.cost_usd, answered(f) - f.cache_hits),
  latency_p50: (f) => f.latency_ms.p50 ?? null,
  latency_p95: (f) => f.latency_ms.p95 ?? null,
};

// How a metric is read from figures; undefined for one that they do not tell.
export const measureOf = (metric: string) => MEASURES[metric];
