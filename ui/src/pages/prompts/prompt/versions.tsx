// The versions, newest first, with their labels and templates.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ListTree, Plus, X } from "lucide-react";
import { type FormEvent, useState } from "react";
import { toast } from "sonner";
import { Badge } from "@/components/badge";
import { Button, buttonClass } from "@/components/button";
import { Field } from "@/components/choice";
import { cx } from "@/components/classes";
import { Code } from "@/components/code";
import { Pop } from "@/components/menu";
import { Time } from "@/components/time";
import { undoable } from "@/components/undo";
import { write } from "@/state/query";
import { useParam } from "@/state/url";
import { type Prompt, type Version, messagesOf, removeLabel, setLabel } from "../api";

export function Versions({ of }: { of: Prompt }) {
  const [chosen, setChosen] = useParam("version", of.default_version ?? of.versions.at(-1)?.version);
  const version = of.versions.find((v) => v.version === chosen) ?? of.versions.at(-1);
  return (
    <div className="grid gap-4 lg:grid-cols-[17rem_minmax(0,1fr)]">
      <ol className="flex flex-col gap-1" aria-label="Versions">
        {of.versions.toReversed().map((v) => (
          <li key={v.version}>
            <button
              type="button"
              aria-current={v === version || undefined}
              onClick={() => setChosen(v.version)}
              className={cx("flex w-full flex-col gap-1 rounded-md border border-transparent px-3 py-2 text-left hover:bg-sunken", v === version && "border-line bg-tint hover:bg-tint")}
            >
              <span className="flex flex-wrap items-center gap-1.5">
                <span className="font-semibold">{v.version}</span>
                {v.labels.map((label) => (
                  <Badge key={label} tone={label === "production" ? "ok" : "plain"}>
                    {label}
                  </Badge>
                ))}
              </span>
              <span className="text-xs text-muted">
                <Time at={v.created} /> {v.source === "file" ? "· file" : ""}
              </span>
              {v.message ? <span className="line-clamp-2 text-xs text-muted">{v.message}</span> : null}
            </button>
          </li>
        ))}
      </ol>
      {version ? <One version={version} labels={of.labels} /> : null}
    </div>
  );
}

// `labels`: which version has each.
function One({ version, labels }: { version: Version; labels: Prompt["labels"] }) {
  const client = useQueryClient();
  const change = useMutation({
    mutationFn: (what: () => Promise<unknown>) => what(),
    onSuccess: () => Promise.all([client.invalidateQueries({ queryKey: ["prompt", version.name] }), client.invalidateQueries({ queryKey: ["prompts"] })]),
    onError: (error) => toast.error(error.message),
  });
  const put = (label: string) => {
    const before = labels[label];
    const back = () => change.mutate(() => (before ? setLabel(version.name, label, before) : removeLabel(version.name, label)));
    change.mutate(() => setLabel(version.name, label, version.version), { onSuccess: () => undoable(`${label} is on ${version.version} now`, back) });
  };
  const takeAway = (label: string) => change.mutate(() => removeLabel(version.name, label), { onSuccess: () => undoable(`${label} is taken away from ${version.version}`, () => change.mutate(() => setLabel(version.name, label, version.version))) });
  const { defaults } = version;
  return (
    <div className="flex min-w-0 flex-col gap-3">
      <div className="flex flex-wrap items-center gap-2">
        {version.labels.map((label) => (
          <span key={label} className="inline-flex h-6 items-center gap-1 rounded bg-tint pl-2 text-xs font-medium text-accent">
            {label}
            <button type="button" aria-label={`Take ${label} away`} className="rounded p-1 hover:bg-panel" onClick={() => takeAway(label)}>
              <X className="size-3" aria-hidden />
            </button>
          </span>
        ))}
        <AddLabel onAdd={put} />
        <Link to="/calls" search={{ q: write("prompt_version", `${version.name}@${version.version}`) }} className={buttonClass({ kind: "quiet", size: "sm" })}>
          <ListTree aria-hidden /> Calls
        </Link>
        <span className="ml-auto font-mono text-xs text-muted" title="SHA-256 of the content; calls carry it">
          {version.hash.slice(0, 12)}
        </span>
      </div>
      {messagesOf(version).map((message, n) => (
        <section key={`${n}${message.role}`}>
          <h3 className="pb-1 text-xs font-medium text-muted">{message.role === "messages" ? "the caller's messages stand here" : message.role}</h3>
          {message.role === "messages" ? null : <Code text={message.content} label={`${message.role} template`} />}
        </section>
      ))}
      <dl className="flex flex-wrap gap-x-6 gap-y-1 text-xs">
        <Fact name="Variables" value={version.variables.join(", ") || "none"} />
        <Fact name="Format" value={version.format} />
        {defaults.model ? <Fact name="Model" value={defaults.model} /> : null}
        {defaults.temperature === undefined ? null : <Fact name="Temperature" value={String(defaults.temperature)} />}
        {defaults.max_tokens ? <Fact name="Most tokens" value={String(defaults.max_tokens)} /> : null}
      </dl>
    </div>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div className="flex gap-1.5">
      <dt className="text-muted">{name}</dt>
      <dd className="font-mono">{value}</dd>
    </div>
  );
}

function AddLabel({ onAdd }: { onAdd: (label: string) => void }) {
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
      label="Label"
      align="start"
      open={open}
      onOpen={setOpen}
      trigger={
        <Button kind="quiet" size="sm">
          <Plus aria-hidden /> Label
        </Button>
      }
    >
      <form onSubmit={submit} className="flex gap-2">
        <Field aria-label="Label" placeholder="production" value={text} onChange={(event) => setText(event.target.value)} />
        <Button type="submit" kind="primary">
          Put here
        </Button>
      </form>
      <p className="max-w-64 pt-2 text-xs text-muted">The next request that asks for the label gets this version.</p>
    </Pop>
  );
}
