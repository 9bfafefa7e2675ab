// The usual parts of a rule as fields. What it does not know stays as it is.

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Field, Segments, Select } from "@/components/choice";
import { type Condition, type RuleDoc, type Severity, channels } from "./api";

const MEASURES = ["error_ratio", "latency", "cost", "requests", "errors", "tokens", "tokens_prompt", "tokens_completion", "cache_hit_ratio", "rate_limited"].map((m) => [m, m.replaceAll("_", " ")] as const);
const AGGREGATIONS = [["", "usual"], ...["avg", "sum", "count", "p50", "p90", "p95", "p99", "max", "rate"].map((a) => [a, a] as const)] as const;
const DIMENSIONS = ["model", "provider", "department", "prompt_version", "project", "key"];
const CONDITIONS = [
  ["static", "a fixed threshold"],
  ["ratio_to_baseline", "a multiple of before"],
  ["anomaly", "unusual"],
] as const;

export function RuleForm({ doc, onChange }: { doc: RuleDoc; onChange: (doc: RuleDoc) => void }) {
  const told = useQuery({ queryKey: ["channels"], retry: false, queryFn: ({ signal }) => channels(signal) });
  const set = (change: Partial<RuleDoc>) => onChange(without({ ...doc, ...change }));
  const condition = doc.condition;
  const setCondition = (change: Condition) => set({ condition: without({ ...condition, ...change }) });
  const type = condition.type ?? "static";
  const group = new Set(doc.group_by);
  const chosen = new Set(doc.channels);
  const toggle = (of: Set<string>, name: string) => {
    if (!of.delete(name)) of.add(name);
    return of.size ? [...of] : undefined;
  };
  if (doc.source !== "metric") return <p className="text-muted">This rule looks at {doc.source}: edit it as JSON.</p>;
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Labelled name="Name" wide>
        <Field value={doc.name} placeholder="High error ratio" onChange={(event) => set({ name: event.target.value })} />
      </Labelled>
      <Labelled name="Measure">
        <span className="flex gap-2">
          <Select label="Measure" className="h-8 flex-1" value={doc.metric?.measure ?? "error_ratio"} options={MEASURES} onChange={(measure) => set({ metric: { measure } })} />
          <Select label="Aggregation" className="h-8" value={doc.metric?.agg ?? ""} options={AGGREGATIONS} onChange={(agg) => set({ metric: without({ measure: doc.metric?.measure ?? "error_ratio", agg: agg || undefined }) })} />
        </span>
      </Labelled>
      <Labelled name="Over (window)">
        <Field value={doc.window ?? ""} placeholder="10m" onChange={(event) => set({ window: event.target.value || undefined })} />
      </Labelled>
      <Labelled name="Fires when it is" wide group>
        <Segments label="Condition" value={type} options={CONDITIONS} onChange={(next) => set({ condition: next === "static" ? { op: ">", crit: 0.2 } : next === "anomaly" ? { type: next, sensitivity: "medium", direction: "up" } : { type: next, baseline: "same_hour_last_week", factor: 2 } })} />
      </Labelled>
      {type === "static" ? (
        <>
          <Labelled name="Compared">
            <Select label="Comparison" className="h-8" value={condition.op ?? ">"} options={[">", ">=", "<", "<="].map((op) => [op, op] as const)} onChange={(op) => setCondition({ op })} />
          </Labelled>
          <Number name="A warning from" value={condition.warn} onChange={(warn) => setCondition({ warn })} />
          <Number name="Critical from" value={condition.crit} onChange={(crit) => setCondition({ crit })} />
          <Number name="Over again at" value={condition.recover} onChange={(recover) => setCondition({ recover })} />
        </>
      ) : type === "ratio_to_baseline" ? (
        <>
          <Labelled name="Against">
            <Select label="Baseline" className="h-8" value={condition.baseline ?? "previous_window"} options={[["previous_window", "the window before"], ["same_hour_last_week", "the same hour last week"]]} onChange={(baseline) => setCondition({ baseline })} />
          </Labelled>
          <Number name="Times as much" value={condition.factor} onChange={(factor) => setCondition({ factor })} />
        </>
      ) : (
        <>
          <Labelled name="Sensitivity">
            <Select label="Sensitivity" className="h-8" value={condition.sensitivity ?? "medium"} options={["low", "medium", "high"].map((s) => [s, s] as const)} onChange={(sensitivity) => setCondition({ sensitivity })} />
          </Labelled>
          <Labelled name="Direction">
            <Select label="Direction" className="h-8" value={condition.direction ?? "up"} options={["up", "down", "both"].map((d) => [d, d] as const)} onChange={(direction) => setCondition({ direction })} />
          </Labelled>
        </>
      )}
      <Labelled name="Must hold for">
        <Field value={doc.for ?? ""} placeholder="2m" onChange={(event) => set({ for: event.target.value || undefined })} />
      </Labelled>
      <Number name="At least so many calls" value={doc.min_samples} onChange={(min_samples) => set({ min_samples })} />
      <Labelled name="Severity">
        <Select label="Severity" className="h-8" value={doc.severity ?? "critical"} options={["info", "warning", "critical"].map((s) => [s as Severity, s] as const)} onChange={(severity) => set({ severity })} />
      </Labelled>
      <Labelled name="Switched on">
        <input type="checkbox" checked={doc.enabled} onChange={(event) => set({ enabled: event.target.checked })} className="size-4 accent-(--accent)" />
      </Labelled>
      <Labelled name="One alert for each" wide group>
        <Checks of={DIMENSIONS} chosen={group} onToggle={(name) => set({ group_by: toggle(group, name) })} />
      </Labelled>
      <Labelled name="Tells" wide group>
        {told.data?.length ? <Checks of={told.data.map((c) => c.name)} chosen={chosen} onToggle={(name) => set({ channels: toggle(chosen, name) })} /> : <p className="text-xs text-muted">No channel is configured: [[channels]]. The alert is shown here.</p>}
      </Labelled>
      <Labelled name="What to do (address)" wide>
        <Field value={doc.runbook_url ?? ""} placeholder="https://…" onChange={(event) => set({ runbook_url: event.target.value || undefined })} />
      </Labelled>
    </div>
  );
}

