// The numbers behind a chart over time. Pure.

export type Line = { name: string; points: readonly (readonly [ms: number, value: number | null])[] };

// The starts of all buckets that meet a window; buckets begin at whole widths since the epoch, as the server's do.
export function bucketStarts(from: number, to: number, width: number): number[] {
  const starts: number[] = [];
  for (let at = Math.floor(from / width) * width; at < to; at += width) starts.push(at);
  return starts;
}

// One value per start; `missing` where there was none.
export function aligned(starts: readonly number[], line: Line, missing: number | null): (number | null)[] {
  const held = new Map(line.points);
  return starts.map((start) => held.get(start) ?? missing);
}

// Each line on top of those before it.
export function stacked(rows: readonly (readonly (number | null)[])[]): number[][] {
  const sums: number[] = [];
  return rows.map((row) =>
    row.map((value, n) => {
      sums[n] = (sums[n] ?? 0) + (value ?? 0);
      return sums[n];
    }),
  );
}

// Rows as shares of the sum in each place; nothing where there is no sum.
export function shares(rows: readonly (readonly (number | null)[])[]): (number | null)[][] {
  const sums = rows[0]?.map((_, n) => rows.reduce((sum, row) => sum + (row[n] ?? 0), 0)) ?? [];
  return rows.map((row) => row.map((value, n) => (sums[n] ? (value ?? 0) / sums[n] : null)));
}

// The largest lines by their sum, the rest folded into one.
export function largest(lines: readonly Line[], most: number, rest = "others"): Line[] {
  if (lines.length <= most) return [...lines];
  const sum = (line: Line) => line.points.reduce((all, [, value]) => all + (value ?? 0), 0);
  const sorted = [...lines].sort((a, b) => sum(b) - sum(a));
  const folded = new Map<number, number>();
  for (const line of sorted.slice(most - 1)) for (const [at, value] of line.points) folded.set(at, (folded.get(at) ?? 0) + (value ?? 0));
  return [...sorted.slice(0, most - 1), { name: rest, points: [...folded].sort(([a], [b]) => a - b) }];
}
