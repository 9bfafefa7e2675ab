// What a rule looks at: the part of its form that differs by source.

import { useQuery } from "@tanstack/react-query";
import { json } from "@/api/client";
import { Select } from "@/components/choice";
import { useScoreNames } from "@/components/filter/observed";
import type { RuleDoc, Severity } from "./api";
import { Checks, Labelled, Text, toggled, without } from "./rule-parts";

// The aggregations of each measure, the usual one first.
const AGGREGATIONS: Record<string, readonly string[]> = {
  error_ratio: ["ratio"],
  errors: ["count", "rate", "ratio"],
  latency: ["p95", "avg", "p50", "p90", "p99", "min", "max"],
  cost: ["sum", "avg", "rate"],
  requests: ["count", "rate"],
  tokens: ["sum", "avg", "rate"],
  tokens_prompt: ["sum", "avg", "rate"],
  tokens_completion: ["sum", "avg", "rate"],
  ttft: ["p95", "p50", "p90", "p99", "min", "max"],
  tokens_per_s: ["avg", "p50", "p90", "p95", "p99", "min", "max"],
  cache_hit_ratio: ["ratio"],
  rate_limited: ["count", "rate", "ratio"],
};
const OF_SCORES = ["avg", "p50", "p90", "p95", "p99", "min", "max", "count"] as const;
const WORDS: Record<string, string> = { errors: "errors (calls)", rate_limited: "rate limits", rate: "a minute", avg: "mean", ratio: "share of calls", tokens_per_s: "tokens per second", ttft: "time to first token" };
const named = (name: string) => WORDS[name] ?? name.replaceAll("_", " ");
const MEASURES = Object.keys(AGGREGATIONS).map((name) => [name, named(name)] as const);

const DIMENSIONS = ["model", "provider", "department", "prompt_version", "project", "key", "status"];
const METRICS = ["error_ratio", "rate_limit_ratio", "latency_p50", "cost_per_call", "prompt_tokens_per_call", "completion_tokens_per_call", "cache_hit_ratio", "branch_share", "requests"];

export const SOURCES = [
  ["metric", "calls"],
  ["score", "scores"],
  ["anomaly", "anomalies"],
  ["budget", "a budget"],
  ["slo", "an objective"],
] as const;

// What each source begins with; what all have stays.
export function ofSource(doc: RuleDoc, source: string): RuleDoc {
  const { metric: _m, score: _s, budget: _b, slo: _o, anomaly: _a, group_by: _g, filters: _f, window: _w, timezone: _t, min_samples: _n, project: _p, ...rest } = doc;
  const base = { ...rest, source, condition: {} };
  switch (source) {
    case "metric":
      return { ...base, metric: { measure: "error_ratio" }, group_by: ["model"], window: "10m", condition: { op: ">", warn: 0.05, crit: 0.2, recover: 0.02 } };
    case "score":
      return { ...base, score: "", window: "1d", condition: { op: "<", crit: 0.7 } };
    case "anomaly":
      return { ...base, anomaly: { min_severity: "warning" } };
    default:
      return base;
  }
}

type Props = { doc: RuleDoc; set: (change: Partial<RuleDoc>) => void };

export function SourceFields({ doc, set }: Props) {
  switch (doc.source) {
    case "metric":
      return <OfCalls doc={doc} set={set} />;
    case "score":
      return <OfScores doc={doc} set={set} />;
    case "anomaly":
      return <OfAnomalies doc={doc} set={set} />;
    case "budget":
      return <OfTarget doc={doc} set={set} kind="budget" />;
    case "slo":
      return <OfTarget doc={doc} set={set} kind="slo" />;
    default:
      return <p className="text-muted sm:col-span-2">This form does not know {doc.source}: edit it as JSON.</p>;
  }
}

function OfCalls({ doc, set }: Props) {
  const measure = doc.metric?.measure ?? "error_ratio";
  const aggregations = AGGREGATIONS[measure] ?? [];
  return (
    <>
      <Labelled name="Measure" group>
        <span className="flex gap-2">
          <Select label="Measure" className="h-8 min-w-0 flex-1 text-sm font-normal" value={measure} options={MEASURES} onChange={(next) => set({ metric: { measure: next } })} />
          {aggregations.length > 1 ? (
            <Select label="Aggregation" className="h-8 text-sm font-normal" value={doc.metric?.agg ?? aggregations[0] ?? ""} options={aggregations.map((agg) => [agg, named(agg)] as const)} onChange={(agg) => set({ metric: agg === aggregations[0] ? { measure } : { measure, agg } })} />
          ) : null}
        </span>
      </Labelled>
      <Text name="Over (window)" value={doc.window} usual="10m, or day, week, month" onChange={(window) => set({ window })} />
      <Labelled name="One alert for each" wide group>
        <Checks of={DIMENSIONS} chosen={doc.group_by} onToggle={(name) => set({ group_by: toggled(doc.group_by, name) })} />
      </Labelled>
      <Filters doc={doc} set={set} />
    </>
  );
}

