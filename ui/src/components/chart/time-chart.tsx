// Values over time: lines, or stacked bars. Drag over a span of time to zoom into it, click a place for what lies behind it,
// click a name to see it alone. All charts of a page share the cursor.

import { useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import { useShownTheme } from "@/app/theme";
import { dayAndTime } from "@/format/time";
import type { Window } from "@/state/range";
import { cx } from "../classes";
import { type Line, aligned, bucketStarts, shares, stacked } from "./stack";

// What is usual of a bucket; `at` is its start.
export type Usual = { at: number; expected: number; lower: number; upper: number };
export type Band = { lower: number; upper: number } | readonly Usual[];

export type Pick = { name: string | undefined; from: number; to: number };

type Props = {
  label: string;
  lines: readonly Line[];
  window: Window;
  // Milliseconds.
  bucket: number;
  format: (value: number | null) => string;
  kind?: "lines" | "stack" | "shares";
  height?: number;
  onBrush?: (from: number, to: number) => void;
  onPick?: (pick: Pick) => void;
  // Spans of time to point out, as anomalies.
  marks?: readonly Window[];
  // What is usual, between two values, or from time to time.
  band?: Band;
  // The colour of a line by its name, where the colour means something.
  colour?: (name: string, n: number) => string | undefined;
  legend?: boolean;
  // Without the axis of values, where only the shape matters.
  bare?: boolean;
};

const COLOURS = 8;
const css = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const seriesColour = (n: number) => `var(--series-${(n % COLOURS) + 1})`;

export function TimeChart(props: Props) {
  const { label, lines, window: seen, bucket, format, kind = "lines", height = 200, marks, colour, legend = true, bare = false } = props;
  const [alone, setAlone] = useState<string>();
  const theme = useShownTheme();
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const ends = useRef<[number, number]>([0, 1]);
  const [hover, setHover] = useState<{ at: number; left: number } | undefined>();
  const handlers = useRef(props);
  useEffect(() => {
    handlers.current = props;
  });

  const isolated = alone !== undefined && lines.some((line) => line.name === alone) ? alone : undefined;
  const colours = useMemo(() => lines.map((line, n) => colour?.(line.name, n) ?? seriesColour(n)), [lines, colour]);
  const shown = useMemo(() => lines.map((line, n) => ({ line, n })).filter(({ line }) => isolated === undefined || line.name === isolated), [lines, isolated]);
  const starts = useMemo(() => bucketStarts(seen.from, seen.to, bucket), [seen.from, seen.to, bucket]);
  const values = useMemo(() => {
    const all = lines.map((line) => aligned(starts, line, kind === "lines" ? null : 0));
    const rows = kind === "shares" ? shares(all) : all;
    return shown.map(({ n }) => rows[n] ?? []);
  }, [lines, shown, starts, kind]);

  const key = shown.map(({ line, n }) => `${line.name}\u0000${colours[n]}`).join("\u0001");
  useEffect(() => {
    const place = frame.current;
    if (!place) return;
    const paint = (name: string) => (name.startsWith("var(") ? css(name.slice(4, -1)) : name);
    const bars = kind !== "lines";
    const names = (key === "" ? [] : key.split("\u0001")).map((part) => paint(part.split("\u0000")[1] ?? ""));
    const axis = { stroke: css("--muted"), grid: { stroke: css("--grid"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
    const chart = new uPlot(
      {
        width: Math.max(place.clientWidth, 100),
        height,
        padding: [8, 18, 0, 0],
        legend: { show: false },
        scales: { x: { time: true, range: () => ends.current }, y: { range: (_, __, most) => [0, kind === "shares" ? 1 : Math.max(most ?? 0, topOf(handlers.current.band, most ?? 0)) * 1.08 || 1] } },
        axes: [
          { ...axis, grid: { show: false }, size: 26, space: 80, values: (_, at, __, ___, step) => at.map((s) => tick(s * 1000, step * 1000)) },
          { ...axis, show: !bare, size: 58, space: 36, values: (_, at) => at.map((value, n) => tickOf(value, at[n - 1], handlers.current.format)) },
        ],
        cursor: {
          y: false,
          drag: { x: handlers.current.onBrush !== undefined, y: false, setScale: false },
          points: { show: !bars, size: 6 },
          sync: { key: "time", scales: ["x", null] },
        },
        // The tallest of a stack is painted first, so that each shows above the next.
        series: [
          {},
          ...(bars ? names.toReversed() : names).map((stroke) =>
            bars
              ? { stroke, fill: stroke, width: 0, points: { show: false }, paths: uPlot.paths.bars?.({ size: [0.9, 64], align: 1 }) }
              : { stroke, width: 1.75, spanGaps: false, points: { show: true, size: 3, filter: lonely } },
          ),
        ],
        hooks: {
          drawClear: [(u) => (drawBand(u, handlers.current.band, handlers.current.bucket), drawMarks(u, handlers.current.marks ?? []))],
          setCursor: [
            (u) => {
              const at = u.cursor.idx;
              const inside = at !== null && at !== undefined && (u.cursor.left ?? -1) >= 0;
              setHover(inside ? { at, left: (u.cursor.left ?? 0) + u.bbox.left / devicePixelRatio } : undefined);
            },
          ],
          setSelect: [
            (u) => {
              if (u.select.width < 6) return;
              const [from, to] = [u.posToVal(u.select.left, "x") * 1000, u.posToVal(u.select.left + u.select.width, "x") * 1000];
              u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
              handlers.current.onBrush?.(Math.floor(from), Math.ceil(to));
            },
          ],
        },
      },
      [[], ...names.map(() => [])] as unknown as uPlot.AlignedData,
      place,
    );
    let down = 0;
    chart.over.addEventListener("mousedown", (event) => {
      down = event.clientX;
    });
    chart.over.addEventListener("click", (event) => {
      const { onPick, bucket: width } = handlers.current;
      const at = chart.cursor.idx;
      if (!onPick || at === null || at === undefined || Math.abs(event.clientX - down) > 4) return;
      const start = (chart.data[0]?.[at] ?? 0) * 1000;
      onPick({ name: nearest(chart, at, bars), from: start, to: start + width });
    });
    plot.current = chart;
    const watch = new ResizeObserver(() => chart.setSize({ width: Math.max(place.clientWidth, 100), height }));
    watch.observe(place);
    return () => {
      watch.disconnect();
      chart.destroy();
      plot.current = undefined;
      setHover(undefined);
    };
  }, [key, kind, height, theme, bare]);

  // Which line is under the cursor, by the order in which they were given.
  function nearest(chart: uPlot, at: number, bars: boolean): string | undefined {
    const rows = handlers.current.lines.filter((line) => isolated === undefined || line.name === isolated);
    const y = chart.posToVal(chart.cursor.top ?? 0, "y");
    const held = chart.data.slice(1).map((row) => row[at]);
    const ordered = bars ? held.toReversed() : held;
    if (bars) return rows[ordered.findIndex((value) => (value ?? 0) >= y)]?.name;
    const away = ordered.map((value) => (value === null || value === undefined ? Number.POSITIVE_INFINITY : Math.abs(value - y)));
    const least = Math.min(...away);
    return Number.isFinite(least) ? rows[away.indexOf(least)]?.name : undefined;
  }

  useEffect(() => {
    const rows = kind === "lines" ? values : stacked(values).toReversed();
    const chart = plot.current;
    if (!chart) return;
    ends.current = [(starts[0] ?? seen.from) / 1000, Math.max(seen.to, (starts.at(-1) ?? 0) + bucket) / 1000];
    chart.setData([starts.map((at) => at / 1000), ...rows] as uPlot.AlignedData);
  }, [values, starts, kind, seen.from, seen.to, bucket, key, theme, height]);
  useEffect(() => plot.current?.redraw(), [marks, props.band]);

  const at = hover?.at;
  const hovered = at === undefined ? undefined : starts[at];
  const usual = props.band && isOverTime(props.band) ? props.band.find((u) => u.at === hovered) : undefined;
  return (
    <figure className="flex min-w-0 flex-col gap-1" aria-label={label}>
      {legend && lines.length > 1 ? (
        <figcaption className="flex flex-wrap gap-x-1 gap-y-0.5">
          {lines.map((line, n) => (
            <button
              key={line.name}
              type="button"
              aria-pressed={isolated === line.name}
              title="Show it alone"
              onClick={() => setAlone(isolated === line.name ? undefined : line.name)}
              className={cx("inline-flex h-6 max-w-56 items-center gap-1.5 rounded px-1.5 text-xs text-muted hover:bg-sunken hover:text-text", isolated !== undefined && isolated !== line.name && "opacity-50")}
            >
              <span aria-hidden className="size-2 shrink-0 rounded-xs" style={{ background: colours[n] }} />
              <span className="truncate">{line.name}</span>
            </button>
          ))}
        </figcaption>
      ) : null}
      <div className="relative" onMouseLeave={() => setHover(undefined)}>
        <div ref={frame} className={cx(props.onPick && "[&_.u-over]:cursor-pointer")} style={{ height }} />
        {at !== undefined && starts[at] !== undefined && hover ? (
          <div
            className="pointer-events-none absolute top-2 z-10 max-w-72 rounded-md border border-line bg-raised px-2.5 py-1.5 text-xs shadow-md"
            style={hover.left > (frame.current?.clientWidth ?? 0) / 2 ? { right: (frame.current?.clientWidth ?? 0) - hover.left + 12 } : { left: hover.left + 12 }}
          >
            <p className="pb-0.5 text-muted">
              {dayAndTime(starts[at])} – {dayAndTime(starts[at] + bucket).split(" ").at(-1)}
            </p>
            {shown.map(({ line, n }, row) => (
              <p key={line.name} className="flex items-center gap-2">
                <span aria-hidden className="size-2 shrink-0 rounded-xs" style={{ background: colours[n] }} />
                <span className="truncate">{line.name}</span>
                <span className="num ml-auto pl-3 font-medium">{format(values[row]?.[at] ?? null)}</span>
              </p>
            ))}
            {usual ? (
              <p className="flex items-center gap-2">
                <span aria-hidden className="size-2 shrink-0 rounded-xs bg-ok/40" />
                usual
                <span className="num ml-auto pl-3 text-muted">
                  {format(usual.lower)} – {format(usual.upper)}
                </span>
              </p>
            ) : null}
          </div>
        ) : null}
      </div>
    </figure>
  );
}

// A point between two gaps would not be seen as a line.
const lonely: uPlot.Series.Points.Filter = (u, series, show) => {
  if (!show && show !== undefined) return null;
  const row = u.data[series];
  const found: number[] = [];
  row?.forEach((value, n) => {
    const gap = (other: number | null | undefined) => other === null || other === undefined;
    if (!gap(value) && gap(row[n - 1]) && gap(row[n + 1])) found.push(n);
  });
  return found;
};

// Nothing where it reads as the value before it, as halves of a count do.
function tickOf(value: number, before: number | undefined, format: Props["format"]): string {
  const halved = !Number.isInteger(value) && format(value) === format(Math.round(value));
  return halved || (before !== undefined && format(before) === format(value)) ? "" : format(value);
}

function tick(ms: number, step: number): string {
  const at = new Date(ms);
  const midnight = at.getHours() === 0 && at.getMinutes() === 0;
  if (step >= 86_400_000 || midnight) return at.toLocaleDateString(undefined, { day: "numeric", month: "short" });
  return at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

// The top of a band, as far as it does not dwarf what was measured: few calls leave room for anything.
function topOf(band: Props["band"], most: number): number {
  if (!band) return 0;
  if (!isOverTime(band)) return band.upper;
  const expected = band.reduce((top, usual) => Math.max(top, usual.expected), 0);
  const upper = band.reduce((top, usual) => Math.max(top, usual.upper), 0);
  return Math.min(upper, Math.max(most, expected) * 1.5);
}

const isOverTime = (band: Band): band is readonly Usual[] => Array.isArray(band);

// Stretches of a band without a gap.
function stretches(band: readonly Usual[], bucket: number): Usual[][] {
  const found: Usual[][] = [];
  for (const usual of band) {
    const last = found.at(-1);
    const before = last?.at(-1);
    if (last && before && usual.at - before.at <= bucket * 1.5) last.push(usual);
    else found.push([usual]);
  }
  return found;
}

function drawBand(u: uPlot, band: Props["band"], bucket: number) {
  if (!band) return;
  const { ctx, bbox } = u;
  const y = (value: number) => Math.min(Math.max(u.valToPos(Math.max(value, 0), "y", true), bbox.top), bbox.top + bbox.height);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.fillStyle = ctx.strokeStyle = css("--ok");
  if (!isOverTime(band)) {
    const top = y(band.upper);
    ctx.globalAlpha = 0.12;
    ctx.fillRect(bbox.left, top, bbox.width, Math.max(y(band.lower) - top, 1));
    ctx.restore();
    return;
  }
  const x = (at: number) => u.valToPos(at / 1000, "x", true);
  for (const stretch of stretches(band, bucket)) {
    // A bucket alone is as wide as it is.
    const [first] = stretch;
    const line = stretch.length === 1 && first ? [first, { ...first, at: first.at + bucket }] : stretch;
    ctx.beginPath();
    for (const [n, usual] of line.entries()) ctx[n ? "lineTo" : "moveTo"](x(usual.at), y(usual.upper));
    for (const usual of line.toReversed()) ctx.lineTo(x(usual.at), y(usual.lower));
    ctx.closePath();
    ctx.globalAlpha = 0.16;
    ctx.fill();
    ctx.beginPath();
    for (const [n, usual] of line.entries()) ctx[n ? "lineTo" : "moveTo"](x(usual.at), y(usual.expected));
    ctx.globalAlpha = 0.75;
    ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.lineWidth = devicePixelRatio;
    ctx.stroke();
    ctx.setLineDash([]);
  }
  ctx.restore();
}

function drawMarks(u: uPlot, marks: readonly Window[]) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.fillStyle = css("--bad");
  ctx.globalAlpha = 0.1;
  for (const { from, to } of marks) {
    const left = Math.max(u.valToPos(from / 1000, "x", true), bbox.left);
    const right = Math.min(u.valToPos(to / 1000, "x", true), bbox.left + bbox.width);
    if (right > left) ctx.fillRect(left, bbox.top, Math.max(right - left, 2), bbox.height);
  }
  ctx.restore();
}
