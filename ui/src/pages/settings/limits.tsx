// What keys, departments and other labels may use, and what is left of it now.

import { useQuery } from "@tanstack/react-query";
import { type Schema, api, unwrap } from "@/api/client";
import { Badge } from "@/components/badge";
import { cx } from "@/components/classes";
import { Snippet } from "@/components/code";
import { Answered, Empty } from "@/components/state";
import { count, dollars, percent } from "@/format/number";
import { Rows } from "./rows";

type Limit = Schema["LimitJson"];
type Use = Schema["UseJson"];

const EVERY = 5_000;
const ADD = '[[limits]]\nlabel = "department"\nvalue = "*"                    # each department for itself\nrpm = 600\nbudget_usd_per_month = 500.0';

export function Limits() {
  const found = useQuery({ queryKey: ["settings", "limits"], refetchInterval: EVERY, queryFn: ({ signal }) => unwrap(api.GET("/api/v1/settings/limits", { signal })) });
  return (
    <Answered of={found}>
      {({ limits, more }) =>
        limits.length ? (
          <div className="flex flex-col gap-4">
            <Rows
              label="Limits"
              rows={limits}
              rowKey={(limit) => `${limit.label} ${limit.value}`}
              columns={[
                { head: "Of", cell: (limit) => <Whose of={limit} /> },
                { head: "Requests a minute", cell: (limit) => <Left use={limit.requests} soft={0.9} format={count} /> },
                { head: "Tokens a minute", cell: (limit) => <Left use={limit.tokens} soft={0.9} format={count} /> },
                { head: "Dollars today (UTC)", cell: (limit) => <Left use={limit.usd_per_day} soft={limit.soft} format={dollars} /> },
                { head: "Dollars this month", cell: (limit) => <Left use={limit.usd_per_month} soft={limit.soft} format={dollars} /> },
                { head: "When spent", cell: (limit) => (limit.fallback ? <span>goes on with <span className="font-mono text-xs">{limit.fallback}</span></span> : "refused with 429") },
              ]}
            />
            {more ? <p className="text-xs text-muted">{count(more)} more that have more left are not shown.</p> : null}
            <p className="text-xs text-muted">Set with [[limits]] and with rpm, tpm and budgets of [[keys]] in weir.toml. What calls under way have reserved counts as used.</p>
          </div>
        ) : (
          <Empty title="Nothing is limited">
            <p className="max-w-prose">Keys, departments, projects, users and any label of requests can have requests and tokens a minute, and dollars a day and a month.</p>
            <div className="w-full max-w-xl">
              <Snippet text={ADD}>In weir.toml</Snippet>
            </div>
          </Empty>
        )
      }
    </Answered>
  );
}

function Whose({ of }: { of: Limit }) {
  return (
    <span className="inline-flex items-center gap-2">
      <Badge>{of.label}</Badge>
      {of.value === "*" ? <span className="text-muted">each one without its own</span> : <span className="font-medium">{of.value}</span>}
    </span>
  );
}

// What is used of a limit, as a bar and in words.
function Left({ use, soft, format }: { use: Use | null | undefined; soft: number; format: (value: number) => string }) {
  if (!use) return <span className="text-muted">–</span>;
  const used = Math.max(use.limit - use.left, 0);
  const share = use.limit > 0 ? used / use.limit : 1;
  const tone = share >= 1 ? "bg-bad" : share >= soft ? "bg-warn" : "bg-accent";
  return (
    <span className="flex min-w-36 flex-col gap-1" title={`${percent(share)} used`}>
      <span className="num text-xs">
        {format(used)} <span className="text-muted">of {format(use.limit)}</span>
      </span>
      <span className="relative h-1.5 overflow-hidden rounded-full bg-sunken">
        <span className={cx("absolute inset-y-0 left-0 rounded-full", tone)} style={{ width: `${Math.min(share * 100, 100)}%` }} />
      </span>
    </span>
  );
}