// Only such calls: `model: gpt-4o, gpt-4o-mini` for each dimension.
function Filters({ doc, set }: Props) {
  const given = doc.filters ?? {};
  const text = (value: unknown) => (Array.isArray(value) ? value.join(", ") : typeof value === "string" ? value : "");
  const change = (name: string, said: string | undefined) => {
    const values = (said ?? "").split(",").map((part) => part.trim());
    const next = without({ ...given, [name]: said === undefined ? undefined : values.length === 1 ? values[0] : values });
    set({ filters: Object.keys(next).length ? next : undefined });
  };
  return (
    <details className="sm:col-span-2" open={Object.keys(given).length > 0}>
      <summary className="w-fit cursor-pointer text-xs text-muted hover:text-text">Only such calls</summary>
      <div className="grid gap-3 pt-2 sm:grid-cols-2">
        {DIMENSIONS.map((name) => (
          <Text key={name} name={`Only of ${named(name)}`} value={text(given[name])} usual="any; several with commas" onChange={(said) => change(name, said)} />
        ))}
      </div>
    </details>
  );
}

function OfScores({ doc, set }: Props) {
  const agg = doc.metric?.agg ?? "avg";
  const names = useScoreNames();
  return (
    <>
      <Text name="Name of the score" value={doc.score} usual="helpfulness" offers={names.map((one) => one.name)} onChange={(score) => set({ score: score ?? "", ...(doc.metric ? { metric: { ...doc.metric, measure: `score:${score ?? ""}` } } : {}) })} />
      <Labelled name="How many become one">
        <Select label="Aggregation" className="h-8 w-full text-sm font-normal" value={agg} options={OF_SCORES.map((name) => [name, named(name)] as const)} onChange={(next) => set({ metric: next === "avg" ? undefined : { measure: `score:${doc.score ?? ""}`, agg: next } })} />
      </Labelled>
      <Text name="Over (window)" value={doc.window} usual="1d" onChange={(window) => set({ window })} />
    </>
  );
}

function OfAnomalies({ doc, set }: Props) {
  const said = doc.anomaly ?? {};
  const change = (next: Partial<typeof said>) => {
    const anomaly = without({ ...said, ...next });
    set({ anomaly: Object.keys(anomaly).length ? anomaly : undefined });
  };
  return (
    <>
      <Labelled name="At least so bad">
        <Select label="At least so bad" className="h-8 w-full text-sm font-normal" value={said.min_severity ?? "warning"} options={["info", "warning", "critical"].map((s) => [s as Severity, s] as const)} onChange={(min_severity) => change({ min_severity })} />
      </Labelled>
      <Text name="Only of project" value={doc.project} usual="any" onChange={(project) => set({ project })} />
      <Labelled name="Only of these metrics (none: of all)" wide group>
        <Checks of={METRICS} chosen={said.metrics} onToggle={(name) => change({ metrics: toggled(said.metrics, name) })} />
      </Labelled>
    </>
  );
}

// Budgets and objectives stand in the configuration; a rule names one of them.
function OfTarget({ doc, set, kind }: Props & { kind: "budget" | "slo" }) {
  const list = kind === "budget" ? "budgets" : "slos";
  const found = useQuery({
    queryKey: [list, "names"],
    retry: false,
    queryFn: async ({ signal }) => [...new Set((await json<Record<string, { name: string }[]>>(`/api/v1/${list}`, {}, { signal }))[list]?.map((one) => one.name) ?? [])],
  });
  const name = kind === "budget" ? "Budget" : "Objective";
  const chosen = doc[kind];
  if (found.data?.length === 0) return <p className="text-muted sm:col-span-2">None is configured: [[{list}]] in weir.toml.</p>;
  return (
    <>
      <Labelled name={name} wide>
        <Select
          label={name}
          className="h-8 w-full text-sm font-normal sm:max-w-80"
          value={chosen ?? ""}
          options={[...(chosen ? [] : [["", "choose one"] as const]), ...[...new Set([...(found.data ?? []), ...(chosen ? [chosen] : [])])].map((one) => [one, one] as const)]}
          onChange={(next) => set({ [kind]: next || undefined })}
        />
      </Labelled>
      <p className="text-xs text-muted sm:col-span-2">
        {kind === "budget" ? "Fires at the thresholds of the budget, and when it will not last." : "Fires while its error budget burns too fast, by its own burn rates."} Which calls it is about is said there.
      </p>
    </>
  );
}
