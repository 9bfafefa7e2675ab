// Alerts that go on, the rules behind them, and what became of those before.

import { useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { Refused } from "@/api/client";
import { Badge } from "@/components/badge";
import { Button } from "@/components/button";
import { Segments } from "@/components/choice";
import { PageHead } from "@/components/page-head";
import { Answered, Empty } from "@/components/state";
import { type Column, Table } from "@/components/table/table";
import { TwoLines } from "@/components/table/two-lines";
import { Time } from "@/components/time";
import { Severity } from "@/pages/anomalies/list";
import { useUrl } from "@/state/url";
import { AlertDetail } from "./alert-detail";
import { type Alert, type HistoryLine, type Rule, alerts, history, rules } from "./api";
import { MuteDrawer, Mutes } from "./mutes";
import { Phase } from "./phase";
import { RuleDrawer } from "./rule-drawer";
import { asks, valueOf } from "./words";

const EVERY = 15_000;

const labels = (of: Record<string, string>) => Object.values(of).join(" · ");

const ALERTS: readonly Column<Alert>[] = [
  { id: "severity", head: "Severity", width: "6.5rem", cell: (a) => <Severity severity={a.severity} /> },
  { id: "state", head: "State", width: "6.5rem", cell: (a) => <Phase state={a.state} muted={a.muted} /> },
  { id: "rule", head: "Rule", width: "minmax(9.5rem, 0.6fr)", cell: (a) => <span className="font-medium">{a.rule}</span> },
  { id: "of", head: "Of", width: "minmax(8rem, 0.5fr)", cell: (a) => labels(a.labels) || <span className="text-muted">all</span> },
  { id: "summary", head: "What is wrong", width: "minmax(18rem, 1.8fr)", cell: (a) => <span title={a.summary}>{a.summary}</span> },
  { id: "value", head: "Value", width: "6rem", number: true, cell: (a) => valueOf(a.value, a.unit) },
  { id: "since", head: "Since", width: "9.5rem", cell: (a) => <Time at={a.starts_at ?? a.since} /> },
  { id: "ack", head: "Taken by", width: "6.5rem", cell: (a) => a.ack?.by ?? "" },
];

function RuleState({ of: r }: { of: Rule }) {
  if (r.problem || r.error) {
    return (
      <Badge tone="bad" title={r.problem ?? r.error ?? undefined}>
        cannot be judged
      </Badge>
    );
  }
  if (!r.rule.enabled) return <Badge>off</Badge>;
  if (r.firing) return <Badge tone="bad">{r.firing} firing</Badge>;
  return r.pending ? <Badge tone="warn">{r.pending} pending</Badge> : <Badge tone="ok">quiet</Badge>;
}

const RULES: readonly Column<Rule>[] = [
  { id: "name", head: "Rule", width: "minmax(12rem, 0.9fr)", cell: (r) => <span className={r.rule.enabled ? "font-medium" : "text-muted"}>{r.rule.name}</span> },
  { id: "asks", head: "Asks", width: "minmax(18rem, 1.6fr)", cell: (r) => <span className="text-muted">{asks(r.rule)}</span> },
  {
    id: "state",
    head: "State",
    width: "10rem",
    cell: (r) => <RuleState of={r} />,
  },
  { id: "channels", head: "Tells", width: "9rem", cell: (r) => r.rule.channels?.join(", ") || <span className="text-muted">nobody</span> },
  { id: "origin", head: "From", width: "7rem", cell: (r) => r.origin },
  { id: "judged", head: "Judged", width: "8rem", cell: (r) => <Time at={r.evaluated_at} relative /> },
];

const alertRow = (a: Alert) => (
  <TwoLines lead={<Severity severity={a.severity} />} title={a.rule} right={<Time at={a.starts_at ?? a.since} relative />}>
    <Phase state={a.state} muted={a.muted} />
    <span>{labels(a.labels) || "all"}</span>
    <span>{a.summary}</span>
  </TwoLines>
);
const ruleRow = (r: Rule) => (
  <TwoLines title={r.rule.name} right={<RuleState of={r} />}>
    <span>{asks(r.rule)}</span>
  </TwoLines>
);
const historyRow = (h: HistoryLine) => (
  <TwoLines lead={<Phase state={h.state} />} title={h.summary} right={<Time at={h.at} relative />}>
    <span>{h.event ?? "nothing told"}</span>
    <span>{h.by}</span>
  </TwoLines>
);

const HISTORY: readonly Column<HistoryLine>[] = [
  { id: "at", head: "When", width: "10.5rem", cell: (h) => <Time at={h.at} /> },
  { id: "severity", head: "Severity", width: "7rem", cell: (h) => <Severity severity={h.severity} /> },
  { id: "state", head: "State", width: "8rem", cell: (h) => <Phase state={h.state} /> },
  { id: "event", head: "Told", width: "8rem", cell: (h) => h.event ?? <span className="text-muted">nothing</span> },
  { id: "summary", head: "What", width: "minmax(20rem, 1fr)", cell: (h) => h.summary },
  { id: "by", head: "By", width: "8rem", cell: (h) => h.by ?? "" },
];

const VIEWS = [
  ["alerts", "Alerts"],
  ["rules", "Rules"],
  ["mutes", "Mutes"],
  ["history", "History"],
] as const;
const isView = (name: string | undefined): name is (typeof VIEWS)[number][0] => VIEWS.some(([view]) => view === name);

export default function Alerts() {
  const [url, set] = useUrl();
  const view = isView(url.view) ? url.view : "alerts";
  const named = view === "rules" || view === "mutes" || url.rule !== undefined || url.mute !== undefined;
  const going = useQuery({ queryKey: ["alerts", "all"], refetchInterval: EVERY, retry: false, queryFn: ({ signal }) => alerts(signal) });
  const all = useQuery({ queryKey: ["alert-rules"], refetchInterval: EVERY, retry: false, enabled: named, queryFn: ({ signal }) => rules(signal) });
  const past = useQuery({ queryKey: ["alerts", "history"], refetchInterval: EVERY, retry: false, enabled: view === "history", queryFn: ({ signal }) => history(signal) });
  const rule = all.data?.find((r) => r.id === url.rule);
  if (going.error instanceof Refused && going.error.status === 404) {
    return (
      <>
        <PageHead title="Alerts" />
        <Empty title="This server evaluates no alert rules" />
      </>
    );
  }
  return (
    <div className="flex h-full min-h-0 flex-col">
      <PageHead title="Alerts" about={going.data ? `${going.data.alerts.filter((a) => a.state === "firing").length} firing` : undefined}>
        <Segments label="View" value={view} options={VIEWS} onChange={(value) => set({ view: value === "alerts" ? undefined : value, open: undefined, rule: undefined, mute: undefined }, { push: true })} />
        {view === "mutes" ? (
          <Button size="sm" kind="primary" onClick={() => set({ mute: "new" }, { push: true })}>
            <Plus aria-hidden /> Mute
          </Button>
        ) : (
          <Button size="sm" kind="primary" onClick={() => set({ view: "rules", rule: "new" }, { push: true })}>
            <Plus aria-hidden /> Rule
          </Button>
        )}
      </PageHead>
      <div className="mx-4 mb-4 flex min-h-80 flex-1 flex-col overflow-hidden rounded-lg border border-line bg-panel lg:mx-6">
        {view === "alerts" ? (
          <Answered of={going}>
            {(data) =>
              data.alerts.length ? (
                <Table label="Alerts" narrow={alertRow} columns={ALERTS} rows={data.alerts} rowKey={(a) => a.fingerprint} open={url.open} onOpen={(a) => set({ open: a.fingerprint }, { push: url.open === undefined })} />
              ) : (
                <Empty title="No alert goes on, and none did">
                  <Button onClick={() => set({ view: "rules" }, { push: true })}>See the rules</Button>
                </Empty>
              )
            }
          </Answered>
        ) : view === "rules" ? (
          <Answered of={all}>
            {(rows) =>
              rows.length ? (
                <Table label="Rules" narrow={ruleRow} columns={RULES} rows={rows} rowKey={(r) => r.id} open={url.rule} onOpen={(r) => set({ rule: r.id }, { push: url.rule === undefined })} />
              ) : (
                <Empty title="No rule yet">
                  <p className="max-w-prose">A rule says what to look at and when to fire. A dry run over the last 14 days shows what it would have done, before anybody is told.</p>
                  <Button onClick={() => set({ rule: "new" }, { push: true })}>Make a rule</Button>
                </Empty>
              )
            }
          </Answered>
        ) : view === "mutes" ? (
          <Mutes rules={all.data} />
        ) : (
          <Answered of={past}>
            {(data) => (data.history.length ? <Table label="History" narrow={historyRow} columns={HISTORY} rows={data.history} rowKey={(h) => String(h.seq)} onOpen={(h) => set({ view: undefined, open: h.fingerprint }, { push: true })} /> : <Empty title="Nothing has happened yet" />)}
          </Answered>
        )}
      </div>
      <AlertDetail fingerprint={view === "alerts" && url.mute === undefined ? (url.open ?? "") : ""} onClose={() => set({ open: undefined })} />
      {url.rule !== undefined && (url.rule === "new" || rule) ? <RuleDrawer key={url.rule} known={rule} onClose={() => set({ rule: undefined })} onSaved={(id) => set({ rule: id })} /> : null}
      {url.mute !== undefined ? <MuteDrawer key={url.mute} rules={all.data} begin={{ rule: url.of, labels: url.labels }} onClose={() => set({ mute: undefined, of: undefined, labels: undefined })} /> : null}
    </div>
  );
}
