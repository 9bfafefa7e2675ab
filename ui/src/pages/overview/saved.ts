import type { Stats } from "@/api/client";

// What hits of the cache would have cost: their number times the mean cost of the same model's priced answers. `stats` is
// grouped by model and status.
export function saved(stats: Stats): number | undefined {
  const paid = new Map<string | null | undefined, { cost: number; count: number }>();
  for (const { by, total } of stats.groups) {
    if (by.status === "success") paid.set(by.model, { cost: total.cost_usd, count: total.count - total.unpriced });
  }
  let sum = 0;
  for (const { by, total } of stats.groups) {
    const of = paid.get(by.model);
    if (by.status === "cached" && of && of.count > 0) sum += (total.count * of.cost) / of.count;
  }
  return sum > 0 ? sum : undefined;
}
