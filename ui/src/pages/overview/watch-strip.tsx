// What asks for attention: anomalies that go on, alerts that fire, what is not ready.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { BellRing, ShieldCheck, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { type Anomaly, Refused, api, json, unwrap } from "@/api/client";
import { Badge, type Tone } from "@/components/badge";
import { cx } from "@/components/classes";
import { Time } from "@/components/time";
import { hasPage as has } from "@/app/has-page";
import { MINUTE, type TimeRange } from "@/state/range";
import { metricName, metricValue } from "./metric";

const EVERY = 30_000;
const MOST = 3;

export function WatchStrip({ range }: { range: TimeRange }) {
  return (
    <div className="grid gap-3 md:grid-cols-3">
      <Anomalies range={range} />
      <Alerts />
      <Readiness />
    </div>
  );
}

type CardProps = { icon: typeof BellRing; title: string; to: string; tone: Tone; state: ReactNode; children?: ReactNode };

function Card({ icon: Icon, title, to, tone, state, children }: CardProps) {
  const head = (
    <>
      <Icon aria-hidden className={cx("size-4 text-muted", tone === "bad" && "text-bad", tone === "warn" && "text-warn", tone === "ok" && "text-ok")} />
      <h2 className="font-semibold">{title}</h2>
      <Badge tone={tone} className="ml-auto">
        {state}
      </Badge>
    </>
  );
  return (
    <section className="flex min-w-0 flex-col gap-1.5 rounded-lg border border-line bg-panel px-4 py-3">
      {has(to) ? (
        <Link to={to} className="flex items-center gap-2 rounded hover:text-accent">
          {head}
        </Link>
      ) : (
        <div className="flex items-center gap-2">{head}</div>
      )}
      {children}
    </section>
  );
}

function Anomalies({ range }: { range: TimeRange }) {
  const found = useQuery({
    queryKey: ["anomalies", "firing"],
    refetchInterval: EVERY,
    queryFn: ({ signal }) => unwrap(api.GET("/api/v1/anomalies", { params: { query: { state: "firing", limit: "50", wait: "0s" } }, signal })),
  });
  const list = found.data?.anomalies ?? [];
  const bad = list.some((a) => a.severity === "critical");
  const watch = found.data?.watch;
  const state = found.error ? "not known" : !found.data ? "…" : list.length ? `${list.length} open` : !watch?.enabled ? "off" : !watch.complete ? "judging" : watch.learning > 0 && watch.learning === watch.projects ? "learning" : "none open";
  return (
    <Card icon={TriangleAlert} title="Anomalies" to="/anomalies" tone={bad ? "bad" : list.length ? "warn" : watch?.enabled && watch.complete ? "ok" : "plain"} state={state}>
      {list.length ? (
        <ul className="flex flex-col gap-1">
          {list.slice(0, MOST).map((anomaly) => (
            <li key={anomaly.id}>
              <AnomalyLine anomaly={anomaly} range={range} />
            </li>
          ))}
        </ul>
      ) : (
        <p className="min-h-4 text-xs text-muted">{found.error ? "The server did not say." : !watch ? "" : !watch.complete ? "What is stored is being judged." : watch.enabled ? "Latency, errors, cost, tokens and branches are as they usually are." : "Anomalies are not looked for: watch.enabled."}</p>
      )}
    </Card>
  );
}

