// How many of the listed calls there were when; a drag zooms the list. Only where figures know what is filtered by.

import { useMemo } from "react";
import { linesOf, useStats, windowOf } from "@/api/stats";
import { TimeChart } from "@/components/chart/time-chart";
import { count } from "@/format/number";
import { type TimeRange, bucketOf } from "@/state/range";

const FAILED = ["error", "rate_limited", "blocked"];

export function Histogram({ range, q, every, onBrush }: { range: TimeRange; q: string; every: number | false; onBrush: (from: number, to: number) => void }) {
  const stats = useStats({ range, q, every, by: ["status"], series: true });
  const lines = useMemo(() => {
    if (!stats.data) return [];
    const sums = [new Map<number, number>(), new Map<number, number>()];
    for (const line of linesOf(stats.data, (f) => f.count)) {
      const into = sums[FAILED.includes(line.name) ? 1 : 0];
      for (const [at, value] of line.points) into?.set(at, (into.get(at) ?? 0) + (value ?? 0));
    }
    return sums.map((sum, n) => ({ name: n ? "failed" : "answered", points: [...sum] }));
  }, [stats.data]);
  const window = useMemo(() => (stats.data ? windowOf(stats.data) : range.at()), [stats.data, range]);
  return (
    <div className="h-19 px-3 pt-1">
      <TimeChart label="Calls over time" lines={lines} window={window} bucket={bucketOf(range.length).ms} kind="stack" format={count} height={72} legend={false} bare onBrush={onBrush} colour={(name) => (name === "failed" ? "var(--bad)" : "var(--series-1)")} />
    </div>
  );
}
