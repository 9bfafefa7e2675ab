// The state of an alert, as a badge.

import { Badge } from "@/components/badge";

const PHASES: Record<string, "bad" | "warn" | "ok" | "plain"> = { firing: "bad", no_data: "warn", pending: "warn", resolved: "plain" };

export function Phase({ state, muted }: { state: string; muted?: boolean }) {
  return (
    <span className="inline-flex gap-1">
      <Badge tone={PHASES[state] ?? "plain"}>{state.replace("_", " ")}</Badge>
      {muted ? <Badge>muted</Badge> : null}
    </span>
  );
}
