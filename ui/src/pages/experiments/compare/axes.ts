// The numbers that runs can be compared by: metrics, and params that are numbers; others as places of their values. Pure.

import type { Run } from "../mlflow";
import { isNumeric, keysOf } from "../numbers";

export type Axis = { id: string; name: string; of: (run: Run) => number | undefined; ticks?: string[]; low: number; high: number };

export function axesOf(runs: readonly Run[]): Axis[] {
  const params = keysOf(runs.map((run) => run.params)).flatMap((key): Axis[] => {
    const values = runs.map((run) => run.params[key]);
    const distinct = [...new Set(values.filter((v): v is string => v !== undefined))];
    if (isNumeric(values)) return [bounded(`params.${key}`, key, runs, (run) => (run.params[key] === undefined ? undefined : Number(run.params[key])))];
    // A text that is another one in every run says nothing on an axis of many.
    if (distinct.length > 12) return [];
    const ticks = distinct.sort();
    return [{ ...bounded(`params.${key}`, key, runs, (run) => (run.params[key] === undefined ? undefined : ticks.indexOf(run.params[key] as string))), ticks }];
  });
  const metrics = keysOf(runs.map((run) => run.metrics)).map((key) => bounded(`metrics.${key}`, key, runs, (run) => run.metrics[key]));
  return [...params, ...metrics];
}

function bounded(id: string, name: string, runs: readonly Run[], of: Axis["of"]): Axis {
  const values = runs.map(of).filter((v): v is number => v !== undefined && Number.isFinite(v));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return { id, name, of, low: values.length ? low : 0, high: values.length ? high : 1 };
}

// From 0 to 1 along an axis; the middle where all are the same.
export const place = (axis: Axis, value: number) => (axis.high > axis.low ? (value - axis.low) / (axis.high - axis.low) : 0.5);
