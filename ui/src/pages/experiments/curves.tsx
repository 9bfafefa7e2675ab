// The metrics of one run or of several, a chart each: over steps or time, made smooth, with a linear or logarithmic axis.

import { keepPreviousData, useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import { Segments } from "@/components/choice";
import { seriesColour } from "@/components/chart/time-chart";
import { Panel } from "@/components/panel";
import { Answered, Empty, Waiting } from "@/components/state";
import { millis } from "@/format/number";
import { useParam } from "@/state/url";
import { type Curve, LineChart } from "./line-chart";
import { type History, type Run, histories } from "./mlflow";
import { keysOf, metric, smooth } from "./numbers";

const AXES = [
  ["step", "step"],
  ["time", "time"],
] as const;

export function Curves({ runs }: { runs: readonly Run[] }) {
  const [axis, setAxis] = useParam("axis", "step");
  const [scale, setScale] = useParam("scale", "linear");
  const [smoothing, setSmoothing] = useParam("smooth", "0");
  const metrics = useMemo(() => keysOf(runs.map((run) => run.metrics)), [runs]);
  const ids = runs.map((run) => run.id);
  const answers = useQueries({
    queries: metrics.slice(0, 60).map((name) => ({
      queryKey: ["mlflow", "history", name, ...ids],
      placeholderData: keepPreviousData,
      queryFn: ({ signal }: { signal: AbortSignal }) => histories(ids, name, signal),
    })),
  });
  if (!metrics.length) return <Empty title="No metric was logged" />;
  return (
    <div className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center gap-3">
        <Segments label="Horizontal axis" value={axis === "time" ? "time" : "step"} options={AXES} onChange={setAxis} />
        <Segments label="Vertical axis" value={scale === "log" ? "log" : "linear"} options={[["linear", "linear"], ["log", "log"]]} onChange={setScale} />
        <label className="flex items-center gap-2 text-xs text-muted">
          Smoothing
          <input type="range" min={0} max={0.98} step={0.02} value={smoothing} onChange={(event) => setSmoothing(event.target.value)} className="w-28 accent-(--accent)" />
          <span className="num w-8">{Number(smoothing).toFixed(2)}</span>
        </label>
        {runs.length > 1 ? <Legend runs={runs} /> : null}
      </div>
      <div className="grid gap-3 xl:grid-cols-2">
        {metrics.slice(0, answers.length).map((name, n) => {
          const answer = answers[n];
          if (!answer) return null;
          return (
            <Panel key={name} title={<span className="font-mono text-sm">{name}</span>} about={runs.length === 1 ? metric(runs[0]?.metrics[name]) : undefined} busy={answer.isFetching}>
              <div className="px-3 pb-3">
                <Answered of={answer} waiting={<Waiting className="h-56" />}>{(data) => <Chart name={name} runs={runs} data={data} axis={axis} by={Number(smoothing)} log={scale === "log"} />}</Answered>
              </div>
            </Panel>
          );
        })}
      </div>
    </div>
  );
}

function Legend({ runs }: { runs: readonly Run[] }) {
  return (
    <ul className="flex flex-wrap gap-x-3 gap-y-1 text-xs text-muted">
      {runs.map((run, n) => (
        <li key={run.id} className="flex items-center gap-1.5">
          <span aria-hidden className="size-2 rounded-xs" style={{ background: seriesColour(n) }} />
          {run.name}
        </li>
      ))}
    </ul>
  );
}

function Chart({ name, runs, data, axis, by, log }: { name: string; runs: readonly Run[]; data: History[]; axis: string; by: number; log: boolean }) {
  const curves = useMemo(
    () =>
      runs.flatMap((run, n): Curve[] => {
        const points = data.find((history) => history.run === run.id)?.points ?? [];
        if (!points.length) return [];
        const line = points.map((p) => [axis === "time" ? p.at - run.start : p.step, p.value] as const);
        return [{ name: run.name, colour: seriesColour(n), points: smooth(line, by), raw: by > 0 ? line : undefined }];
      }),
    [runs, data, axis, by],
  );
  // One point each is no curve.
  if (curves.every((curve) => curve.points.length < 2)) {
    const most = Math.max(...curves.map((curve) => Math.abs(curve.points[0]?.[1] ?? 0)), Number.MIN_VALUE);
    return (
      <ul className="flex flex-col gap-1 pt-2">
        {curves.map((curve) => (
          <li key={curve.name} className="flex items-center gap-2 text-xs">
            <span className="w-40 truncate text-muted">{curve.name}</span>
            <span className="h-4 flex-1 rounded bg-sunken">
              <span className="block h-full rounded" style={{ width: `${(Math.abs(curve.points[0]?.[1] ?? 0) / most) * 100}%`, background: curve.colour }} />
            </span>
            <span className="num w-20 text-right">{metric(curve.points[0]?.[1])}</span>
          </li>
        ))}
      </ul>
    );
  }
  return <LineChart label={`${name} over ${axis}`} curves={curves} x={(value) => (axis === "time" ? millis(value) : String(Math.round(value)))} log={log} />;
}
