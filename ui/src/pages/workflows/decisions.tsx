// Every decision of a workflow with its share and what changed against the time before.

import { Link } from "@tanstack/react-router";
import { ListTree } from "lucide-react";
import type { Schema } from "@/api/client";
import { Badge } from "@/components/badge";
import { buttonClass } from "@/components/button";
import { Spark } from "@/components/chart/spark";
import { cx } from "@/components/classes";
import { count, percent } from "@/format/number";
import type { Search } from "@/state/url";
import { edgeKey } from "./graph";
import { requestsOf } from "./requests";

type Workflow = Schema["WorkflowAnswer"];

// Percentage points with their sign.
export function changeText(difference: number | null | undefined): string {
  if (difference === null || difference === undefined) return "–";
  const points = difference * 100;
  return `${points > 0 ? "+" : points < 0 ? "−" : ""}${Math.abs(points).toFixed(1)} pp`;
}

export function Verdict({ change }: { change: Schema["ChangeJson"] }) {
  const strong = change.verdict === "higher" || change.verdict === "lower";
  const title = change.p_value === null || change.p_value === undefined ? undefined : `p = ${change.p_value.toPrecision(2)}, over all comparisons of this page`;
  return (
    <span className="inline-flex items-center gap-2" title={title}>
      <span className="num w-16 text-right">{changeText(change.difference)}</span>
      {strong ? <Badge tone="accent">{change.verdict}</Badge> : <span className="text-xs text-muted">{change.verdict}</span>}
    </span>
  );
}

export function Decisions({ data, workflow, open, onOpen }: { data: Workflow; workflow: string; open: string; onOpen: (key: string) => void }) {
  const nodes = [...new Set(data.edges.map((edge) => edge.from))];
  return (
    <div className="relative overflow-x-auto">
      <table className="w-full min-w-3xl text-left whitespace-nowrap" aria-label="Decisions">
        <thead className="text-xs text-muted">
          <tr className="border-b border-line [&>th]:h-8 [&>th]:px-4 [&>th]:font-medium">
            <th>From</th>
            <th>To</th>
            <th className="w-56">Share</th>
            <th className="text-right">Decisions</th>
            <th className="text-right">Before</th>
            <th>Change</th>
            <th className="w-32">Over time</th>
            <th>
              <span className="sr-only">Requests</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {nodes.flatMap((node) =>
            data.edges
              .filter((edge) => edge.from === node)
              .map((edge, n) => {
                const key = edgeKey(edge);
                return (
                  <tr
                    key={key}
                    onClick={() => onOpen(key)}
                    className={cx("h-9 cursor-pointer border-b border-line/60 hover:bg-sunken [&>td]:px-4", open === key && "bg-tint hover:bg-tint")}
                  >
                    <td className="font-medium">{n === 0 ? node : <span className="sr-only">{node}</span>}</td>
                    <td>{edge.to}</td>
                    <td>
                      <span className="flex items-center gap-2">
                        <span className="h-2 w-28 overflow-hidden rounded-full bg-sunken" aria-hidden>
                          <span className="block h-full rounded-full bg-accent" style={{ width: `${(edge.share ?? 0) * 100}%` }} />
                        </span>
                        <span className="num">{percent(edge.share)}</span>
                      </span>
                    </td>
                    <td className="num text-right">{count(edge.count)}</td>
                    <td className="num text-right text-muted">{percent(edge.before.share)}</td>
                    <td>
                      <Verdict change={edge.change} />
                    </td>
                    <td>
                      <Spark values={(edge.series ?? []).map((bucket) => bucket.share ?? null)} className="h-5" label={`Share of ${key} over time`} />
                    </td>
                    <td className="text-right">
                      <Link
                        to="/calls"
                        search={(old: Search) => ({ from: old.from, to: old.to, q: requestsOf(workflow, edge.from, edge.to) })}
                        onClick={(event) => event.stopPropagation()}
                        className={buttonClass({ kind: "quiet", size: "sm" })}
                        aria-label={`Requests that went ${key}`}
                      >
                        <ListTree aria-hidden /> Requests
                      </Link>
                    </td>
                  </tr>
                );
              }),
          )}
        </tbody>
      </table>
    </div>
  );
}
