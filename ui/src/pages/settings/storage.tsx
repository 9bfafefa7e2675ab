// The room that is taken, by what it holds, and what is stored.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { type Schema, api, unwrap } from "@/api/client";
import { Snippet } from "@/components/code";
import { Answered } from "@/components/state";
import { Time } from "@/components/time";
import { bytes, count, percent } from "@/format/number";
import { write } from "@/state/query";
import { Rows } from "./rows";

type Stored = Schema["StorageAnswer"];

const FIRST = 12;

// Projects are counted by days of UTC.
const day = (at: string | number) => new Date(at).toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });

export function Storage() {
  const found = useQuery({ queryKey: ["settings", "storage"], staleTime: 60_000, queryFn: ({ signal }) => unwrap(api.GET("/api/v1/settings/storage", { signal })) });
  return <Answered of={found}>{(stored) => <Body stored={stored} />}</Answered>;
}

function Body({ stored }: { stored: Stored }) {
  const each = stored.calls > 0 ? stored.bytes / stored.calls : undefined;
  return (
    <div className="flex flex-col gap-6">
      <dl className="grid grid-cols-2 gap-x-6 gap-y-3 sm:grid-cols-4">
        <Figure name="Taken" value={bytes(stored.bytes)} about={each === undefined ? undefined : `${bytes(Math.round(each))} a call`} />
        <Figure name="Calls" value={count(stored.calls)} about={stored.projects.length ? `in ${stored.projects.length} ${stored.projects.length === 1 ? "project" : "projects"}` : undefined} />
        <Figure name="Oldest" value={<Time at={stored.oldest} relative />} about={stored.oldest ? <Time at={stored.oldest} /> : undefined} />
        <Figure name="Newest" value={<Time at={stored.newest} relative />} about={stored.newest ? <Time at={stored.newest} /> : undefined} />
      </dl>
      <div className="grid gap-6 xl:grid-cols-2">
        <section className="min-w-0">
          <h3 className="pb-1 font-semibold">By what it holds</h3>
          <p className="pb-1 font-mono text-xs [overflow-wrap:anywhere] text-muted">{stored.folder}</p>
          <Parts of={stored.parts.map((part) => ({ ...part, about: part.about || "" }))} all={stored.bytes} />
          {stored.artifacts_elsewhere ? <p className="pt-2 text-xs text-muted">Artifacts are in {stored.artifacts_elsewhere}, which is not measured here.</p> : null}
        </section>
        {stored.tables.length ? (
          <section className="min-w-0">
            <h3 className="pb-1 font-semibold">Tables of telemetry.db</h3>
            <p className="pb-1 text-xs text-muted">The largest {Math.min(FIRST, stored.tables.length)} of {stored.tables.length}, indexes among them</p>
            <Parts of={stored.tables.slice(0, FIRST)} all={stored.tables.reduce((sum, table) => sum + table.bytes, 0)} />
          </section>
        ) : null}
      </div>
      {stored.projects.length ? (
        <section className="min-w-0">
          <h3 className="pb-1 font-semibold">Projects</h3>
          <Rows
            label="Projects"
            rows={stored.projects}
            rowKey={(project) => project.project ?? ""}
            columns={[
              {
                head: "Project",
                cell: ({ project }) =>
                  project ? (
                    <Link to="/calls" search={{ q: write("project", project), from: "-90d" }} className="font-medium text-accent hover:underline">
                      {project}
                    </Link>
                  ) : (
                    <span className="text-muted">none</span>
                  ),
              },
              { head: "Calls", number: true, cell: (project) => count(project.calls) },
              { head: "First day", cell: (project) => day(project.first) },
              { head: "Last day", cell: (project) => day(Date.parse(project.last) - 1) },
            ]}
          />
        </section>
      ) : null}
      <div className="max-w-xl">
        <Snippet text={"weir prune --older-than 90d     # calls and traces\nweir gc                         # contents that nobody has any more"}>To free room</Snippet>
      </div>
    </div>
  );
}

function Figure({ name, value, about }: { name: string; value: ReactNode; about?: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-xs text-muted">{name}</dt>
      <dd className="num truncate text-lg font-semibold">{value}</dd>
      {about ? <dd className="truncate text-xs text-muted">{about}</dd> : null}
    </div>
  );
}

function Parts({ of, all }: { of: Stored["parts"]; all: number }) {
  const most = Math.max(...of.map((part) => part.bytes), 1);
  return (
    <ol className="flex flex-col">
      {of.map((part) => (
        <li key={part.name} className="relative flex min-h-8 items-center gap-3 px-2 py-1">
          <span aria-hidden className="absolute inset-y-0.5 left-0 rounded bg-tint" style={{ width: `${Math.max((part.bytes / most) * 100, 0.4)}%` }} />
          <span className="relative min-w-0 shrink-0 truncate font-mono text-xs">{part.name}</span>
          <span className="relative hidden min-w-0 flex-1 truncate text-xs text-muted sm:inline">
            {[part.about, part.files > 1 ? `${count(part.files)}${part.more ? " or more" : ""} files` : ""].filter(Boolean).join(" · ")}
          </span>
          <span className="num relative ml-auto shrink-0 text-xs">
            {bytes(part.bytes)} <span className="inline-block w-12 text-right text-muted">{percent(all ? part.bytes / all : 0)}</span>
          </span>
        </li>
      ))}
    </ol>
  );
}
