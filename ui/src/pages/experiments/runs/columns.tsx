// Columns of the table of runs: what every run has, and each param, metric and tag that some of them have.

import { Badge, type Tone } from "@/components/badge";
import type { Column } from "@/components/table/table";
import { Time } from "@/components/time";
import { millis } from "@/format/number";
import { PARENT, type Run } from "../mlflow";
import { keysOf, metric } from "../numbers";

const TONES: Record<string, Tone> = { FINISHED: "ok", FAILED: "bad", KILLED: "warn", RUNNING: "accent", SCHEDULED: "plain" };

export function RunStatus({ status }: { status: string }) {
  return <Badge tone={TONES[status] ?? "plain"}>{status.toLowerCase()}</Badge>;
}

// Names with characters of the filter's language stand in quotes.
const named = (kind: string, key: string) => `${kind}.${/^[\w.]+$/.test(key) ? key : `"${key.replaceAll('"', "")}"`}`;

// Shown at first; more can be chosen.
const FIRST = { metrics: 5, params: 5 };

type Chosen = { chosen: ReadonlySet<string>; onChoose: (id: string) => void };

export function columnsOf(runs: readonly Run[], { chosen, onChoose }: Chosen): Column<Run>[] {
  const [metrics, params, tags] = [keysOf(runs.map((r) => r.metrics)), keysOf(runs.map((r) => r.params)), keysOf(runs.map((r) => r.tags))];
  return [
    {
      id: "choose",
      head: "",
      about: "Choose runs to compare",
      width: "2.6rem",
      cell: (run) => (
        <input
          type="checkbox"
          aria-label={`Compare ${run.name}`}
          checked={chosen.has(run.id)}
          onClick={(event) => event.stopPropagation()}
          onChange={() => onChoose(run.id)}
          className="block accent-(--accent)"
        />
      ),
    },
    {
      id: "name",
      head: "Run",
      width: "minmax(16rem, 1fr)", order: "attributes.run_name", cell: (run) => (
        <span className="flex items-center gap-2">
          <span className="truncate font-medium">{run.name}</span>
          {run.tags[PARENT] ? <Badge title="A part of another run">nested</Badge> : null}
        </span>
      ),
    },
    { id: "status", head: "Status", width: "7rem", order: "attributes.status", cell: (run) => <RunStatus status={run.status} /> },
    { id: "start", head: "Began", width: "10.5rem", order: "attributes.start_time", cell: (run) => <Time at={run.start || undefined} /> },
    { id: "took", head: "Took", width: "7rem", number: true, cell: (run) => (run.end ? millis(run.end - run.start) : "–") },
    { id: "user", head: "User", width: "7rem", optional: true, cell: (run) => run.user },
    ...metrics.map((key, n): Column<Run> => ({ id: `m.${key}`, head: key, about: `metric ${key}`, width: `${width(key)}rem`, number: true, order: named("metrics", key), optional: n >= FIRST.metrics, cell: (run) => metric(run.metrics[key]) })),
    ...params.map((key, n): Column<Run> => ({ id: `p.${key}`, head: key, about: `param ${key}`, width: `${width(key)}rem`, order: named("params", key), optional: n >= FIRST.params, cell: (run) => run.params[key] ?? <span className="text-muted">–</span> })),
    ...tags
      .filter((key) => key !== "mlflow.runName" && key !== "mlflow.user")
      .map((key): Column<Run> => ({ id: `t.${key}`, head: key, about: `tag ${key}`, width: `${width(key)}rem`, order: named("tags", key), optional: true, cell: (run) => run.tags[key] ?? "" })),
  ];
}

const width = (key: string) => Math.min(Math.max(key.length * 0.55 + 2.5, 7.5), 14);
