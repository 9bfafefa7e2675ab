// One registered model: its versions with the run that made each, their stages and aliases.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { Plus, X } from "lucide-react";
import { type FormEvent, useState } from "react";
import { toast } from "sonner";
import { Button } from "@/components/button";
import { Field, Select } from "@/components/choice";
import { Pop } from "@/components/menu";
import { Crumb } from "@/components/crumb";
import { PageHead } from "@/components/page-head";
import { Panel } from "@/components/panel";
import { Answered, Empty } from "@/components/state";
import { Time } from "@/components/time";
import { undoable } from "@/components/undo";
import { type Version, model, moveVersion, removeAlias, run, setAlias, versions } from "@/pages/experiments/mlflow";

const STAGES = ["None", "Staging", "Production", "Archived"].map((name) => [name, name === "None" ? "no stage" : name] as const);

export default function ModelPage() {
  const name = (useParams({ strict: false }) as { model: string }).model;
  const of = useQuery({ queryKey: ["mlflow", "model", name], queryFn: ({ signal }) => model(name, signal) });
  const found = useQuery({ queryKey: ["mlflow", "versions", name], queryFn: ({ signal }) => versions({ name }, signal) });
  const title = (
    <>
      <Crumb to="/models">Models</Crumb>
      {name}
    </>
  );
  return (
    <>
      <PageHead title={title} about={of.data?.description || undefined} />
      <div className="px-4 pb-8 lg:px-6">
        <Panel title="Versions">
          <Answered of={found}>{(rows) => (rows.length ? <Versions rows={rows} /> : <Empty title="No version yet" />)}</Answered>
        </Panel>
      </div>
    </>
  );
}

function Versions({ rows }: { rows: Version[] }) {
  return (
    <div className="overflow-x-auto">
      <table className="w-full min-w-3xl text-left whitespace-nowrap" aria-label="Versions">
        <thead className="text-xs text-muted">
          <tr className="border-b border-line [&>th]:h-8 [&>th]:px-4 [&>th]:font-medium">
            <th>Version</th>
            <th>Stage</th>
            <th>Aliases</th>
            <th>About</th>
            <th>Run</th>
            <th>Made</th>
          </tr>
        </thead>
        <tbody>
          {[...rows].sort((a, b) => Number(b.version) - Number(a.version)).map((version) => (
            <Row key={version.version} version={version} all={rows} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ version, all }: { version: Version; all: readonly Version[] }) {
  const client = useQueryClient();
  const change = useMutation({
    mutationFn: (what: () => Promise<unknown>) => what(),
    onSuccess: () => client.invalidateQueries({ queryKey: ["mlflow"] }),
    onError: (error) => toast.error(error.message),
  });
  const move = (stage: string) =>
    change.mutate(() => moveVersion(version.name, version.version, stage), {
      onSuccess: () => undoable(`v${version.version} is in ${stage}`, () => change.mutate(() => moveVersion(version.name, version.version, version.stage))),
    });
  const give = (alias: string, to: string) => change.mutate(() => setAlias(version.name, alias, to));
  const put = (alias: string) => {
    const before = all.find((other) => other.aliases.includes(alias))?.version;
    const back = () => (before ? give(alias, before) : change.mutate(() => removeAlias(version.name, alias)));
    change.mutate(() => setAlias(version.name, alias, version.version), { onSuccess: () => undoable(`@${alias} is on v${version.version} now`, back) });
  };
  const takeAway = (alias: string) => change.mutate(() => removeAlias(version.name, alias), { onSuccess: () => undoable(`@${alias} is taken away from v${version.version}`, () => give(alias, version.version)) });
  const made = useQuery({ queryKey: ["mlflow", "run", version.run], enabled: version.run !== "", retry: false, queryFn: ({ signal }) => run(version.run, signal) });
  return (
    <tr className="h-11 border-b border-line/60 [&>td]:px-4">
      <td className="num font-semibold">v{version.version}</td>
      <td>
        <Select label={`Stage of version ${version.version}`} value={version.stage} options={STAGES} onChange={move} />
      </td>
      <td>
        <span className="flex items-center gap-1">
          {version.aliases.map((alias) => (
            <span key={alias} className="inline-flex h-6 items-center gap-1 rounded bg-tint pl-2 text-xs font-medium text-accent">
              @{alias}
              <button type="button" aria-label={`Take ${alias} away`} className="rounded p-1 hover:bg-panel" onClick={() => takeAway(alias)}>
                <X className="size-3" aria-hidden />
              </button>
            </span>
          ))}
          <AddAlias onAdd={put} version={version.version} />
        </span>
      </td>
      <td className="max-w-80 truncate text-muted" title={version.description}>
        {version.description}
      </td>
      <td>
        {version.run && made.data ? (
          <Link to="/experiments/$experiment/runs/$run" params={{ experiment: made.data.experiment, run: version.run }} className="rounded text-accent hover:underline">
            {made.data.name}
          </Link>
        ) : (
          <span className="text-muted">{version.run ? version.run.slice(0, 8) : "–"}</span>
        )}
      </td>
      <td>
        <Time at={version.created} />
      </td>
    </tr>
  );
}

function AddAlias({ onAdd, version }: { onAdd: (alias: string) => void; version: string }) {
  const [open, setOpen] = useState(false);
  const [text, setText] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!text.trim()) return;
    onAdd(text.trim());
    setText("");
    setOpen(false);
  };
  return (
    <Pop
      label="Alias"
      align="start"
      open={open}
      onOpen={setOpen}
      trigger={
        <Button kind="quiet" size="icon-sm" aria-label={`Put an alias on version ${version}`}>
          <Plus aria-hidden />
        </Button>
      }
    >
      <form onSubmit={submit} className="flex gap-2">
        <Field aria-label="Alias" placeholder="champion" value={text} onChange={(event) => setText(event.target.value)} />
        <Button type="submit" kind="primary">
          Put
        </Button>
      </form>
    </Pop>
  );
}
