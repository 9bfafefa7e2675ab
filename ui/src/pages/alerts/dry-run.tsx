// What a rule would have done over the last 14 days: values against thresholds, and each alert.

import { useEffect, useMemo, useRef } from "react";
import { Severity } from "@/pages/anomalies/list";
import { seriesColour } from "@/components/chart/time-chart";
import { Time } from "@/components/time";
import { count, millis } from "@/format/number";
import { dayAndTime } from "@/format/time";
import { type Curve, LineChart } from "@/pages/experiments/line-chart";
import type { DryRun } from "./api";
import { valueOf } from "./words";

const MOST = 6;

export function DryRunResult({ of }: { of: DryRun }) {
  const curves = useMemo(() => {
    const shown = of.series.slice(0, MOST);
    const values = shown.map((series, n): Curve => ({ name: Object.values(series.labels).join(" · ") || "all", colour: seriesColour(n), points: series.points.flatMap((p) => (p.value === null ? [] : [[Date.parse(p.t), p.value] as const])) }));
    const bounds = shown[0]?.points.flatMap((p) => (p.threshold === null ? [] : [[Date.parse(p.t), p.threshold] as const])) ?? [];
    return [...values, { name: "threshold", colour: "var(--bad)", points: bounds }].filter((curve) => curve.points.length > 0);
  }, [of]);
  // It stands below the form, which may be longer than the page.
  const place = useRef<HTMLElement>(null);
  useEffect(() => place.current?.scrollIntoView({ block: "start" }), [of]);
  const told = Object.entries(of.notifications).map(([event, times]) => `${count(times)} × ${event}`);
  const fired = of.episodes.length + of.more_episodes;
  return (
    <section ref={place} className="flex scroll-mt-4 flex-col gap-3 rounded-lg border border-line p-3" aria-label="Dry run">
      <p>
        In <strong>{count(of.evaluations)}</strong> evaluations since <Time at={of.from} /> it would have fired <strong>{count(fired)}</strong> {fired === 1 ? "time" : "times"}
        {told.length ? `, and told ${told.join(", ")} per channel` : ""}.
        {of.left_out ? ` Only the 200 groups with most calls were looked at, ${count(of.left_out)} others were left out.` : ""}
      </p>
      {curves.length ? <LineChart label="Values and thresholds of the dry run" curves={curves} x={dayAndTime} y={(value) => valueOf(value, of.unit)} height={200} /> : <p className="text-muted">There was nothing to judge.</p>}
      {of.episodes.length ? (
        <ol className="max-h-72 divide-y divide-line/60 overflow-y-auto" tabIndex={0} aria-label="Alerts that would have been">
          {of.episodes.map((episode, n) => (
            <li key={`${episode.start}${n}`} className="flex items-center gap-3 py-1.5">
              <Severity severity={episode.severity} />
              <Time at={episode.start} className="w-36 shrink-0" />
              <span className="w-28 shrink-0 whitespace-nowrap text-muted">{episode.end ? millis(Date.parse(episode.end) - Date.parse(episode.start)) : "goes on"}</span>
              <span className="min-w-0 truncate">{Object.values(episode.labels).join(" · ") || episode.summary}</span>
              <span className="num ml-auto shrink-0 text-muted">
                {valueOf(episode.value, of.unit)} / {valueOf(episode.threshold, of.unit)}
              </span>
            </li>
          ))}
        </ol>
      ) : null}
    </section>
  );
}
