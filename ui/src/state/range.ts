// The range of time that a page looks at: `from` and `to` in the address, as the API reads them. Relative ones (`-24h`, no
// `to`) move on with every refresh; `refresh` says how often, in seconds.

import { useMemo } from "react";
import { useUrl } from "./url";

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export const PRESETS = [
  ["-15m", "15 minutes"],
  ["-1h", "1 hour"],
  ["-6h", "6 hours"],
  ["-24h", "24 hours"],
  ["-7d", "7 days"],
  ["-30d", "30 days"],
  ["-90d", "90 days"],
] as const;

export const USUAL_FROM = "-24h";
export const USUAL_REFRESH = "30";

export type Window = { from: number; to: number };

const UNITS: Record<string, number> = { s: SECOND, m: MINUTE, h: HOUR, d: DAY, w: 7 * DAY };

// The length of `-24h`; undefined for what is no relative time.
export function relative(text: string): number | undefined {
  const match = /^-?(\d+)([smhdw])$/.exec(text);
  return match ? Number(match[1]) * (UNITS[match[2] as string] as number) : undefined;
}

function instant(text: string, now: number): number | undefined {
  const back = relative(text);
  if (back !== undefined) return now - back;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}

export class TimeRange {
  constructor(
    readonly from: string,
    readonly to: string | undefined,
  ) {}

  get moves() {
    return relative(this.from) !== undefined && !this.to;
  }

  // Milliseconds since the epoch; what cannot be read is the last day.
  at(now = Date.now()): Window {
    const to = (this.to && instant(this.to, now)) || now;
    const from = instant(this.from, now) ?? to - DAY;
    return from < to ? { from, to } : { from: to - DAY, to };
  }

  get length() {
    const { from, to } = this.at();
    return to - from;
  }

  // As parameters of the API, shifted into the past.
  query(now = Date.now(), shift = 0): { from: string; to: string } {
    const { from, to } = this.at(now);
    return { from: new Date(from - shift).toISOString(), to: new Date(to - shift).toISOString() };
  }

  // A part of the answer's key in the cache: stays the same while a relative range moves.
  get key() {
    return `${this.from}..${this.to ?? ""}`;
  }
}

const WIDTHS: [string, number][] = [
  ["1m", MINUTE],
  ["5m", 5 * MINUTE],
  ["15m", 15 * MINUTE],
  ["1h", HOUR],
  ["3h", 3 * HOUR],
  ["6h", 6 * HOUR],
  ["1d", DAY],
];

// The width of a chart's buckets, so that there are at most about a hundred and thirty.
export function bucketOf(length: number): { text: string; ms: number } {
  const [text, ms] = WIDTHS.find(([, width]) => length / width <= 130) ?? ["1d", DAY];
  return { text, ms };
}

export function useRange() {
  const [search, set] = useUrl();
  const range = useMemo(() => new TimeRange(search.from ?? USUAL_FROM, search.to), [search.from, search.to]);
  const refresh = search.refresh ?? USUAL_REFRESH;
  return {
    range,
    setRange: (from: string, to?: string) => set({ from: from === USUAL_FROM && !to ? undefined : from, to }, { push: true }),
    // Milliseconds between refreshes; false where the range stands still or the reader switched it off.
    every: range.moves && refresh !== "off" ? Number(refresh) * SECOND : (false as const),
    refresh,
    setRefresh: (value: string) => set({ refresh: value === USUAL_REFRESH ? undefined : value }),
  };
}
