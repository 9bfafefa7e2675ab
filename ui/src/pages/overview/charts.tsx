// The figures over time. A click leads to the calls behind it, a drag zooms.

import type { UseQueryResult } from "@tanstack/react-query";
import { type ReactNode, useMemo } from "react";
import type { Figures, Stats } from "@/api/client";
import { linesOf, useStats, windowOf } from "@/api/stats";
import { type Line, largest } from "@/components/chart/stack";
import { type Pick, TimeChart } from "@/components/chart/time-chart";
import { Segments, Select } from "@/components/choice";
import { Panel } from "@/components/panel";
import { Answered, Empty } from "@/components/state";
import { count, dollars, millis } from "@/format/number";
import { DIMENSIONS } from "@/state/query";
import { type TimeRange, bucketOf } from "@/state/range";
import { useParam } from "@/state/url";

const MOST = 8;
const HEIGHT = 208;

type Common = { range: TimeRange; q: string; every: number | false; onBrush: (from: number, to: number) => void; onPick: (dimension: string | undefined, pick: Pick) => void };
type Answer = UseQueryResult<Stats>;

const STATUS_COLOURS: Record<string, string> = {
  success: "var(--series-1)",
  cached: "var(--series-7)",
  error: "var(--bad)",
  rate_limited: "var(--series-2)",
  blocked: "var(--series-4)",
  cancelled: "var(--series-8)",
  pending: "var(--series-6)",
};
const statusColour = (name: string) => STATUS_COLOURS[name];

function Framed({ title, about, of, actions, children }: { title: string; about?: string; of: Answer; actions?: ReactNode; children: (stats: Stats) => ReactNode }) {
  return (
    <Panel title={title} about={about} busy={of.isFetching} actions={actions}>
      <div className="min-h-64 px-3 pb-3">
        <Answered of={of}>{(stats) => (stats.total.count ? children(stats) : <Empty title="No calls in this range" className="min-h-60" />)}</Answered>
      </div>
    </Panel>
  );
}

type Part = { stats: Stats; range: TimeRange; of: (figures: Figures) => number | null; format: (value: number | null) => string; label: string; dimension?: string; kind?: "lines" | "stack" | "shares"; colour?: (name: string) => string | undefined } & Pick2;
type Pick2 = { onBrush: Common["onBrush"]; onPick: Common["onPick"] };

function Grouped({ stats, range, of, dimension, onPick, ...rest }: Part) {
  const lines = useMemo(() => largest(linesOf(stats, of), MOST), [stats, of]);
  const window = useMemo(() => windowOf(stats), [stats]);
  return <TimeChart {...rest} lines={lines} window={window} bucket={bucketOf(range.length).ms} height={HEIGHT} onPick={(pick) => onPick(dimension, pick)} />;
}

const calls = (f: Figures) => f.count;
const cost = (f: Figures) => f.cost_usd;

const words = (dimension: string) => dimension.replace("_", " ");
const GROUPS = DIMENSIONS.map((name) => [name, `by ${words(name)}`] as const);

// By what a chart is grouped, as its own state of the address.
function useGroup(param: string, usual: string, chart: string): [string, ReactNode] {
  const [by, setBy] = useParam(param, usual);
  const known = DIMENSIONS.includes(by) ? by : usual;
  return [known, <Select key="by" label={`Group ${chart}`} value={known} options={GROUPS} onChange={setBy} />];
}

export function CallsChart({ range, q, every, ...on }: Common) {
  const [by, choice] = useGroup("calls_by", "status", "calls");
  const stats = useStats({ range, q, every, by: [by], series: true });
  return (
    <Framed title="Calls" of={stats} actions={choice}>
      {(data) => <Grouped {...on} stats={data} range={range} of={calls} dimension={by} kind="stack" format={count} label={`Calls over time by ${words(by)}`} colour={by === "status" ? statusColour : undefined} />}
    </Framed>
  );
}

export function CostChart({ range, q, every, ...on }: Common) {
  const [by, choice] = useGroup("by", "model", "cost");
  const stats = useStats({ range, q, every, by: [by], series: true });
  return (
    <Framed title="Cost" of={stats} actions={choice}>
      {(data) => <Grouped {...on} stats={data} range={range} of={cost} dimension={by} kind="stack" format={dollars} label={`Cost over time by ${words(by)}`} />}
    </Framed>
  );
}

const PERCENTILES = ["p50", "p95", "p99"] as const;

export function LatencyChart({ range, q, every, onBrush, onPick }: Common) {
  const stats = useStats({ range, q, every, series: true });
  return (
    <Framed title="Latency" about="percentiles" of={stats}>
      {(data) => <Percentiles stats={data} range={range} onBrush={onBrush} onPick={onPick} />}
    </Framed>
  );
}

function Percentiles({ stats, range, onBrush, onPick }: { stats: Stats; range: TimeRange } & Pick2) {
  const lines = useMemo<Line[]>(() => {
    const series = stats.groups[0]?.series ?? [];
    return PERCENTILES.map((p) => ({ name: p, points: series.map((b) => [Date.parse(b.start), b.latency_ms[p] ?? null] as const) }));
  }, [stats]);
  const window = useMemo(() => windowOf(stats), [stats]);
  return <TimeChart label="Latency percentiles over time" lines={lines} window={window} bucket={bucketOf(range.length).ms} height={HEIGHT} format={millis} onBrush={onBrush} onPick={(pick) => onPick(undefined, pick)} />;
}

const MEASURES = {
  total: ["in total", (f: Figures) => f.tokens.total],
  call: ["per call", (f: Figures) => (f.count ? f.tokens.total / f.count : null)],
} as const;

export function TokensChart({ range, q, every, onBrush, onPick }: Common) {
  const [measure, setMeasure] = useParam("tokens", "total");
  const [by, choice] = useGroup("tokens_by", "prompt_version", "tokens");
  const stats = useStats({ range, q, every, by: [by], series: true });
  const per = measure === "call";
  return (
    <Framed
      title="Tokens"
      of={stats}
      actions={
        <>
          <Segments label="Tokens" value={per ? "call" : "total"} options={[["total", MEASURES.total[0]], ["call", MEASURES.call[0]]]} onChange={setMeasure} />
          {choice}
        </>
      }
    >
      {(data) => (
        <Grouped
          onBrush={onBrush}
          onPick={onPick}
          stats={data}
          range={range}
          of={MEASURES[per ? "call" : "total"][1]}
          dimension={by}
          kind={per ? "lines" : "stack"}
          format={count}
          label={`Tokens over time by ${words(by)}`}
        />
      )}
    </Framed>
  );
}
