// A rule as fields, whatever it looks at. What the form does not have stays as it is.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Segments, Select } from "@/components/choice";
import { type Condition, type RuleDoc, type Severity, channels } from "./api";
import { Checks, Labelled, Number, Text, toggled, without } from "./rule-parts";
import { SOURCES, SourceFields, ofSource } from "./rule-source";
import { unitOf, valueOf } from "./words";

const CONDITIONS = [
  ["static", "a fixed threshold"],
  ["ratio_to_baseline", "a multiple of before"],
  ["anomaly", "unusual"],
] as const;
const OPS = [">", ">=", "<", "<=", "==", "!="] as const;
const NO_DATA = [
  ["", "usual"],
  ["zero", "it is 0"],
  ["keep", "nothing changes"],
  ["ok", "all is well"],
  ["alert", "an alert of its own"],
] as const;

export function RuleForm({ doc, onChange }: { doc: RuleDoc; onChange: (doc: RuleDoc) => void }) {
  const told = useQuery({ queryKey: ["channels"], retry: false, queryFn: ({ signal }) => channels(signal) });
  const set = (change: Partial<RuleDoc>) => onChange(without({ ...doc, ...change }));
  const judged = doc.source === "metric" || doc.source === "score";
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Text name="Name" value={doc.name} usual="High error ratio" wide onChange={(name) => set({ name: name ?? "" })} />
      <Labelled name="Looks at" wide group>
        <span className="block overflow-x-auto">
          <Segments label="Source" value={doc.source} options={SOURCES} onChange={(source) => source !== doc.source && onChange(ofSource(doc, source))} />
        </span>
      </Labelled>
      <SourceFields doc={doc} set={set} />
      {judged ? <ConditionFields doc={doc} set={set} /> : null}
      <Text name="Must hold for" value={doc.for} usual="2m" onChange={(value) => set({ for: value })} />
      <Text name="Over when calm for" value={doc.keep_firing_for} usual="at once" onChange={(keep_firing_for) => set({ keep_firing_for })} />
      {judged ? (
        <>
          <Number name={doc.source === "score" ? "At least so many scores" : "At least so many calls"} value={doc.min_samples} onChange={(min_samples) => set({ min_samples })} />
          <Labelled name="Without data">
            <Select label="Without data" className="h-8 w-full text-sm font-normal" value={doc.no_data ?? ""} options={NO_DATA} onChange={(no_data) => set({ no_data: no_data || undefined })} />
          </Labelled>
        </>
      ) : null}
      <Labelled name="Severity">
        <Select label="Severity" className="h-8 w-full text-sm font-normal" value={doc.severity ?? "critical"} options={["info", "warning", "critical"].map((s) => [s as Severity, s] as const)} onChange={(severity) => set({ severity })} />
      </Labelled>
      <Text name="Told again every" value={doc.renotify} usual="never" onChange={(renotify) => set({ renotify })} />
      <Labelled name="Tells" wide group>
        {told.data?.length ? (
          <Checks of={told.data.map((c) => c.name)} chosen={doc.channels} onToggle={(name) => set({ channels: toggled(doc.channels, name) })} />
        ) : (
          <p className="text-xs text-muted">
            No channel is configured, so the alert is shown here alone: <Link to="/settings" search={{ tab: "channels" }} className="text-accent underline">how to add one</Link>.
          </p>
        )}
      </Labelled>
      <Text name="What to do (address)" value={doc.runbook_url} usual="https://…" wide onChange={(runbook_url) => set({ runbook_url })} />
      <Labelled name="Switched on">
        <input type="checkbox" checked={doc.enabled} onChange={(event) => set({ enabled: event.target.checked })} className="size-4 accent-(--accent)" />
      </Labelled>
    </div>
  );
}

function ConditionFields({ doc, set }: { doc: RuleDoc; set: (change: Partial<RuleDoc>) => void }) {
  const condition = doc.condition;
  const setCondition = (change: Condition) => set({ condition: without({ ...condition, ...change }) });
  const type = condition.type ?? "static";
  const begin = (next: string) => set({ condition: next === "static" ? { op: ">", crit: 0.2 } : next === "anomaly" ? { type: next, sensitivity: "medium", direction: "up" } : { type: next, baseline: "same_hour_last_week", factor: 2 } });
  const exact = condition.op === "==" || condition.op === "!=";
  const unit = unitOf(doc);
  const shown = (value: number | undefined) => (unit && value !== undefined ? valueOf(value, unit) : undefined);
  return (
    <>
      <Labelled name="Fires when it is" wide group>
        <span className="block overflow-x-auto">
          <Segments label="Condition" value={type} options={CONDITIONS} onChange={begin} />
        </span>
      </Labelled>
      {type === "static" ? (
        <>
          <Labelled name="Compared">
            <Select label="Comparison" className="h-8 w-full text-sm font-normal" value={condition.op ?? ">"} options={OPS.map((op) => [op, op] as const)} onChange={(op) => setCondition(op === "==" || op === "!=" ? { op, warn: undefined, recover: undefined } : { op })} />
          </Labelled>
          {exact ? null : <Number name="A warning from" value={condition.warn} shown={shown(condition.warn)} onChange={(warn) => setCondition({ warn })} />}
          <Number name={exact ? "Value" : "Critical from"} value={condition.crit} shown={shown(condition.crit)} onChange={(crit) => setCondition({ crit })} />
          {exact ? null : <Number name="Over again at" value={condition.recover} shown={shown(condition.recover)} onChange={(recover) => setCondition({ recover })} />}
        </>
      ) : type === "ratio_to_baseline" ? (
        <>
          <Labelled name="Against">
            <Select label="Baseline" className="h-8 w-full text-sm font-normal" value={condition.baseline ?? "previous_window"} options={[["previous_window", "the window before"], ["same_hour_last_week", "the same hour last week"]]} onChange={(baseline) => setCondition({ baseline })} />
          </Labelled>
          <Number name="Times as much" value={condition.factor} onChange={(factor) => setCondition({ factor })} />
        </>
      ) : (
        <>
          <Labelled name="Sensitivity">
            <Select label="Sensitivity" className="h-8 w-full text-sm font-normal" value={condition.sensitivity ?? "medium"} options={["low", "medium", "high"].map((s) => [s, s] as const)} onChange={(sensitivity) => setCondition({ sensitivity })} />
          </Labelled>
          <Labelled name="Direction">
            <Select label="Direction" className="h-8 w-full text-sm font-normal" value={condition.direction ?? "both"} options={["up", "down", "both"].map((d) => [d, d] as const)} onChange={(direction) => setCondition({ direction })} />
          </Labelled>
        </>
      )}
    </>
  );
}
