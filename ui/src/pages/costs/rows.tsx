// The groups of the cost explorer as rows, as columns and as a file.

import type { Stats } from "@/api/client";
import type { Column } from "@/components/table/table";
import { TwoLines } from "@/components/table/two-lines";
import { count, dollars, percent } from "@/format/number";

export type Row = { key: string; values: (string | null)[]; cost: number; share: number; calls: number; prompt: number; completion: number; hits: number; unpriced: number };

export function rowsOf(stats: Stats, dimensions: readonly string[]): Row[] {
  const whole = stats.total.cost_usd || 1;
  return stats.groups.map(({ by, total }) => {
    const values = dimensions.map((dimension) => by[dimension] ?? null);
    return {
      key: JSON.stringify(values),
      values,
      cost: total.cost_usd,
      share: total.cost_usd / whole,
      calls: total.count,
      prompt: total.tokens.total - total.tokens.completion - total.tokens.reasoning,
      completion: total.tokens.completion + total.tokens.reasoning,
      hits: total.cache_hits,
      unpriced: total.unpriced,
    };
  });
}

const KEYS: Record<string, (row: Row) => number | string> = {
  cost: (row) => row.cost,
  calls: (row) => row.calls,
  each: (row) => row.cost / row.calls,
  prompt: (row) => row.prompt,
  completion: (row) => row.completion,
  first: (row) => row.values[0] ?? "",
  second: (row) => row.values[1] ?? "",
};

// By a key of a column; `-` before it for the greatest first.
export function sorted(rows: readonly Row[], order: string): Row[] {
  const down = order.startsWith("-");
  const key = KEYS[order.replace(/^-/, "")] ?? KEYS.cost;
  const compare = (a: number | string, b: number | string) => (typeof a === "string" ? a.localeCompare(String(b)) : a - Number(b));
  return [...rows].sort((a, b) => (down ? -1 : 1) * compare(key?.(a) ?? 0, key?.(b) ?? 0));
}

export function columnsOf(dimensions: readonly string[]): Column<Row>[] {
  const name = (text: string) => text.replace("_", " ").replace(/^./, (letter) => letter.toUpperCase());
  return [
    ...dimensions.map((dimension, n): Column<Row> => ({
      id: dimension,
      head: name(dimension),
      width: "minmax(11rem, 1fr)",
      order: n ? "second" : "first",
      cell: (row) => row.values[n] ?? <span className="text-muted">none</span>,
    })),
    { id: "cost", head: "Cost", width: "8rem", number: true, order: "cost", cell: (row) => dollars(row.cost) },
    {
      id: "share",
      head: "Share",
      width: "9rem",
      cell: (row) => (
        <span className="flex items-center gap-2">
          <span className="h-2 flex-1 overflow-hidden rounded-full bg-sunken" aria-hidden>
            <span className="block h-full rounded-full bg-accent" style={{ width: `${row.share * 100}%` }} />
          </span>
          <span className="num w-10 text-right">{percent(row.share)}</span>
        </span>
      ),
    },
    { id: "calls", head: "Calls", width: "7rem", number: true, order: "calls", cell: (row) => count(row.calls) },
    { id: "each", head: "Per call", width: "8rem", number: true, order: "each", cell: (row) => dollars(row.cost / row.calls) },
    { id: "prompt", head: "Tokens in", width: "8rem", number: true, order: "prompt", cell: (row) => count(row.prompt) },
    { id: "completion", head: "Tokens out", width: "8rem", number: true, order: "completion", cell: (row) => count(row.completion) },
  ];
}

export const narrowRow = (row: Row) => (
  <TwoLines title={row.values.map((value) => value ?? "none").join(" · ")} right={<span className="text-sm text-text">{dollars(row.cost)}</span>}>
    <span>{percent(row.share)}</span>
    <span>{count(row.calls)} calls</span>
    <span>{dollars(row.cost / row.calls)} each</span>
    <span>{count(row.prompt + row.completion)} tokens</span>
  </TwoLines>
);

export function tableOf(rows: readonly Row[], dimensions: readonly string[]): (string | number | null)[][] {
  const head = [...dimensions, "cost_usd", "calls", "tokens_in", "tokens_out", "cache_hits", "unpriced"];
  return [head, ...rows.map((row) => [...row.values, row.cost, row.calls, row.prompt, row.completion, row.hits, row.unpriced])];
}
