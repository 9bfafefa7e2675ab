import type { Schema } from "@/api/client";
import { count, dollars, exact, millis } from "@/format/number";
import { Badge } from "../badge";

// What a whole trace came to.
export function TraceFigures({ path }: { path: Schema["PathAnswer"] }) {
  return (
    <span className="num flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-muted">
      <span>{count(path.steps.length)} steps</span>
      <span>{millis(path.total_ms)}</span>
      {path.tokens.total ? <span title={`${exact(path.tokens.prompt)} in, ${exact(path.tokens.completion)} out`}>{count(path.tokens.total)} tokens</span> : null}
      {path.calls ? <span title={path.unpriced ? `${path.unpriced} calls have no known price` : undefined}>{dollars(path.cost_usd)}</span> : null}
      {path.errors ? <Badge tone="bad">{path.errors} failed</Badge> : null}
      {path.pending ? <Badge tone="warn">{path.pending} open</Badge> : null}
      {path.truncated ? <Badge tone="warn">more steps than are shown</Badge> : null}
    </span>
  );
}
