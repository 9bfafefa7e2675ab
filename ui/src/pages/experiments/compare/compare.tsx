// Runs side by side: curves, parallel coordinates, a scatter of any two of their numbers, and what differs between them.

import { useQueries } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { X } from "lucide-react";
import { useMemo } from "react";
import { IconButton } from "@/components/button";
import { seriesColour } from "@/components/chart/time-chart";
import { Panel } from "@/components/panel";
import { Empty, Failed, Waiting } from "@/components/state";
import { Tabs } from "@/components/tabs";
import { useParam } from "@/state/url";
import { Curves } from "../curves";
import { type Run, run } from "../mlflow";
import { Differences } from "./differences";
import { Parallel } from "./parallel";
import { Scatter } from "./scatter";

export function Compare({ known, ids, onLeave }: { known: readonly Run[]; ids: readonly string[]; onLeave: (id: string) => void }) {
  const [tab, setTab] = useParam("tab", "curves");
  const answers = useQueries({
    queries: ids.map((id) => ({
      queryKey: ["mlflow", "run", id],
      initialData: known.find((r) => r.id === id),
      queryFn: ({ signal }: { signal: AbortSignal }) => run(id, signal),
    })),
  });
  const runs = useMemo(() => answers.flatMap((answer) => (answer.data ? [answer.data] : [])), [answers]);
  const failed = answers.find((answer) => answer.error && !answer.data);
  if (failed) return <Failed error={failed.error} />;
  if (!runs.length) return ids.length ? <Waiting /> : <Empty title="Choose runs to compare" />;
  return (
    <div className="flex flex-col gap-3">
      <ul className="flex flex-wrap gap-2" aria-label="Compared runs">
        {runs.map((r, n) => (
          <li key={r.id} className="flex h-8 items-center gap-2 rounded-md border border-line bg-panel pl-2.5">
            <span aria-hidden className="size-2.5 rounded-xs" style={{ background: seriesColour(n) }} />
            <Link to="/experiments/$experiment/runs/$run" params={{ experiment: r.experiment, run: r.id }} className="rounded font-medium hover:underline">
              {r.name}
            </Link>
            <IconButton name={`Leave ${r.name} out`} size="icon-sm" onClick={() => onLeave(r.id)}>
              <X aria-hidden />
            </IconButton>
          </li>
        ))}
      </ul>
      <Panel>
        <Tabs
          label="Ways to compare"
          value={tab}
          onChange={setTab}
          tabs={[
            { name: "curves", title: "Curves", content: <Curves runs={runs} /> },
            { name: "parallel", title: "Parallel", content: <Parallel runs={runs} /> },
            { name: "scatter", title: "Scatter", content: <Scatter runs={runs} /> },
            { name: "differences", title: "Differences", content: <Differences runs={runs} /> },
          ]}
        />
      </Panel>
    </div>
  );
}
