// One run: what it was told, what it measured, what it left behind, and what was made of it.

import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Badge } from "@/components/badge";
import { CopyButton } from "@/components/copy";
import { Crumb } from "@/components/crumb";
import { PageHead } from "@/components/page-head";
import { Panel } from "@/components/panel";
import { Answered, Empty } from "@/components/state";
import { Tabs } from "@/components/tabs";
import { Time } from "@/components/time";
import { millis } from "@/format/number";
import { useParam } from "@/state/url";
import { Curves } from "../curves";
import { PARENT, type Run, experiment, run, versions } from "../mlflow";
import { metric } from "../numbers";
import { RunStatus } from "../runs/columns";
import { Artifacts } from "./artifacts";
import { Nested, ParentRun } from "./nested";

export default function RunPage() {
  const { experiment: of, run: id } = useParams({ strict: false }) as { experiment: string; run: string };
  const found = useQuery({
    queryKey: ["mlflow", "run", id],
    queryFn: ({ signal }) => run(id, signal),
    refetchInterval: (query) => (query.state.data?.status === "RUNNING" ? 5_000 : false),
  });
  const project = useQuery({ queryKey: ["mlflow", "experiment", of], queryFn: ({ signal }) => experiment(of, signal) });
  const title = (
    <>
      <Crumb to="/experiments/$experiment" params={{ experiment: of }}>{project.data?.name ?? of}</Crumb>
      {found.data?.name ?? id.slice(0, 8)}
    </>
  );
  return (
    <>
      <PageHead title={title} about={found.data ? <Facts run={found.data} /> : undefined}>
        <CopyButton text={id} name="Copy the run's id" />
      </PageHead>
      <div className="px-4 pb-8 lg:px-6">
        <Answered of={found} absent={<Empty title="There is no such run" />}>
          {(data) => <Body run={data} />}
        </Answered>
      </div>
    </>
  );
}

function Facts({ run }: { run: Run }) {
  return (
    <span className="flex flex-wrap items-center gap-x-3 gap-y-1 pt-1">
      <RunStatus status={run.status} />
      {run.tags[PARENT] ? <ParentRun experiment={run.experiment} id={run.tags[PARENT]} /> : null}
      {run.user ? <span>by {run.user}</span> : null}
      <span>
        <Time at={run.start} />
        {run.end ? `, took ${millis(run.end - run.start)}` : ", goes on"}
      </span>
    </span>
  );
}

function Body({ run }: { run: Run }) {
  const [tab, setTab] = useParam("tab", "overview");
  return (
    <Panel>
      <Tabs
        label="Parts of the run"
        value={tab}
        onChange={setTab}
        tabs={[
          { name: "overview", title: "Overview", content: <Overview run={run} /> },
          { name: "metrics", title: `Charts ${Object.keys(run.metrics).length || ""}`, content: <Curves runs={[run]} /> },
          { name: "files", title: "Files", content: <Artifacts run={run.id} /> },
        ]}
      />
    </Panel>
  );
}

function Overview({ run }: { run: Run }) {
  const made = useQuery({ queryKey: ["mlflow", "versions", "run", run.id], queryFn: ({ signal }) => versions({ run: run.id }, signal) });
  const hidden = (key: string) => key.startsWith("mlflow.") && !["mlflow.source.name", "mlflow.source.git.commit"].includes(key);
  return (
    <div className="grid gap-6 lg:grid-cols-2">
      <List title="Params" rows={Object.entries(run.params)} none="No param was logged" />
      <List title="Metrics" about="the latest of each" rows={Object.entries(run.metrics).map(([key, value]) => [key, metric(value)])} number none="No metric was logged" />
      <List title="Tags" rows={Object.entries(run.tags).filter(([key]) => !hidden(key))} none="No tag" />
      <section className="flex flex-col gap-4">
        <Nested of={run} />
        <div>
          <h3 className="pb-1 font-semibold">Datasets</h3>
          {run.datasets.length ? (
            <ul className="flex flex-col gap-1">
              {run.datasets.map((dataset) => (
                <li key={`${dataset.name}${dataset.digest}`} className="flex items-center gap-2">
                  <span>{dataset.name}</span>
                  <span className="font-mono text-xs text-muted">{dataset.digest}</span>
                  {dataset.context ? <Badge>{dataset.context}</Badge> : null}
                </li>
              ))}
            </ul>
          ) : (
            <p className="text-muted">None was read</p>
          )}
        </div>
        <div>
          <h3 className="pb-1 font-semibold">Registered as</h3>
          {made.data?.length ? (
            <ul className="flex flex-col gap-1">
              {made.data.map((version) => (
                <li key={`${version.name}${version.version}`} className="flex items-center gap-2">
                  <Link to="/models/$model" params={{ model: version.name }} className="rounded font-medium text-accent hover:underline">
                    {version.name} v{version.version}
                  </Link>
                  {version.stage === "None" ? null : <Badge tone={version.stage === "Production" ? "ok" : "plain"}>{version.stage}</Badge>}
                  {version.aliases.map((alias) => (
                    <Badge key={alias} tone="accent">
                      @{alias}
                    </Badge>
                  ))}
                </li>
              ))}
            </ul>
          ) : (
            <p className="text-muted">No model version was made of it</p>
          )}
        </div>
      </section>
    </div>
  );
}

function List({ title, about, rows, none, number }: { title: string; about?: string; rows: readonly (readonly [string, ReactNode])[]; none: string; number?: boolean }) {
  return (
    <section className="min-w-0">
      <h3 className="pb-1 font-semibold">
        {title} {about ? <span className="text-xs font-normal text-muted">{about}</span> : null}
      </h3>
      {rows.length ? (
        <dl className="divide-y divide-line/60">
          {rows.map(([key, value]) => (
            <div key={key} className="flex gap-4 py-1">
              <dt className="w-1/2 shrink-0 font-mono text-xs leading-5 [overflow-wrap:anywhere] text-muted">{key}</dt>
              <dd className={`min-w-0 flex-1 [overflow-wrap:anywhere] ${number ? "num" : ""}`}>{value}</dd>
            </div>
          ))}
        </dl>
      ) : (
        <p className="text-muted">{none}</p>
      )}
    </section>
  );
}
