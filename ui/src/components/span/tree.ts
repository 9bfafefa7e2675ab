// The steps of a trace as the rows of a tree. Pure; a few milliseconds for ten thousand steps.

import type { Schema } from "@/api/client";

export type Step = Schema["PathStepJson"];

export type Row = {
  step: Step;
  depth: number;
  // Steps right below, and all below.
  children: number;
  below: number;
  // Of it and everything below; a call within a call is the same one seen twice, and counts once.
  cost: number | undefined;
  tokens: number;
  failed: number;
};

const FAILED = new Set(["error", "rate_limited", "blocked"]);
export const isFailed = (step: Step) => FAILED.has(step.status ?? "");

// In the order of reading: each step before its parts, parts by their start. A step whose parent is missing stands at the top;
// a circle of parents is cut open.
export function rowsOf(steps: readonly Step[]): Row[] {
  const ids = new Map(steps.map((step, n) => [`${step.trace_id}/${step.span_id}`, n]));
  const children: number[][] = steps.map(() => []);
  const tops: number[] = [];
  const parent = steps.map((step, n) => {
    const at = step.parent_id ? ids.get(`${step.trace_id}/${step.parent_id}`) : undefined;
    return at === undefined || at === n ? -1 : at;
  });
  steps.forEach((_, n) => {
    const up = parent[n] as number;
    if (up < 0) tops.push(n);
    else children[up]?.push(n);
  });
  const rows: Row[] = [];
  const seen = new Set<number>();
  const walk = (top: number) => {
    const stack: [number, number][] = [[top, 0]];
    while (stack.length) {
      const [n, depth] = stack.pop() as [number, number];
      const step = steps[n];
      if (!step || seen.has(n)) continue;
      seen.add(n);
      const parts = children[n] ?? [];
      rows.push({ step, depth, children: parts.length, below: 0, cost: undefined, tokens: 0, failed: isFailed(step) ? 1 : 0 });
      for (let p = parts.length - 1; p >= 0; p--) stack.push([parts[p] as number, depth + 1]);
    }
  };
  tops.forEach(walk);
  steps.forEach((_, n) => walk(n));
  sum(rows);
  return rows;
}

// From the last row to the first, each into the row that it is a part of.
function sum(rows: Row[]) {
  const own = (row: Row) => {
    if (row.step.call) {
      row.cost = row.step.call.cost_usd ?? row.cost;
      row.tokens = row.step.call.tokens?.total ?? row.tokens;
    }
  };
  const above: number[] = [];
  const parents = rows.map((row, n) => {
    above.length = row.depth;
    const up = above[row.depth - 1] ?? -1;
    above[row.depth] = n;
    return up;
  });
  for (let n = rows.length - 1; n >= 0; n--) {
    const row = rows[n] as Row;
    own(row);
    const up = rows[parents[n] as number];
    if (!up) continue;
    up.below += row.below + 1;
    up.failed += row.failed;
    up.tokens += row.tokens;
    if (row.cost !== undefined) up.cost = (up.cost ?? 0) + row.cost;
  }
}

// The rows that are seen while some are closed.
export function visible(rows: readonly Row[], closed: ReadonlySet<string>): Row[] {
  const seen: Row[] = [];
  let hiddenBelow = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    if (row.depth > hiddenBelow) continue;
    hiddenBelow = closed.has(row.step.span_id) ? row.depth : Number.POSITIVE_INFINITY;
    seen.push(row);
  }
  return seen;
}
