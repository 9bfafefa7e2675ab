// What a run is a part of, and its parts.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { PARENT, type Run, run, runs } from "../mlflow";
import { RunStatus } from "../runs/columns";

const MOST = 100;

export function ParentRun({ experiment, id }: { experiment: string; id: string }) {
  const found = useQuery({ queryKey: ["mlflow", "run", id], retry: false, queryFn: ({ signal }) => run(id, signal) });
  return (
    <span>
      part of{" "}
      <Link to="/experiments/$experiment/runs/$run" params={{ experiment, run: id }} search={{}} className="rounded text-accent hover:underline">
        {found.data?.name ?? id.slice(0, 8)}
      </Link>
    </span>
  );
}

// Nothing where there are none: most runs have no parts.
export function Nested({ of }: { of: Run }) {
  const found = useQuery({
    queryKey: ["mlflow", "nested", of.id],
    queryFn: ({ signal }) => runs([of.experiment], { filter: `tags.${PARENT} = '${of.id}'`, order: "attributes.start_time ASC", most: MOST }, signal),
  });
  const parts = found.data?.runs ?? [];
  if (!parts.length) return null;
  return (
    <div>
      <h3 className="pb-1 font-semibold">
        Nested runs {found.data?.next ? <span className="text-xs font-normal text-muted">the first {MOST}</span> : null}
      </h3>
      <ul className="flex flex-col gap-1" aria-label="Nested runs">
        {parts.map((part) => (
          <li key={part.id} className="flex items-center gap-2">
            <Link to="/experiments/$experiment/runs/$run" params={{ experiment: part.experiment, run: part.id }} search={{}} className="truncate rounded font-medium text-accent hover:underline">
              {part.name}
            </Link>
            <RunStatus status={part.status} />
          </li>
        ))}
      </ul>
    </div>
  );
}
