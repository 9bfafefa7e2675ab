// Metrics of runs: their numbers for people, and curves made smooth. Pure.

// At most five significant digits; very small and very large ones with an exponent.
export function metric(value: number | undefined): string {
  if (value === undefined) return "–";
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (value !== 0 && (size < 1e-4 || size >= 1e9)) return value.toExponential(3);
  return Number(value.toPrecision(5)).toLocaleString("en", { maximumFractionDigits: 6 });
}

export type XY = readonly [number, number];

// An exponential moving average whose beginning is not drawn to 0: sums are divided by the weights that went into them. `by` is
// from 0 (as it is) to below 1.
export function smooth(points: readonly XY[], by: number): XY[] {
  if (by <= 0) return [...points];
  let [sum, weight] = [0, 0];
  return points.map(([x, y]) => {
    if (!Number.isFinite(y)) return [x, y];
    sum = sum * by + y * (1 - by);
    weight = weight * by + (1 - by);
    return [x, sum / weight];
  });
}

// Names of all records, in the order of how many have them.
export function keysOf(records: readonly Record<string, unknown>[]): string[] {
  const counts = new Map<string, number>();
  for (const record of records) for (const key of Object.keys(record)) counts.set(key, (counts.get(key) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).map(([key]) => key);
}

// What is a number in all records that have it, as an axis of comparison needs it.
export const isNumeric = (values: readonly (string | number | undefined)[]) => values.some((v) => v !== undefined) && values.every((v) => v === undefined || (v !== "" && Number.isFinite(Number(v))));
