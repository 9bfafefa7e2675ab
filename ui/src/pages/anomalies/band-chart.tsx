// The metric before and during an anomaly over what is usual; and the same by the values of its cause.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { type Anomaly, type Stats, api, unwrap } from "@/api/client";
import { linesOf, useStats, windowOf } from "@/api/stats";
import { type Line, largest } from "@/components/chart/stack";
import { TimeChart } from "@/components/chart/time-chart";
import { Answered, Empty } from "@/components/state";
import { metricValue } from "@/pages/overview/metric";
import { only } from "@/state/query";
import { DAY, HOUR, TimeRange, bucketOf } from "@/state/range";
import { branchOf, measureOf } from "./measure";

// The anomaly with twice as much around it, at least a day before.
export function around(anomaly: Anomaly, now = Date.now()): TimeRange {
  const from = Date.parse(anomaly.onset);
  const to = anomaly.ended_at ? Date.parse(anomaly.ended_at) : now;
  const before = Math.min(Math.max(to - from, DAY), 7 * DAY);
  const end = anomaly.ended_at ? Math.min(to + before / 2, now) : now;
  return new TimeRange(new Date(from - before).toISOString(), new Date(Math.max(end, from + HOUR)).toISOString());
}

type Props = { anomaly: Anomaly; onPick: (from: number, to: number) => void };

export function BandChart(props: Props) {
  if (measureOf(props.anomaly.metric)) return <OfCalls {...props} />;
  if (props.anomaly.metric === "branch_share") return <OfBranch {...props} />;
  return <Empty title="There is no chart of this metric" className="py-6" />;
}

function useMarks(anomaly: Anomaly) {
  return useMemo(() => {
    const from = Date.parse(anomaly.onset);
    return [{ from, to: anomaly.ended_at ? Date.parse(anomaly.ended_at) : Date.now() }];
  }, [anomaly.onset, anomaly.ended_at]);
}

function OfCalls({ anomaly, onPick }: Props) {
  const range = useMemo(() => around(anomaly), [anomaly]);
  const q = only("", "project", anomaly.project);
  const stats = useStats({ range, q, series: true });
  const cause = anomaly.causes[0];
  const splits = cause && ["model", "provider", "department", "prompt_version", "key"].includes(cause.dimension) ? cause.dimension : undefined;
  return (
    <div className="flex flex-col gap-4">
      <Answered of={stats}>{(data) => <Chart data={data} anomaly={anomaly} range={range} onPick={onPick} banded />}</Answered>
      {splits ? <Split anomaly={anomaly} range={range} q={q} by={splits} onPick={onPick} /> : null}
    </div>
  );
}

function Split({ anomaly, range, q, by, onPick }: Props & { range: TimeRange; q: string; by: string }) {
  const stats = useStats({ range, q, by: [by], series: true });
  return (
    <div>
      <h3 className="pb-1 text-xs font-medium text-muted">by {by.replace("_", " ")}</h3>
      <Answered of={stats}>{(data) => <Chart data={data} anomaly={anomaly} range={range} onPick={onPick} />}</Answered>
    </div>
  );
}

function Chart({ data, anomaly, range, onPick, banded }: Props & { data: Stats; range: TimeRange; banded?: boolean }) {
  const marks = useMarks(anomaly);
  const lines = useMemo(() => {
    const of = measureOf(anomaly.metric);
    if (!of) return [];
    const all = linesOf(data, of);
    if (banded) return all.map((line) => ({ ...line, name: "measured" }));
    // The cause first, then those with most calls; means cannot be folded.
    const cause = anomaly.causes[0]?.value;
    return [...all.filter((line) => line.name === cause), ...all.filter((line) => line.name !== cause)].slice(0, 6);
  }, [data, anomaly, banded]);
  const window = useMemo(() => windowOf(data), [data]);
  const band = useMemo(() => (banded ? { lower: anomaly.lower, upper: anomaly.upper } : undefined), [banded, anomaly.lower, anomaly.upper]);
  return (
    <TimeChart
      label={banded ? "The metric over what is usual" : "The metric by its cause"}
      lines={lines}
      window={window}
      bucket={bucketOf(range.length).ms}
      height={banded ? 200 : 160}
      format={(value) => (value === null ? "–" : metricValue(anomaly.metric, value))}
      marks={marks}
      band={band}
      onPick={({ from, to }) => onPick(from, to)}
    />
  );
}

function OfBranch({ anomaly, onPick }: Props) {
  const marks = useMarks(anomaly);
  const range = useMemo(() => around(anomaly), [anomaly]);
  const branch = branchOf(anomaly.causes.find((cause) => cause.dimension === "branch")?.value ?? "");
  const graph = useQuery({
    queryKey: ["workflow", branch?.workflow, range.key, "series"],
    enabled: branch !== undefined,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      unwrap(api.GET("/api/v1/workflows/{name}", { params: { path: { name: branch?.workflow ?? "-" }, query: { ...range.query(), bucket: bucketOf(range.length).text } }, signal })),
  });
  const lines = useMemo<Line[]>(() => {
    const edges = graph.data?.edges.filter((edge) => edge.from === branch?.from) ?? [];
    return largest(edges.map((edge) => ({ name: edge.to, points: (edge.series ?? []).map((b) => [Date.parse(b.start), b.count] as const) })), 8);
  }, [graph.data, branch?.from]);
  if (!branch) return <Empty title="It names no branch" className="py-6" />;
  return (
    <Answered of={graph}>
      {(data) => (
        <TimeChart
          label="Shares of the branches"
          lines={lines}
          window={{ from: Date.parse(data.from), to: Date.parse(data.to) }}
          bucket={bucketOf(range.length).ms}
          kind="shares"
          format={(value) => (value === null ? "–" : metricValue("share", value))}
          marks={marks}
          onPick={({ from, to }) => onPick(from, to)}
        />
      )}
    </Answered>
  );
}
