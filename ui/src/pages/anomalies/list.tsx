// The columns of the list.

import type { Anomaly } from "@/api/client";
import { Badge, type Tone } from "@/components/badge";
import type { Column } from "@/components/table/table";
import { TwoLines } from "@/components/table/two-lines";
import { Time } from "@/components/time";
import { millis, percent } from "@/format/number";
import { metricName, metricValue } from "@/pages/overview/metric";

const TONES: Record<string, Tone> = { critical: "bad", warning: "warn", info: "plain" };

export function Severity({ severity }: { severity: string }) {
  return (
    <Badge tone={TONES[severity] ?? "plain"}>
      <span aria-hidden className="size-1.5 rounded-full bg-current" />
      {severity}
    </Badge>
  );
}

export function State({ anomaly }: { anomaly: Anomaly }) {
  if (anomaly.state === "firing") return <Badge tone="bad">goes on</Badge>;
  const ms = anomaly.ended_at ? Date.parse(anomaly.ended_at) - Date.parse(anomaly.onset) : undefined;
  return <Badge>{ms === undefined ? "over" : `over after ${millis(ms)}`}</Badge>;
}

export const narrowRow = (a: Anomaly) => (
  <TwoLines lead={<Severity severity={a.severity} />} title={metricName(a.metric)} right={<Time at={a.onset} />}>
    <span className="text-text">{metricValue(a.metric, a.value)}</span>
    <span>usually {metricValue(a.metric, a.expected)}</span>
    <span>{a.causes[0]?.value ?? "everywhere"}</span>
  </TwoLines>
);

export const COLUMNS: readonly Column<Anomaly>[] = [
  { id: "severity", head: "Severity", width: "6.5rem", cell: (a) => <Severity severity={a.severity} /> },
  { id: "metric", head: "What", width: "minmax(14.5rem, 1fr)", cell: (a) => <span className="font-medium">{metricName(a.metric)}</span> },
  { id: "value", head: "Value", width: "6rem", number: true, cell: (a) => metricValue(a.metric, a.value) },
  { id: "usual", head: "Usually", width: "6rem", number: true, cell: (a) => <span className="text-muted">{metricValue(a.metric, a.expected)}</span> },
  {
    id: "cause",
    head: "Why",
    width: "minmax(13.5rem, 1.2fr)",
    cell: (a) => {
      const cause = a.causes[0];
      return cause ? (
        <>
          {cause.value} <span className="text-muted">{cause.share > 1 ? "all of it" : percent(cause.share)}</span>
        </>
      ) : (
        <span className="text-muted">everywhere</span>
      );
    },
  },
  { id: "onset", head: "Since", width: "9.5rem", cell: (a) => <Time at={a.onset} /> },
  { id: "state", head: "State", width: "10.5rem", cell: (a) => <State anomaly={a} /> },
  { id: "feedback", head: "Said", width: "6.5rem", cell: (a) => (a.feedback ? <Badge tone="accent">{a.feedback.replace("_", " ")}</Badge> : null) },
  { id: "project", head: "Project", width: "11rem", cell: (a) => a.project, optional: true },
];
