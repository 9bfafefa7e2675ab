// The metric before and during an anomaly over what is usual at each time; and the same by the values of its cause.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { type Anomaly, type Schema, type Stats, api, unwrap } from "@/api/client";
import { groupName, linesOf, useStats, windowOf } from "@/api/stats";
import { type Line, largest } from "@/components/chart/stack";
import { TimeChart, type Usual } from "@/components/chart/time-chart";
import { Answered, Empty, Failed } from "@/components/state";
import { count } from "@/format/number";
import { metricValue } from "@/pages/overview/metric";
import { only, write } from "@/state/query";
import { DAY, HOUR, TimeRange, bucketOf } from "@/state/range";
import { measureOf } from "./measure";

type Series = Schema["AnomalySeries"];
type Props = { anomaly: Anomaly; onPick: (from: number, to: number) => void };

// The anomaly with as much before it, at least a day: for what has no series of its own.
export function around(anomaly: Anomaly, now = Date.now()): TimeRange {
  const from = Date.parse(anomaly.onset);
  const to = anomaly.ended_at ? Date.parse(anomaly.ended_at) : now;
  const before = Math.min(Math.max(to - from, DAY), 7 * DAY);
  const end = anomaly.ended_at ? Math.min(to + before / 2, now) : now;
  return new TimeRange(new Date(from - before).toISOString(), new Date(Math.max(end, from + HOUR)).toISOString());
}

export function useSeries(anomaly: Anomaly) {
  return useQuery({
    queryKey: ["anomaly", anomaly.id, "series"],
    retry: false,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => unwrap(api.GET("/api/v1/anomalies/{id}/series", { params: { path: { id: anomaly.id } }, signal })),
  });
}

export function BandChart({ anomaly, onPick }: Props) {
  const series = useSeries(anomaly);
  const ruled = anomaly.kind === "rule";
  if (ruled || series.data?.points.length === 0) return <OfFigures anomaly={anomaly} onPick={onPick} range={around(anomaly)} />;
  return (
    <Answered of={series}>
      {(data) => (
        <div className="flex flex-col gap-4">
          <OverUsual anomaly={anomaly} series={data} onPick={onPick} />
          {data.branch ? <OfNode anomaly={anomaly} series={data} onPick={onPick} /> : <ByCause anomaly={anomaly} series={data} onPick={onPick} />}
        </div>
      )}
    </Answered>
  );
}

function useMarks(anomaly: Anomaly, to?: number) {
  return useMemo(() => {
    const from = Date.parse(anomaly.onset);
    return [{ from, to: anomaly.ended_at ? Date.parse(anomaly.ended_at) : (to ?? Date.now()) }];
  }, [anomaly.onset, anomaly.ended_at, to]);
}

// What the values are of: all of the project, or a part of it.
function about({ part, branch }: Series): string {
  if (branch) return `the share that goes from ${branch.from} to ${branch.to}`;
  if (part) return `the calls of ${part.dimension.replace("_", " ")} ${part.value}`;
  return "all calls of the project";
}

function OverUsual({ anomaly, series, onPick }: Props & { series: Series }) {
  const window = useMemo(() => ({ from: Date.parse(series.from), to: Date.parse(series.to) }), [series.from, series.to]);
  const marks = useMarks(anomaly, window.to);
  const lines = useMemo<Line[]>(() => [{ name: "measured", points: series.points.map((p) => [Date.parse(p.start), p.value] as const) }], [series.points]);
  const band = useMemo<Usual[]>(
    () =>
      series.points.flatMap(({ start, expected, lower, upper }) =>
        typeof expected === "number" && typeof lower === "number" && typeof upper === "number" ? [{ at: Date.parse(start), expected, lower, upper }] : [],
      ),
    [series.points],
  );
  const behind = useMemo(() => series.points.reduce((sum, p) => sum + p.calls, 0), [series.points]);
  return (
    <div>
      <p className="flex flex-wrap items-center gap-x-4 gap-y-0.5 pb-1 text-xs text-muted">
        <span>
          {count(behind)} {series.branch ? "decisions" : "calls"}: {about(series)}
        </span>
        <Key className="bg-(--series-1)">measured</Key>
        {band.length ? <Key className="bg-ok/30">usual at that time</Key> : <span>what is usual is not known now</span>}
        <Key className="bg-bad/20">the anomaly</Key>
      </p>
      <TimeChart
        label="The metric over what is usual"
        lines={lines}
        window={window}
        bucket={series.bucket_seconds * 1_000}
        height={220}
        format={(value) => (value === null ? "–" : metricValue(anomaly.metric, value))}
        marks={marks}
        band={band.length ? band : { lower: anomaly.lower, upper: anomaly.upper }}
        onPick={({ from, to }) => onPick(from, to)}
      />
    </div>
  );
}

function Key({ className, children }: { className: string; children: string }) {
  return (
    <span className="inline-flex items-center gap-1.5">
      <span aria-hidden className={`size-2 rounded-xs ${className}`} />
      {children}
    </span>
  );
}

// Figures do not tell rate limits from other failures: how many there were is shown instead of their share.
const LIMITED = "rate_limit_ratio";
const SPLIT_BY = ["model", "provider", "department", "prompt_version", "key"];

