// Whether the service is ready for production, check by check, with what to do.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { CircleCheck, CircleHelp, CircleX } from "lucide-react";
import { json } from "@/api/client";
import { Badge } from "@/components/badge";
import { PageHead } from "@/components/page-head";
import { Panel } from "@/components/panel";
import { Answered, Empty } from "@/components/state";
import { Time } from "@/components/time";
import { count, dollars, millis, percent } from "@/format/number";

type Figure = { value: number | null; unit: string; target: number | null; bound: string };
type Check = { id: string; title: string; verdict: "pass" | "fail" | "unknown"; figure: Figure; windowed: boolean; found: string; fix: string | null };
type Report = { ready: boolean; passed: number; failed: number; unknown: number; from: string; to: string; checks: Check[] };

const BOUNDS: Record<string, string> = { at_least: "at least", at_most: "at most", below: "below", of: "of" };
const ORDER = ["fail", "unknown", "pass"];

function shown(value: number | null, unit: string): string {
  if (value === null) return "–";
  if (unit === "share") return percent(value);
  if (unit === "ms") return millis(value);
  if (unit === "s") return millis(value * 1_000);
  if (unit === "usd") return dollars(value);
  return unit === "score" ? value.toFixed(2) : count(value);
}

export default function Readiness() {
  const found = useQuery({ queryKey: ["readiness", "page"], refetchInterval: 30_000, retry: false, placeholderData: keepPreviousData, queryFn: ({ signal }) => json<Report>("/api/v1/readiness", {}, { signal }) });
  const report = found.data;
  return (
    <>
      <PageHead
        title="Readiness"
        about={
          report ? (
            <>
              calls and scores from <Time at={report.from} /> to <Time at={report.to} />
            </>
          ) : undefined
        }
      >
        {report ? (
          <Badge tone={report.ready ? "ok" : "bad"} className="h-7 px-3 text-sm">
            {report.ready ? "ready" : "not ready"}
          </Badge>
        ) : null}
      </PageHead>
      <div className="px-4 pb-8 lg:px-6">
        <Answered of={found} absent={<Empty title="This server does not judge its readiness" />}>
          {(data) => (
            <Panel title={`${data.passed} of ${data.checks.length} pass`} about={[data.failed ? `${data.failed} fail` : "", data.unknown ? `${data.unknown} cannot be said` : ""].filter(Boolean).join(", ")}>
              <ul className="divide-y divide-line/60" aria-label="Checks">
                {[...data.checks].sort((a, b) => ORDER.indexOf(a.verdict) - ORDER.indexOf(b.verdict)).map((check) => (
                  <Line key={check.id} check={check} />
                ))}
              </ul>
            </Panel>
          )}
        </Answered>
      </div>
    </>
  );
}

// What stands between backticks is to be typed.
const worded = (text: string) =>
  text.split("`").map((part, n) =>
    n % 2 ? (
      <code key={`${n}${part}`} className="rounded bg-sunken px-1 py-0.5 font-mono text-xs">
        {part}
      </code>
    ) : (
      part
    ),
  );

const ICONS = { pass: [CircleCheck, "text-ok", "passes"], fail: [CircleX, "text-bad", "fails"], unknown: [CircleHelp, "text-muted", "cannot be said"] } as const;

function Line({ check }: { check: Check }) {
  const [Icon, tone, word] = ICONS[check.verdict];
  const { figure } = check;
  return (
    <li className="flex flex-wrap items-start gap-x-4 gap-y-1 px-4 py-3">
      <Icon className={`mt-0.5 size-5 shrink-0 ${tone}`} aria-label={word} />
      <div className="min-w-60 flex-1">
        <p className="font-medium">{check.title}</p>
        <p className="text-muted">{check.found}</p>
        {check.fix ? <p className="pt-1">{worded(check.fix)}</p> : null}
      </div>
      <p className="num shrink-0 text-right">
        <span className="font-medium">{shown(figure.value, figure.unit)}</span>
        {figure.target === null ? null : (
          <span className="block text-xs text-muted">
            {BOUNDS[figure.bound] ?? ""} {shown(figure.target, figure.unit)}
          </span>
        )}
      </p>
    </li>
  );
}