function AnomalyLine({ anomaly, range }: { anomaly: Anomaly; range: TimeRange }) {
  const cause = anomaly.causes[0];
  const line = (
    <>
      <span className={cx("size-1.5 shrink-0 rounded-full", anomaly.severity === "critical" ? "bg-bad" : anomaly.severity === "warning" ? "bg-warn" : "bg-muted")} aria-hidden />
      <span className="truncate">
        {metricName(anomaly.metric)} {metricValue(anomaly.metric, anomaly.value)}
        <span className="text-muted"> · usually {metricValue(anomaly.metric, anomaly.expected)}</span>
        {cause ? <span className="text-muted"> · {cause.value}</span> : null}
      </span>
      <Time at={anomaly.onset} relative className="ml-auto shrink-0 text-muted" />
    </>
  );
  const from = new Date(Date.parse(anomaly.onset) - 60 * MINUTE).toISOString();
  const search = { from: Date.parse(from) < range.at().from ? from : undefined };
  return (
    <Link to={has("/anomalies") ? "/anomalies" : "/"} search={has("/anomalies") ? { open: anomaly.id } : search} className="flex items-center gap-2 rounded text-xs hover:underline">
      {line}
    </Link>
  );
}

type Alert = { fingerprint: string; rule: string; labels: Record<string, string>; state: string; severity: string; summary: string; since: string; muted: boolean };

function Alerts() {
  const found = useQuery({
    queryKey: ["alerts", "firing"],
    refetchInterval: EVERY,
    retry: false,
    queryFn: async ({ signal }) => (await json<{ alerts?: Alert[] }>("/api/v1/alerts", {}, { signal })).alerts ?? [],
  });
  const firing = (found.data ?? []).filter((alert) => (alert.state === "firing" || alert.state === "no_data") && !alert.muted);
  const absent = found.error instanceof Refused && found.error.status === 404;
  return (
    <Card icon={BellRing} title="Alerts" to="/alerts" tone={firing.some((a) => a.severity === "critical") ? "bad" : firing.length ? "warn" : found.data ? "ok" : "plain"} state={found.data ? (firing.length ? `${firing.length} firing` : "none firing") : absent ? "no rules" : found.error ? "not known" : "…"}>
      {firing.length ? (
        <ul className="flex flex-col gap-1 text-xs">
          {firing.slice(0, MOST).map((alert) => (
            <li key={alert.fingerprint} className="flex items-center gap-2">
              <span className={cx("size-1.5 shrink-0 rounded-full", alert.severity === "critical" ? "bg-bad" : "bg-warn")} aria-hidden />
              <Link to="/alerts" search={{ open: alert.fingerprint }} title={alert.summary} className="truncate rounded hover:underline">
                {[alert.rule, ...Object.values(alert.labels)].join(" · ")}
                <span className="text-muted"> · {alert.summary}</span>
              </Link>
              <Time at={alert.since} relative className="ml-auto shrink-0 text-muted" />
            </li>
          ))}
        </ul>
      ) : (
        <p className="min-h-4 text-xs text-muted">{absent ? "This server evaluates no alert rules." : found.error ? "The server did not say." : found.data ? "No rule fires." : ""}</p>
      )}
    </Card>
  );
}

type Ready = { ready: boolean; passed: number; failed: number; unknown: number; checks: { title: string; verdict: string; found: string }[] };

function Readiness() {
  const found = useQuery({ queryKey: ["readiness"], refetchInterval: EVERY, retry: false, queryFn: ({ signal }) => json<Ready>("/api/v1/readiness", {}, { signal }) });
  const ready = found.data;
  const failed = ready?.checks.filter((check) => check.verdict === "fail") ?? [];
  const state = ready ? `${ready.passed} of ${ready.checks.length} pass` : found.error ? "not known" : "…";
  return (
    <Card icon={ShieldCheck} title="Readiness" to="/readiness" tone={!ready ? "plain" : ready.ready ? "ok" : "warn"} state={state}>
      {failed.length ? (
        <ul className="flex flex-col gap-1 text-xs">
          {failed.slice(0, MOST).map((check) => (
            <li key={check.title} className="truncate" title={check.found}>
              {check.title} <span className="text-muted">· {check.found}</span>
            </li>
          ))}
        </ul>
      ) : (
        <p className="min-h-4 text-xs text-muted">{found.error ? "The server did not say." : !ready ? "" : ready.ready ? "The service is ready for production." : `${ready.unknown} checks cannot be judged yet.`}</p>
      )}
    </Card>
  );
}