// The same by the values of its first cause, within the part in which it shows.
function ByCause({ anomaly, series, onPick }: Props & { series: Series }) {
  const range = useMemo(() => new TimeRange(series.from, series.to), [series.from, series.to]);
  const by = anomaly.causes.find((cause) => SPLIT_BY.includes(cause.dimension) && cause.dimension !== series.part?.dimension)?.dimension;
  const limited = anomaly.metric === LIMITED;
  if (!by || !(limited || measureOf(anomaly.metric))) return null;
  const q = [write("project", anomaly.project), ...(series.part ? [write(series.part.dimension, series.part.value)] : []), ...(limited ? ["status:rate_limited"] : [])].join(" ");
  return <Split anomaly={anomaly} range={range} q={q} by={by} bucket={series.bucket_seconds * 1_000} onPick={onPick} />;
}

function Split({ anomaly, range, q, by, bucket, onPick }: Props & { range: TimeRange; q: string; by: string; bucket: number }) {
  const stats = useStats({ range, q, by: [by], series: true, bucket });
  return (
    <div>
      <h3 className="pb-1 text-xs font-medium text-muted">
        {anomaly.metric === LIMITED ? "calls that met a rate limit, " : ""}by {by.replace("_", " ")}
        {stats.data?.groups.length === 1 ? `: ${stats.data.groups.map(groupName).join()} alone` : ""}
      </h3>
      <Answered of={stats}>{(data) => <Figures data={data} anomaly={anomaly} bucket={bucket} onPick={onPick} />}</Answered>
    </div>
  );
}

function Figures({ data, anomaly, bucket, onPick, banded }: Props & { data: Stats; bucket: number; banded?: boolean }) {
  const marks = useMarks(anomaly);
  const lines = useMemo(() => {
    const of = anomaly.metric === LIMITED ? (figures: Stats["total"]) => figures.count : measureOf(anomaly.metric);
    if (!of) return [];
    const all = linesOf(data, of);
    if (banded) return all.map((line) => ({ ...line, name: "measured" }));
    // The cause first, then those with most calls; means cannot be folded.
    const causes = anomaly.causes.map((cause) => cause.value);
    return [...all.filter((line) => causes.includes(line.name)), ...all.filter((line) => !causes.includes(line.name))].slice(0, 6);
  }, [data, anomaly, banded]);
  const window = useMemo(() => windowOf(data), [data]);
  const band = useMemo(() => (banded ? { lower: anomaly.lower, upper: anomaly.upper } : undefined), [banded, anomaly.lower, anomaly.upper]);
  return (
    <TimeChart
      label={banded ? "The metric over what is usual" : "The metric by its cause"}
      lines={lines}
      window={window}
      bucket={bucket}
      height={banded ? 200 : 160}
      kind={anomaly.metric === LIMITED ? "stack" : "lines"}
      format={(value) => (value === null ? "–" : anomaly.metric === LIMITED ? count(value) : metricValue(anomaly.metric, value))}
      marks={marks}
      band={band}
      onPick={({ from, to }) => onPick(from, to)}
    />
  );
}

// What a rule said, and what the watch has no series of: the figures over the two values of the record.
function OfFigures({ anomaly, onPick, range }: Props & { range: TimeRange }) {
  const stats = useStats({ range, q: only("", "project", anomaly.project), series: true, off: !measureOf(anomaly.metric) });
  if (!measureOf(anomaly.metric)) return <Empty title="There is no chart of this metric" className="py-6" />;
  return <Answered of={stats}>{(data) => <Figures data={data} anomaly={anomaly} bucket={bucketOf(range.length).ms} onPick={onPick} banded />}</Answered>;
}

// All branches of the node, as shares.
function OfNode({ anomaly, series, onPick }: Props & { series: Series }) {
  const { branch, bucket_seconds } = series;
  const range = useMemo(() => new TimeRange(series.from, series.to), [series.from, series.to]);
  const marks = useMarks(anomaly, Date.parse(series.to));
  const graph = useQuery({
    queryKey: ["workflow", branch?.workflow, range.key, "series", bucket_seconds],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      unwrap(api.GET("/api/v1/workflows/{name}", { params: { path: { name: branch?.workflow || "-" }, query: { ...range.query(), bucket: `${bucket_seconds / 60}m` } }, signal })),
  });
  const lines = useMemo<Line[]>(() => {
    const edges = graph.data?.edges.filter((edge) => edge.from === branch?.from) ?? [];
    return largest(edges.map((edge) => ({ name: edge.to, points: (edge.series ?? []).map((b) => [Date.parse(b.start), b.count] as const) })), 8);
  }, [graph.data, branch?.from]);
  if (graph.error && !graph.data) return <Failed error={graph.error} again={graph.refetch} />;
  return (
    <div>
      <h3 className="pb-1 text-xs font-medium text-muted">all branches of {branch?.from}</h3>
      <Answered of={graph}>
        {(data) => (
          <TimeChart
            label="Shares of the branches"
            lines={lines}
            window={{ from: Date.parse(data.from), to: Date.parse(data.to) }}
            bucket={bucket_seconds * 1_000}
            height={160}
            kind="shares"
            format={(value) => (value === null ? "–" : metricValue("share", value))}
            marks={marks}
            onPick={({ from, to }) => onPick(from, to)}
          />
        )}
      </Answered>
    </div>
  );
}
