// The figures of a step in one line, and everything that is known of it in a list.

import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Call } from "@/api/client";
import { count, dollars, exact, millis } from "@/format/number";
import { only } from "@/state/query";
import { Badge, Status } from "../badge";
import { CopyButton } from "../copy";
import { Time } from "../time";

function Figure({ name, title, children }: { name: string; title?: string; children: ReactNode }) {
  return (
    <span className="flex items-baseline gap-1.5 whitespace-nowrap" title={title}>
      <span className="text-xs text-muted">{name}</span>
      <span className="num font-medium">{children}</span>
    </span>
  );
}

export function Figures({ call }: { call: Call }) {
  const { tokens } = call;
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-1.5">
      <Status status={call.status} />
      {call.model ? <Badge>{call.provider ? `${call.provider}/${call.model}` : call.model}</Badge> : null}
      <Figure name="latency">{millis(call.latency_ms)}</Figure>
      {call.ttft_ms === null || call.ttft_ms === undefined ? null : <Figure name="first token">{millis(call.ttft_ms)}</Figure>}
      {tokens ? (
        <Figure name="tokens" title={`${exact(tokens.prompt)} in${tokens.cached ? `, ${exact(tokens.cached)} of them cached` : ""}; ${exact(tokens.completion)} out${tokens.reasoning ? `, ${exact(tokens.reasoning)} of them reasoning` : ""}`}>
          {count(tokens.prompt)} → {count(tokens.completion)}
        </Figure>
      ) : null}
      {call.kind === "llm" || call.cost_usd ? (
        <Figure name="cost" title={call.cost_usd === null || call.cost_usd === undefined ? "No price is known" : `$${exact(call.cost_usd)}`}>
          {dollars(call.cost_usd)}
        </Figure>
      ) : null}
      {call.cache_hit ? <Badge tone="accent">from the cache</Badge> : null}
      {call.attempts && call.attempts > 1 ? <Badge tone="warn">{call.attempts} attempts</Badge> : null}
    </div>
  );
}

// A value that the list of calls can be filtered by.
function Filtered({ name, value }: { name: string; value: string | null | undefined }) {
  if (!value) return null;
  return (
    <Link to="/calls" search={{ q: only("", name, value), open: undefined }} className="rounded text-accent hover:underline" title="Calls with it">
      {value}
    </Link>
  );
}

function Id({ value }: { value: string | null | undefined }) {
  if (!value) return null;
  return (
    <span className="flex items-center gap-1">
      <code className="truncate font-mono text-xs">{value}</code>
      <CopyButton text={value} />
    </span>
  );
}

export function Facts({ call }: { call: Call }) {
  const rows: [string, ReactNode][] = [
    ["Started", <Time key="t" at={call.timestamp} />],
    ["Kind", call.kind],
    ["Operation", call.operation],
    ["Model", <Filtered key="m" name="model" value={call.model} />],
    ["Answering model", call.response_model],
    ["Provider", <Filtered key="p" name="provider" value={call.provider} />],
    ["Deployment", call.deployment],
    ["Prompt", call.prompt?.name ? <Filtered key="pr" name={call.prompt.version ? "prompt_version" : "prompt"} value={`${call.prompt.name}${call.prompt.version ? `@${call.prompt.version}` : ""}`} /> : null],
    ["Department", <Filtered key="d" name="department" value={call.department} />],
    ["Project", <Filtered key="pj" name="project" value={call.project} />],
    ["User", <Filtered key="u" name="user" value={call.user} />],
    ["Session", <Filtered key="s" name="session" value={call.session} />],
    ["Key", <Filtered key="k" name="key" value={call.key} />],
    ["HTTP status", call.http_status],
    ["Finish reason", call.finish_reason],
    ["Streamed", call.stream === null || call.stream === undefined ? null : call.stream ? "yes" : "no"],
    ["Cache", call.cache],
    ["Attempts", call.attempts],
    ["Token counts from", call.token_source],
    ["Tags", call.tags.length ? call.tags.map((tag) => <Badge key={tag}>{tag}</Badge>) : null],
    ["Request", <Id key="r" value={call.request_id} />],
    ["Trace", <Id key="tr" value={call.trace_id} />],
    ["Span", <Id key="sp" value={call.span_id} />],
  ];
  const held = (value: ReactNode) => value !== null && value !== undefined && value !== "" && !(typeof value === "object" && "props" in value && (value.props as { value?: unknown }).value === null);
  const attributes = Object.entries(call.attributes);
  return (
    <dl className="grid grid-cols-[minmax(7rem,auto)_1fr] gap-x-4 gap-y-1.5">
      {rows
        .filter(([, value]) => held(value))
        .map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="text-muted">{name}</dt>
            <dd className="flex min-w-0 flex-wrap items-center gap-1 break-words">{value}</dd>
          </div>
        ))}
      {attributes.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="truncate font-mono text-xs leading-6 text-muted" title={name}>
            {name}
          </dt>
          <dd className="min-w-0 break-words">{typeof value === "string" ? <Filtered name={`attr.${name}`} value={value as string} /> : <code className="font-mono text-xs">{JSON.stringify(value)}</code>}</dd>
        </div>
      ))}
    </dl>
  );
}
