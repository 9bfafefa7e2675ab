// Curves over steps or over time. Lines do not share their steps; all of them share the cursor.

import { useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import { useShownTheme } from "@/app/theme";
import { seriesColour } from "@/components/chart/time-chart";
import { type XY, metric } from "./numbers";

export type Curve = {
  name: string;
  colour?: string;
  points: readonly XY[];
  // The same before it was made smooth, drawn pale behind it.
  raw?: readonly XY[];
};

const css = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

type Props = { label: string; curves: readonly Curve[]; x: (value: number) => string; y?: (value: number) => string; height?: number; log?: boolean };

export function LineChart({ label, curves, x, y = metric, height = 220, log }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const theme = useShownTheme();
  const [at, setAt] = useState<{ x: number; values: (number | null)[]; left: number }>();
  const data = useMemo(() => {
    const lines = curves.flatMap((curve) => (curve.raw ? [curve.raw, curve.points] : [curve.points]));
    const xs = [...new Set(lines.flatMap((points) => points.map(([place]) => place)))].sort((a, b) => a - b);
    return [xs, ...lines.map((points) => {
      const held = new Map(points);
      // Undefined joins what lies before and after it; null would not.
      return xs.map((place) => {
        const value = held.get(place);
        return value === undefined ? undefined : Number.isFinite(value) && (!log || value > 0) ? value : null;
      });
    })];
  }, [curves, log]);
  const latest = useRef({ x, y, curves });
  useEffect(() => {
    latest.current = { x, y, curves };
  });
  const key = curves.map((curve) => `${curve.name}${curve.raw ? "~" : ""}${curve.colour ?? ""}`).join("\u0001");
  useEffect(() => {
    const place = frame.current;
    if (!place) return;
    const paint = (name: string) => (name.startsWith("var(") ? css(name.slice(4, -1)) : name);
    const axis = { stroke: css("--muted"), grid: { stroke: css("--grid"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
    const series = latest.current.curves.flatMap((curve, n): uPlot.Series[] => {
      const stroke = paint(curve.colour ?? seriesColour(n));
      const line = { stroke, width: 1.75, points: { show: curve.points.length < 2, size: 6 } };
      return curve.raw ? [{ stroke, width: 1, alpha: 0.25, points: { show: false } }, line] : [line];
    });
    const chart = new uPlot(
      {
        width: Math.max(place.clientWidth, 100),
        height,
        padding: [8, 12, 0, 0],
        legend: { show: false },
        scales: { x: { time: false }, y: { distr: log ? 3 : 1 } },
        axes: [
          { ...axis, grid: { show: false }, size: 26, space: 70, values: (_, places) => places.map((value) => latest.current.x(value)) },
          { ...axis, size: 62, space: 36, values: (_, places) => places.map((value) => (value === null ? "" : latest.current.y(value))) },
        ],
        cursor: { y: false, drag: { x: true, y: false }, points: { size: 6 } },
        series: [{}, ...series],
        hooks: {
          setCursor: [
            (u) => {
              const n = u.cursor.idx;
              if (n === null || n === undefined || (u.cursor.left ?? -1) < 0) return setAt(undefined);
              let row = 0;
              const values = latest.current.curves.map((curve) => {
                row += curve.raw ? 2 : 1;
                return u.data[row]?.[n] ?? null;
              });
              setAt({ x: u.data[0]?.[n] ?? 0, values, left: (u.cursor.left ?? 0) + u.bbox.left / devicePixelRatio });
            },
          ],
        },
      },
      data as unknown as uPlot.AlignedData,
      place,
    );
    const watch = new ResizeObserver(() => chart.setSize({ width: Math.max(place.clientWidth, 100), height }));
    watch.observe(place);
    return () => {
      watch.disconnect();
      chart.destroy();
      setAt(undefined);
    };
  }, [key, data, height, log, theme]);
  const width = frame.current?.clientWidth ?? 0;
  return (
    <figure aria-label={label} className="relative" onMouseLeave={() => setAt(undefined)}>
      <div ref={frame} style={{ height }} />
      {at ? (
        <div
          className="pointer-events-none absolute top-2 z-10 max-w-80 rounded-md border border-line bg-raised px-2.5 py-1.5 text-xs shadow-md"
          style={at.left > width / 2 ? { right: width - at.left + 12 } : { left: at.left + 12 }}
        >
          <p className="num pb-0.5 text-muted">{x(at.x)}</p>
          {curves.map((curve, n) =>
            at.values[n] === null || at.values[n] === undefined ? null : (
              <p key={curve.name} className="flex items-center gap-2">
                <span aria-hidden className="size-2 shrink-0 rounded-xs" style={{ background: curve.colour ?? seriesColour(n) }} />
                <span className="truncate">{curve.name}</span>
                <span className="num ml-auto pl-3 font-medium">{y(at.values[n] as number)}</span>
              </p>
            ),
          )}
        </div>
      ) : null}
    </figure>
  );
}
