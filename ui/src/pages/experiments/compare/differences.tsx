// Params, metrics and tags of the runs in columns; what differs stands out, what is the same can be hidden.

import { seriesColour } from "@/components/chart/time-chart";
import { Segments } from "@/components/choice";
import { cx } from "@/components/classes";
import { useParam } from "@/state/url";
import type { Run } from "../mlflow";
import { keysOf, metric } from "../numbers";

type Part = { title: string; of: (run: Run) => Record<string, string> };

const PARTS: readonly Part[] = [
  { title: "Params", of: (run) => run.params },
  { title: "Metrics", of: (run) => Object.fromEntries(Object.entries(run.metrics).map(([key, value]) => [key, metric(value)])) },
  { title: "Tags", of: (run) => Object.fromEntries(Object.entries(run.tags).filter(([key]) => key !== "mlflow.runName")) },
];

export function Differences({ runs }: { runs: readonly Run[] }) {
  const [show, setShow] = useParam("show", "all");
  return (
    <div className="flex flex-col gap-3">
      <div>
      <Segments label="Rows" value={show === "different" ? "different" : "all"} options={[["all", "All"], ["different", "Only what differs"]]} onChange={setShow} />
      </div>
      <div className="overflow-x-auto">
        <table className="min-w-full text-left" aria-label="Differences between runs">
          <thead>
            <tr className="border-b border-line [&>th]:h-8 [&>th]:px-3 [&>th]:font-medium [&>th]:whitespace-nowrap">
              <th />
              {runs.map((run, n) => (
                <th key={run.id}>
                  <span className="flex items-center gap-2">
                    <span aria-hidden className="size-2 rounded-xs" style={{ background: seriesColour(n) }} />
                    {run.name}
                  </span>
                </th>
              ))}
            </tr>
          </thead>
          {PARTS.map(({ title, of }) => {
            const values = runs.map(of);
            const rows = keysOf(values)
              .sort()
              .map((key) => ({ key, differs: new Set(values.map((v) => v[key])).size > 1 }))
              .filter((row) => show !== "different" || row.differs);
            if (!rows.length) return null;
            return (
              <tbody key={title}>
                <tr>
                  <th colSpan={runs.length + 1} className="px-3 pt-3 pb-1 text-xs font-medium text-muted">
                    {title}
                  </th>
                </tr>
                {rows.map(({ key, differs }) => (
                  <tr key={key} className={cx("border-b border-line/60", differs && "bg-warn-tint/50")}>
                    <th scope="row" className="px-3 py-1.5 font-mono text-xs font-normal whitespace-nowrap">
                      {key}
                    </th>
                    {values.map((v, n) => (
                      <td key={runs[n]?.id} className="num max-w-72 truncate px-3 py-1.5" title={v[key]}>
                        {v[key] ?? <span className="text-muted">–</span>}
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            );
          })}
        </table>
      </div>
    </div>
  );
}
