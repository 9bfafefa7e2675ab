// Parallel coordinates: one line per run through all axes.

import { useState } from "react";
import { seriesColour } from "@/components/chart/time-chart";
import { Empty } from "@/components/state";
import type { Run } from "../mlflow";
import { metric } from "../numbers";
import { axesOf, place } from "./axes";

const [GAP, HEIGHT, TOP] = [130, 300, 34];

export function Parallel({ runs }: { runs: readonly Run[] }) {
  const [lit, setLit] = useState<string>();
  // An axis on which all are the same separates nothing.
  const axes = axesOf(runs).filter((axis) => axis.high > axis.low);
  if (axes.length < 2) return <Empty title="The runs have less than two numbers in which they differ" />;
  const width = (axes.length - 1) * GAP + 140;
  const x = (n: number) => 70 + n * GAP;
  const y = (part: number) => TOP + (1 - part) * HEIGHT;
  return (
    <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="Parallel coordinates">
      <svg width={width} height={HEIGHT + TOP + 40} role="img" aria-label={`${runs.length} runs over ${axes.length} axes`}>
        {axes.map((axis, n) => (
          <g key={axis.id}>
            <line x1={x(n)} x2={x(n)} y1={TOP} y2={TOP + HEIGHT} stroke="var(--strong)" />
            <text x={x(n)} y={14} textAnchor="middle" className="fill-text text-xs font-medium">
              {axis.name.length > 18 ? `${axis.name.slice(0, 17)}…` : axis.name}
              <title>{axis.id}</title>
            </text>
          </g>
        ))}
        {runs.map((run, n) => {
          const points = axes.flatMap((axis, m) => {
            const value = axis.of(run);
            return value === undefined || !Number.isFinite(value) ? [] : [`${x(m)},${y(place(axis, value))}`];
          });
          return (
            <polyline
              key={run.id}
              points={points.join(" ")}
              fill="none"
              stroke={seriesColour(n)}
              strokeWidth={lit === run.id ? 4 : 2}
              opacity={lit === undefined || lit === run.id ? 0.9 : 0.2}
              onMouseEnter={() => setLit(run.id)}
              onMouseLeave={() => setLit(undefined)}
            >
              <title>{run.name}</title>
            </polyline>
          );
        })}
        {axes.map((axis, n) => (
          <g key={axis.id} className="pointer-events-none">
            {(axis.ticks ?? [metric(axis.low), metric((axis.low + axis.high) / 2), metric(axis.high)]).map((tick, m, all) => (
              <text key={tick} x={x(n) + 6} y={y(all.length > 1 ? m / (all.length - 1) : 0.5) + 4} paintOrder="stroke" stroke="var(--panel)" strokeWidth={4} className="num fill-muted text-2xs">
                {tick}
              </text>
            ))}
          </g>
        ))}
      </svg>
    </div>
  );
}
