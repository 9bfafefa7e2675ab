// Runs as rows of a file: everything that any of them has.

import type { Run } from "../mlflow";
import { keysOf } from "../numbers";

export function tableOf(runs: readonly Run[]): (string | number | null)[][] {
  const [metrics, params, tags] = [keysOf(runs.map((r) => r.metrics)), keysOf(runs.map((r) => r.params)), keysOf(runs.map((r) => r.tags))];
  const head = ["run_id", "name", "status", "user", "start", "end", ...metrics.map((k) => `metrics.${k}`), ...params.map((k) => `params.${k}`), ...tags.map((k) => `tags.${k}`)];
  const time = (ms: number | undefined) => (ms ? new Date(ms).toISOString() : null);
  const rows = runs.map((run) => [
    run.id,
    run.name,
    run.status,
    run.user,
    time(run.start),
    time(run.end),
    ...metrics.map((key) => run.metrics[key] ?? null),
    ...params.map((key) => run.params[key] ?? null),
    ...tags.map((key) => run.tags[key] ?? null),
  ]);
  return [head, ...rows];
}
