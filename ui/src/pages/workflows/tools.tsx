// The tools and retrievers of a workflow: how often, how slow, how often they fail.

import { Link } from "@tanstack/react-router";
import type { Schema } from "@/api/client";
import { Empty } from "@/components/state";
import { count, millis, percent } from "@/format/number";
import { write } from "@/state/query";
import type { Search } from "@/state/url";
import { Verdict } from "./decisions";

type Tool = Schema["ToolJson"];

export function Tools({ tools, kind, label }: { tools: readonly Tool[]; kind: "tool" | "retriever"; label: string }) {
  if (!tools.length) return <Empty title={`No ${label.toLowerCase()} in this range`} className="py-6" />;
  return (
    <div className="overflow-x-auto" tabIndex={0} role="region" aria-label={`${label}, sideways`}>
      <table className="w-full min-w-xl text-left whitespace-nowrap" aria-label={label}>
        <thead className="text-xs text-muted">
          <tr className="border-b border-line [&>th]:h-8 [&>th]:px-4 [&>th]:font-medium [&>th]:whitespace-nowrap">
            <th>Name</th>
            <th className="text-right">Calls</th>
            <th className="text-right">Errors</th>
            <th>Change</th>
            <th className="text-right">p50</th>
            <th className="text-right">p95</th>
            <th className="text-right">p95 before</th>
          </tr>
        </thead>
        <tbody>
          {tools.map((tool) => (
            <tr key={`${tool.name}${tool.project ?? ""}`} className="h-9 border-b border-line/60 [&>td]:px-4">
              <td className="font-medium">
                <Link to="/calls" search={(old: Search) => ({ from: old.from, to: old.to, q: `${write("kind", kind)} ${write("name", tool.name)}` })} className="rounded hover:underline">
                  {tool.name}
                </Link>
              </td>
              <td className="num text-right">{count(tool.calls)}</td>
              <td className="num text-right">{tool.errors ? `${count(tool.errors)} (${percent(tool.error_rate)})` : "0"}</td>
              <td>
                <Verdict change={tool.change} />
              </td>
              <td className="num text-right">{millis(tool.duration_ms.p50)}</td>
              <td className="num text-right">{millis(tool.duration_ms.p95)}</td>
              <td className="num text-right text-muted">{millis(tool.before.duration_ms.p95)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
