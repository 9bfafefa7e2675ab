import type { Stats } from "@/api/client";

// What hits of the cache would have cost: their number times the mean cost of the same model's priced answers. `stats` is
// grouped by model, which sums answer at once; hits themselves cost nothing.
export function saved(stats: Stats): number | undefined {
  let sum = 0;
  for (const { total } of stats.groups) {
    const paid = total.count - total.cache_hits - total.unpriced;
    if (paid > 0) sum += (total.cache_hits * total.cost_usd) / paid;
  }
  return sum > 0 ? sum : undefined;
}
