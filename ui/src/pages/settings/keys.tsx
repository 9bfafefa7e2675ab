// Who may call: what each key may do, how much of it, and when it was used. Never the key.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Refused, type Schema, api, unwrap } from "@/api/client";
import { Badge, type Tone } from "@/components/badge";
import { Snippet } from "@/components/code";
import { Answered, Empty } from "@/components/state";
import { Time } from "@/components/time";
import { count, dollars } from "@/format/number";
import { write } from "@/state/query";
import { Rows } from "./rows";

type Key = Schema["KeyJson"];

const ROLES: Record<string, Tone> = { admin: "warn", read: "accent", write: "accent", call: "plain" };
const MAY: Record<string, string> = { call: "call models", write: "also write traces, runs and scores", read: "also read what was recorded", admin: "everything" };
const ADD = 'weir key new      # prints a key and the lines for weir.toml\n\n[[keys]]\nname = "checkout-service"\nsha256 = "…"\nrole = "call"';

export function Keys() {
  const found = useQuery({ queryKey: ["settings", "keys"], retry: false, queryFn: ({ signal }) => unwrap(api.GET("/api/v1/settings/keys", { signal })) });
  if (found.error instanceof Refused && found.error.status === 403) {
    return (
      <Empty title="Keys are shown to an admin">
        <p className="max-w-prose">The key of this tab may read, but not see who else may. Sign in with one of role admin.</p>
      </Empty>
    );
  }
  return (
    <Answered of={found}>
      {({ open, keys }) => (
        <div className="flex flex-col gap-4">
          {open ? (
            <p className="rounded-md bg-warn-tint px-3 py-2 text-warn">No keys are configured: everybody on this machine may do everything, and nobody else anything.</p>
          ) : (
            <Rows
              label="Keys"
              rows={keys}
              rowKey={(key) => key.name}
              columns={[
                { head: "Name", cell: (key) => <span className="font-medium">{key.name}</span> },
                {
                  head: "Role",
                  cell: (key) => (
                    <Badge tone={ROLES[key.role] ?? "plain"} title={MAY[key.role]}>
                      {key.role}
                    </Badge>
                  ),
                },
                { head: "Models", cell: (key) => (key.models.length ? <span className="font-mono text-xs">{key.models.join(", ")}</span> : <span className="text-muted">any</span>), wrap: true },
                { head: "For", cell: (key) => [key.project, key.department].filter(Boolean).join(" · ") || <span className="text-muted">–</span> },
                { head: "Limits", cell: (key) => limitsOf(key) || <span className="text-muted">none</span>, wrap: true },
                { head: "Calls, 30 days", number: true, cell: (key) => <Calls of={key} /> },
                { head: "Cost", number: true, cell: (key) => dollars(key.cost_usd) },
                { head: "Last used", cell: (key) => (key.last_used ? <Time at={key.last_used} relative /> : <span className="text-muted">not in 30 days</span>) },
                { head: "Set as", cell: (key) => <SetAs of={key} /> },
              ]}
            />
          )}
          <div className="max-w-xl">
            <Snippet text={ADD}>Keys stand in weir.toml, so that they are reviewed and deployed like the rest; a change is taken without a restart. A key is revoked by taking its lines out.</Snippet>
          </div>
        </div>
      )}
    </Answered>
  );
}

function Calls({ of: key }: { of: Key }) {
  if (!key.calls) return <span className="text-muted">0</span>;
  return (
    <Link to="/calls" search={{ q: write("key", key.name), from: "-30d" }} className="text-accent hover:underline">
      {count(key.calls)}
    </Link>
  );
}

function limitsOf(key: Key): string {
  const parts = [
    typeof key.rpm === "number" && `${count(key.rpm)} requests a minute`,
    typeof key.tpm === "number" && `${count(key.tpm)} tokens a minute`,
    typeof key.budget_usd_per_day === "number" && `${dollars(key.budget_usd_per_day)} a day`,
    typeof key.budget_usd_per_month === "number" && `${dollars(key.budget_usd_per_month)} a month`,
  ];
  return parts.filter(Boolean).join(", ");
}

function SetAs({ of: key }: { of: Key }) {
  if (key.known_by === "env") return <span className="font-mono text-xs">env:{key.variable}</span>;
  if (key.known_by === "sha256") return <span title="The file holds no secret">its SHA-256</span>;
  return (
    <Badge tone="warn" title="Whoever reads weir.toml can use it: write sha256 (weir key hash), or key = &quot;env:NAME&quot;">
      readable in the file
    </Badge>
  );
}
