// The names and units of the metrics that anomalies speak of.

import { count, dollars, millis, percent } from "@/format/number";

export const metricName = (metric: string) => metric.replaceAll("_", " ").replace(/^./, (letter) => letter.toUpperCase());

export function metricValue(metric: string, value: number): string {
  if (/cost/.test(metric)) return dollars(value);
  if (/latency|ttft|duration/.test(metric)) return millis(value);
  if (/ratio|rate|share/.test(metric)) return percent(value);
  return count(Math.abs(value) < 100 ? Math.round(value * 100) / 100 : Math.round(value));
}
