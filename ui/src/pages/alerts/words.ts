// Alerts in words: values with their units, and what a rule asks. Pure.

import { count, dollars, millis, percent } from "@/format/number";
import type { RuleDoc } from "./api";

export function valueOf(value: number | null | undefined, unit: string): string {
  if (value === null || value === undefined) return "–";
  if (unit === "seconds") return millis(value * 1_000);
  if (unit === "usd") return dollars(value);
  if (unit === "ratio") return percent(value);
  return count(Math.round(value * 1_000) / 1_000);
}

const UNITS: Record<string, string> = { cost: "usd", latency: "seconds", ttft: "seconds", error_ratio: "ratio", cache_hit_ratio: "ratio" };
export const unitOf = (doc: RuleDoc) => (doc.metric?.agg === "ratio" ? "ratio" : (UNITS[doc.metric?.measure ?? ""] ?? ""));

// What a rule asks, in one line: `error ratio > 5 % (20 %) over 10m by model`.
export function asks(doc: RuleDoc): string {
  const { condition: c, source } = doc;
  const what = source === "metric" ? [doc.metric?.agg, doc.metric?.measure.replaceAll("_", " ")].filter(Boolean).join(" ") : source === "score" ? `score ${String(doc.score ?? "")}` : source === "anomaly" ? (doc.anomaly?.metrics?.length ? `anomalies of ${doc.anomaly.metrics.map((metric) => metric.replaceAll("_", " ")).join(", ")}` : "anything that the watch finds") : source === "budget" ? `budget ${String(doc.budget ?? "")}` : source === "slo" ? `objective ${String(doc.slo ?? "")}` : source;
  const unit = unitOf(doc);
  const bounds = [c.warn, c.crit].filter((v): v is number => v !== undefined).map((v) => valueOf(v, unit));
  const how =
    c.type === "ratio_to_baseline"
      ? `${c.factor ?? "?"} × ${c.baseline === "same_hour_last_week" ? "the same hour last week" : "the window before"}`
      : c.type === "anomaly"
        ? `unusual (${c.sensitivity ?? "medium"})`
        : bounds.length
          ? `${c.op ?? ">"} ${bounds.join(", critical from ")}`
          : "";
  const over = doc.window ? `over ${doc.window}` : "";
  const by = doc.group_by?.length ? `by ${doc.group_by.join(", ")}` : "";
  return [what, how, over, by].filter(Boolean).join(" ");
}

// Labels as people write them: `model=gpt-4o, department=sales`, and back; undefined for none.
export const labelsOf = (labels: Record<string, string> | undefined) => Object.entries(labels ?? {}).map(([name, value]) => `${name}=${value}`).join(", ");

export function labelsFrom(text: string): Record<string, string> | undefined {
  const pairs = text.split(",").flatMap((part) => {
    const at = part.indexOf("=");
    return at > 0 ? [[part.slice(0, at).trim(), part.slice(at + 1).trim()] as const] : [];
  });
  return pairs.length ? Object.fromEntries(pairs) : undefined;
}
