// The columns of the list of calls.

import type { Call } from "@/api/client";
import { Badge, Status } from "@/components/badge";
import type { Column } from "@/components/table/table";
import { Time } from "@/components/time";
import { count, dollars, exact, millis } from "@/format/number";

const quiet = (text: string | null | undefined) => (text ? text : <span className="text-muted">–</span>);
const mono = (text: string | null | undefined) => (text ? <code className="font-mono text-xs">{text}</code> : <span className="text-muted">–</span>);

export const promptOf = (call: Call) => (call.prompt?.name ? `${call.prompt.name}${call.prompt.version ? `@${call.prompt.version}` : ""}` : undefined);

export const COLUMNS: readonly Column<Call>[] = [
  { id: "time", head: "Time", width: "9rem", order: "time", cell: (call) => <Time at={call.timestamp} /> },
  { id: "status", head: "Status", width: "7.5rem", cell: (call) => <Status status={call.status} /> },
  {
    id: "name",
    head: "Step",
    about: "Kind and name of the step",
    width: "minmax(9rem, 1fr)",
    cell: (call) => (
      <span className="flex items-center gap-2">
        {call.kind && call.kind !== "llm" ? <Badge>{call.kind}</Badge> : null}
        <span className="truncate">{call.name ?? call.operation ?? call.kind ?? "–"}</span>
        {call.error_type ? <span className="truncate text-bad">{call.error_type}</span> : null}
      </span>
    ),
  },
  { id: "model", head: "Model", width: "minmax(10rem, 1.2fr)", cell: (call) => quiet(call.model) },
  { id: "latency", head: "Latency", width: "6.5rem", number: true, order: "latency", cell: (call) => millis(call.latency_ms) },
  {
    id: "tokens",
    head: "Tokens",
    width: "6rem",
    number: true,
    order: "tokens",
    cell: (call) => (call.tokens ? <span title={`${exact(call.tokens.prompt)} in, ${exact(call.tokens.completion)} out`}>{count(call.tokens.total)}</span> : "–"),
  },
  { id: "cost", head: "Cost", width: "7.75rem", number: true, order: "cost", cell: (call) => <span title={call.cost_usd === null || call.cost_usd === undefined ? "No price is known" : `$${exact(call.cost_usd)}`}>{dollars(call.cost_usd)}</span> },
  { id: "department", head: "Department", width: "8rem", cell: (call) => quiet(call.department) },
  { id: "prompt", head: "Prompt", width: "minmax(9rem, 1fr)", cell: (call) => quiet(promptOf(call)) },
  { id: "ttft", head: "First token", about: "From the start to the first piece of a streamed answer", width: "6.5rem", number: true, optional: true, cell: (call) => millis(call.ttft_ms) },
  { id: "cache", head: "Cache", width: "5.5rem", optional: true, cell: (call) => quiet(call.cache) },
  { id: "provider", head: "Provider", width: "8rem", optional: true, cell: (call) => quiet(call.provider) },
  { id: "user", head: "User", width: "8rem", optional: true, cell: (call) => quiet(call.user) },
  { id: "session", head: "Session", width: "9rem", optional: true, cell: (call) => quiet(call.session) },
  { id: "key", head: "Key", width: "9rem", optional: true, cell: (call) => quiet(call.key) },
  { id: "project", head: "Project", width: "9rem", optional: true, cell: (call) => quiet(call.project) },
  { id: "finish", head: "Finish", about: "Why the model stopped", width: "6.5rem", optional: true, cell: (call) => quiet(call.finish_reason) },
  { id: "tags", head: "Tags", width: "8rem", optional: true, cell: (call) => quiet(call.tags.join(", ")) },
  { id: "request", head: "Request", width: "12rem", optional: true, cell: (call) => mono(call.request_id) },
  { id: "trace", head: "Trace", width: "12rem", optional: true, cell: (call) => mono(call.trace_id) },
];