// What is not said is left out, so that the server's usual values hold.
function without<T extends object>(doc: T): T {
  return Object.fromEntries(Object.entries(doc).filter(([, value]) => value !== undefined)) as T;
}

function Labelled({ name, wide, group, children }: { name: string; wide?: boolean; group?: boolean; children: ReactNode }) {
  const Tag = group ? "div" : "label";
  return (
    <Tag className={`flex flex-col gap-1 text-xs text-muted ${wide ? "sm:col-span-2" : ""}`} {...(group ? { role: "group", "aria-label": name } : {})}>
      {name}
      <span className="text-sm text-text">{children}</span>
    </Tag>
  );
}

function Number({ name, value, onChange }: { name: string; value: number | undefined; onChange: (value: number | undefined) => void }) {
  return (
    <Labelled name={name}>
      <Field type="number" step="any" value={value ?? ""} onChange={(event) => onChange(event.target.value === "" ? undefined : event.target.valueAsNumber)} />
    </Labelled>
  );
}

function Checks({ of, chosen, onToggle }: { of: readonly string[]; chosen: ReadonlySet<string>; onToggle: (name: string) => void }) {
  return (
    <span className="flex flex-wrap gap-x-4 gap-y-1">
      {of.map((name) => (
        <label key={name} className="flex items-center gap-1.5">
          <input type="checkbox" checked={chosen.has(name)} onChange={() => onToggle(name)} className="accent-(--accent)" />
          {name.replace("_", " ")}
        </label>
      ))}
    </span>
  );
}
