// One column of the playground: a version, a model, the rendered prompt, the answer as it comes, and its figures.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { X } from "lucide-react";
import { useDeferredValue } from "react";
import { Badge } from "@/components/badge";
import { IconButton } from "@/components/button";
import { ToolCard } from "@/components/chat/chat";
import { Prose } from "@/components/chat/prose";
import { Field, Select } from "@/components/choice";
import { CopyButton } from "@/components/copy";
import { Failed } from "@/components/state";
import { count, dollars, millis } from "@/format/number";
import { type Version, render } from "../api";
import type { Try } from "./run";

export type Setup = { version: string; model: string };
type Preview = { name: string; variables: Record<string, unknown>; question: string };
type Props = { setup: Setup; versions: readonly Version[]; models: readonly string[]; preview?: Preview; result?: Try; onChange: (next: Setup) => void; onRemove?: () => void };

export function Column({ setup, versions, models, preview, result, onChange, onRemove }: Props) {
  const list = `models-${setup.version}-${setup.model}`;
  return (
    <section className="flex min-w-0 flex-col rounded-lg border border-line bg-panel" aria-label={`${setup.version} ${setup.model}`}>
      <header className="flex items-center gap-2 border-b border-line p-2">
        {versions.length ? (
          <Select label="Version" value={setup.version} options={versions.map((v) => [v.version, `${v.version}${v.labels.length ? ` ${v.labels.join(", ")}` : ""}`] as const)} onChange={(version) => onChange({ ...setup, version })} />
        ) : null}
        <Field aria-label="Model" list={list} placeholder="provider/model" value={setup.model} onChange={(event) => onChange({ ...setup, model: event.target.value })} />
        <datalist id={list}>
          {models.map((model) => (
            <option key={model} value={model} />
          ))}
        </datalist>
        {onRemove ? (
          <IconButton name="Take the column away" size="icon-sm" onClick={onRemove}>
            <X aria-hidden />
          </IconButton>
        ) : null}
      </header>
      {preview ? <Shown preview={preview} version={setup.version} /> : null}
      <div className="flex min-h-40 flex-1 flex-col gap-2 p-3" aria-live="polite">
        {!result ? <p className="text-muted">The answer comes here.</p> : null}
        {result?.text ? (
          <div className="group/answer relative">
            {result.state === "running" ? <p className="leading-relaxed whitespace-pre-wrap [overflow-wrap:anywhere]">{result.text}</p> : <Prose text={result.text} />}
            <div className="absolute -top-1 right-0 bg-panel opacity-0 group-focus-within/answer:opacity-100 group-hover/answer:opacity-100">
              <CopyButton text={result.text} name="Copy the answer" />
            </div>
          </div>
        ) : null}
        {result?.tools.map((tool, n) => <ToolCard key={tool.id ?? n} call={tool} />)}
        {result?.state === "running" ? <span role="status" aria-label="The answer is coming" className="h-4 w-2 animate-pulse bg-accent" /> : null}
        {result?.state === "stopped" ? <Badge tone="warn">stopped</Badge> : null}
        {result?.error ? <Failed error={new Error(result.error)} /> : null}
      </div>
      {result && result.state !== "running" ? <Figures result={result} /> : null}
    </section>
  );
}

// The prompt as it would be sent, rendered by the server as one types.
function Shown({ preview, version }: { preview: Preview; version: string }) {
  const asked = useDeferredValue(preview);
  const found = useQuery({
    queryKey: ["render", asked.name, version, asked.variables, asked.question],
    placeholderData: keepPreviousData,
    retry: false,
    queryFn: () => render(asked.name, version, asked.variables, asked.question),
  });
  return (
    <details className="border-b border-line px-3 py-2 text-xs">
      <summary className="cursor-pointer text-muted">Rendered prompt</summary>
      {found.error ? <Failed error={found.error} className="mt-2" /> : null}
      <div className="max-h-72 overflow-y-auto" tabIndex={0} role="region" aria-label="Rendered prompt">
        {found.data?.messages.map((message, n) => (
          <div key={n} className="pt-2">
            <p className="text-muted">{message.role}</p>
            <p className="font-mono leading-5 whitespace-pre-wrap [overflow-wrap:anywhere]">{message.content}</p>
          </div>
        ))}
      </div>
    </details>
  );
}

function Figures({ result }: { result: Try }) {
  const { call } = result;
  return (
    <footer className="flex flex-wrap items-center gap-x-4 gap-y-1 border-t border-line px-3 py-2 text-xs text-muted">
      <Figure name="took" value={millis(call?.latency_ms ?? result.took)} />
      {result.first === undefined ? null : <Figure name="first" value={millis(result.first)} />}
      <Figure name="tokens" value={call?.tokens ? `${count(call.tokens.total - call.tokens.completion)} → ${count(call.tokens.completion)}` : "–"} />
      <Figure name="cost" value={dollars(call?.cost_usd)} />
      {call ? (
        <Link to="/traces/$trace" params={{ trace: call.trace_id }} className="ml-auto rounded text-accent hover:underline">
          Trace
        </Link>
      ) : null}
    </footer>
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <span>
      {name} <span className="num font-medium text-text">{value}</span>
    </span>
  );
}
