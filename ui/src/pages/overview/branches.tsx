// Which ways the decisions of a workflow took, over time.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { type Schema, api, unwrap } from "@/api/client";
import { type Line, largest } from "@/components/chart/stack";
import { type Pick, TimeChart } from "@/components/chart/time-chart";
import { Segments, Select } from "@/components/choice";
import { Panel } from "@/components/panel";
import { Answered, Empty } from "@/components/state";
import { count, percent } from "@/format/number";
import { type TimeRange, bucketOf } from "@/state/range";
import { useParam } from "@/state/url";
import { requestsOf } from "../workflows/requests";

type Workflow = Schema["WorkflowAnswer"];

type Props = { range: TimeRange; every: number | false; onBrush: (from: number, to: number) => void };

export function useWorkflows(range: TimeRange, every: number | false) {
  return useQuery({
    queryKey: ["workflows", range.key],
    refetchInterval: every,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => unwrap(api.GET("/api/v1/workflows", { params: { query: range.query() }, signal })),
  });
}

export function Branches({ range, every, onBrush }: Props) {
  const [asked, setName] = useParam("workflow");
  const [node, setNode] = useParam("node");
  const [kind, setKind] = useParam("branches", "shares");
  const list = useWorkflows(range, every);
  const names = [...new Set(list.data?.workflows.filter((w) => w.decisions > 0).map((w) => w.name ?? "-"))];
  const name = names.includes(asked) ? asked : names[0];
  const graph = useQuery({
    queryKey: ["workflow", name, range.key, "series"],
    enabled: name !== undefined && !list.isPlaceholderData,
    refetchInterval: every,
    queryFn: ({ signal }) => {
      const query = { ...range.query(), bucket: bucketOf(range.length).text };
      return unwrap(api.GET("/api/v1/workflows/{name}", { params: { path: { name: name ?? "-" }, query }, signal }));
    },
  });
  const navigate = useNavigate();
  const nodes = [...new Set(graph.data?.edges.map((edge) => edge.from))];
  const left = nodes.includes(node) ? node : nodes[0];
  // The decisions behind a place in the chart.
  const pick = ({ name: way, from, to }: Pick) => {
    if (name === undefined || left === undefined) return;
    const q = requestsOf(name, left, way === "others" ? undefined : way);
    void navigate({ to: "/calls", search: { q, from: new Date(from).toISOString(), to: new Date(to).toISOString() } });
  };
  return (
    <Panel
      title="Branches"
      about={left ? `decisions made in ${left}` : "decisions of workflows"}
      busy={graph.isFetching}
      actions={
        <>
          {names.length > 1 && name ? <Select label="Workflow" value={name} options={names.map((n) => [n, n === "-" ? "without a name" : n] as const)} onChange={setName} /> : null}
          {nodes.length > 1 && left ? <Select label="Decision" value={left} options={nodes.map((n) => [n, n] as const)} onChange={setNode} /> : null}
          <Segments label="Branches as" value={kind === "counts" ? "counts" : "shares"} options={[["shares", "shares"], ["counts", "counts"]]} onChange={setKind} />
        </>
      }
    >
      <div className="min-h-60 px-3 pb-3">
        <Answered of={list}>
          {() =>
            name === undefined ? (
              <Empty title="No decisions in this range" className="min-h-52">
                <p className="max-w-prose">Steps of kind branch show here: which way each request took through a workflow.</p>
              </Empty>
            ) : (
              <Answered of={graph}>{(data) => <Chart data={data} node={left} range={range} kind={kind === "counts" ? "stack" : "shares"} onBrush={onBrush} onPick={pick} />}</Answered>
            )
          }
        </Answered>
      </div>
    </Panel>
  );
}

function Chart({ data, node, range, kind, onBrush, onPick }: { data: Workflow; node: string | undefined; range: TimeRange; kind: "stack" | "shares"; onBrush: Props["onBrush"]; onPick: (pick: Pick) => void }) {
  const lines = useMemo(() => {
    const edges = data.edges.filter((edge) => edge.from === node);
    return largest(edges.map((edge): Line => ({ name: edge.to, points: (edge.series ?? []).map((b) => [Date.parse(b.start), b.count] as const) })), 8);
  }, [data, node]);
  const window = useMemo(() => ({ from: Date.parse(data.from), to: Date.parse(data.to) }), [data]);
  return <TimeChart label="Branches over time" lines={lines} window={window} bucket={bucketOf(range.length).ms} kind={kind} format={kind === "shares" ? percent : count} onBrush={onBrush} onPick={onPick} />;
}
