// What is kept of calls, for how long, and what is replaced before it is written down.

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { type Schema, api, unwrap } from "@/api/client";
import { Badge } from "@/components/badge";
import { Snippet } from "@/components/code";
import { Answered } from "@/components/state";
import { bytes } from "@/format/number";

type Kept = Schema["RetentionAnswer"];

const PAYLOADS: Record<string, string> = { full: "whole, without secrets", truncated: "their beginning, without secrets", redacted: "whole, without secrets and personal data", none: "not at all" };
const SCOPES: Record<string, string> = { shared: "everybody shares them", key: "each key has its own", department: "a department shares them", project: "a project shares them", user: "each user has its own" };

// `30 days`, `1 hour`.
export function span(seconds: number): string {
  for (const [name, width] of [["day", 86_400], ["hour", 3_600], ["minute", 60]] as const) {
    const many = seconds / width;
    if (many >= 1 && Number.isInteger(many)) return `${many.toLocaleString("en")} ${name}${many === 1 ? "" : "s"}`;
  }
  return `${seconds.toLocaleString("en")} s`;
}

export function KeptTab() {
  const found = useQuery({ queryKey: ["settings", "retention"], queryFn: ({ signal }) => unwrap(api.GET("/api/v1/settings/retention", { signal })) });
  return <Answered of={found}>{(kept) => <Body kept={kept} />}</Answered>;
}

function Body({ kept }: { kept: Kept }) {
  const { cache } = kept;
  return (
    <div className="grid gap-x-10 gap-y-6 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
      <dl className="flex flex-col divide-y divide-line/60">
        <Line name="Calls and traces" key_="record.retention">
          {kept.calls_seconds ? (
            <>kept for {span(kept.calls_seconds)}; figures of days stay</>
          ) : (
            <>
              <Badge tone="warn">kept for ever</Badge> the store grows with every call
            </>
          )}
        </Line>
        <Line name="Prompts and answers" key_="record.payload">
          {PAYLOADS[kept.payload] ?? kept.payload}
          {kept.max_payload_bytes ? `, at most ${bytes(kept.max_payload_bytes)} each` : ""}
          {kept.plain_text ? ", as plain text columns" : ""}
        </Line>
        <Line name="Secrets" key_="always">
          <Badge tone="ok">replaced</Badge> API keys, tokens, passwords, private keys
        </Line>
        <Line name="Personal data" key_='record.payload = "redacted"'>
          {kept.replaces_personal_data ? (
            <>
              <Badge tone="ok">replaced</Badge> e-mail addresses, phone numbers, payment cards, bank accounts, IP addresses
            </>
          ) : kept.payload === "none" ? (
            <>
              <Badge tone="ok">not kept</Badge> nothing of prompts and answers is
            </>
          ) : (
            <>
              <Badge>kept</Badge> as callers send it
            </>
          )}
        </Line>
        <Line name="Own patterns" key_="record.redact">
          {kept.patterns.length ? kept.patterns.map((label) => <Badge key={label} className="mr-1 font-mono">{label}</Badge>) : "none"}
        </Line>
        <Line name="Cached answers" key_="cache">
          {cache ? `given again for ${span(cache.seconds)}, ${SCOPES[cache.scope] ?? cache.scope}, up to ${bytes(cache.max_bytes)}${cache.on_disk ? ", on disk too" : ", in memory only"}` : "none: nothing is cached"}
        </Line>
        <Line name="Files and batches" key_="batches.keep">
          kept for {span(kept.files_seconds)} after they have ended
        </Line>
        <Line name="Calls before they are stored" key_="record.journal_max">
          up to {bytes(kept.journal_max_bytes)}; beyond it calls go on and are counted as lost
        </Line>
        <Line name="Project of calls that name none" key_="record.project">
          {kept.project}
        </Line>
      </dl>
      <div className="flex max-w-xl min-w-0 flex-col gap-4">
        <Snippet text={'[record]\nretention = "90d"\npayload = "redacted"\n\n[record.redact]\nORDER = "o-[0-9]{6}"'}>Set in weir.toml; a change is taken without a restart, for what comes from then on</Snippet>
        <Snippet text={"weir prune --older-than 90d"}>Delete by hand</Snippet>
      </div>
    </div>
  );
}

function Line({ name, key_, children }: { name: string; key_: string; children: ReactNode }) {
  return (
    <div className="grid gap-x-4 gap-y-0.5 py-2 first:pt-0 sm:grid-cols-[13rem_minmax(0,1fr)]">
      <dt>
        {name}
        <span className="block font-mono text-2xs text-muted">{key_}</span>
      </dt>
      <dd className="min-w-0">{children}</dd>
    </div>
  );
}
