// One anomaly: how far from what is usual, why, where it shows, and what people say of it.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Check, ListTree, Repeat } from "lucide-react";
import { toast } from "sonner";
import { type Anomaly, type Schema, api, unwrap } from "@/api/client";
import { Badge } from "@/components/badge";
import { Button, buttonClass } from "@/components/button";
import { Bars } from "@/components/chart/bars";
import { Drawer } from "@/components/drawer";
import { Answered, Empty } from "@/components/state";
import { Time } from "@/components/time";
import { useShortcut } from "@/app/shortcuts";
import { percent } from "@/format/number";
import { metricName, metricValue } from "@/pages/overview/metric";
import { write } from "@/state/query";
import { requestsOf } from "@/pages/workflows/requests";
import { BandChart, useSeries } from "./band-chart";
import { Severity, State } from "./list";

type Branch = Schema["AnomalySeries"]["branch"];

const FILTERS = ["model", "provider", "department", "prompt_version", "key", "status"];

// The calls of its cause, as the list is asked for them; of a branch the decisions that went there.
function callsOf(anomaly: Anomaly, branch: Branch): string {
  if (branch) return requestsOf(branch.workflow || "-", branch.from, branch.to);
  const cause = anomaly.causes.find((c) => FILTERS.includes(c.dimension));
  return [write("project", anomaly.project), ...(cause ? [write(cause.dimension, cause.value)] : [])].join(" ");
}

const span = (anomaly: Anomaly) => ({ from: anomaly.onset, to: anomaly.ended_at ?? undefined });

export function Detail({ id, known, onClose }: { id: string; known: Anomaly | undefined; onClose: () => void }) {
  const found = useQuery({
    queryKey: ["anomaly", id],
    enabled: id !== "",
    initialData: known,
    queryFn: ({ signal }) => unwrap(api.GET("/api/v1/anomalies/{id}", { params: { path: { id } }, signal })),
  });
  const anomaly = found.data;
  return (
    <Drawer open={id !== ""} onClose={onClose} label="Anomaly" title={anomaly ? `${metricName(anomaly.metric)} in ${anomaly.project}` : "Anomaly"} actions={anomaly ? <Feedback anomaly={anomaly} /> : null}>
      <Answered of={found} absent={<Empty title="There is no such anomaly any more" />}>
        {(data) => <Body anomaly={data} />}
      </Answered>
    </Drawer>
  );
}

function Body({ anomaly }: { anomaly: Anomaly }) {
  const navigate = useNavigate();
  const branch = useSeries(anomaly).data?.branch;
  const behind = (from: number, to: number) =>
    void navigate({ to: "/calls", search: { q: callsOf(anomaly, branch), from: new Date(from).toISOString(), to: new Date(to).toISOString() } });
  return (
    <div className="flex flex-col gap-5 p-4">
      <div className="flex flex-wrap items-center gap-2">
        <Severity severity={anomaly.severity} />
        <State anomaly={anomaly} />
        <Badge>{anomaly.kind}</Badge>
        <span className="text-muted">
          since <Time at={anomaly.onset} /> {anomaly.ended_at ? <>until <Time at={anomaly.ended_at} /></> : null} · noticed <Time at={anomaly.detected_at} />
        </span>
      </div>
      <p className="text-base">
        <strong className="num font-semibold">{metricValue(anomaly.metric, anomaly.value)}</strong> where{" "}
        <strong className="num font-semibold">{metricValue(anomaly.metric, anomaly.expected)}</strong> would be normal{" "}
        <span className="text-muted">
          ({metricValue(anomaly.metric, anomaly.lower)} to {metricValue(anomaly.metric, anomaly.upper)}; {anomaly.baseline})
        </span>
      </p>
      <BandChart anomaly={anomaly} onPick={behind} />
      <section>
        <h3 className="pb-1 font-semibold">Why</h3>
        {anomaly.causes.length ? (
          <Bars
            bars={anomaly.causes.map((cause) => ({
              name: `${cause.dimension.replace("_", " ")}: ${cause.value}${cause.effect === "mix" ? " (more or less of it)" : ""}`,
              value: Math.abs(cause.share),
              title: cause.effect === "mix" ? "There is more or less of it than usual" : "It behaves otherwise than usual",
            }))}
            format={(value) => `${percent(value)} of the change`}
          />
        ) : (
          <p className="text-muted">No single model, provider, department or prompt explains it: it is everywhere.</p>
        )}
      </section>
      <section>
        <h3 className="pb-1 font-semibold">Where it shows</h3>
        <div className="flex flex-wrap gap-2">
          {anomaly.examples.map((trace) => (
            <Link key={trace} to="/traces/$trace" params={{ trace }} className={buttonClass({ size: "sm" })}>
              <span className="font-mono">{trace.slice(0, 13)}…</span>
            </Link>
          ))}
          <Link to="/calls" search={{ q: callsOf(anomaly, branch), ...span(anomaly) }} className={buttonClass({ size: "sm" })}>
            <ListTree aria-hidden /> {branch ? "All such decisions of that time" : "All calls of that time"}
          </Link>
        </div>
      </section>
    </div>
  );
}

// Learned from at once: `e` expected, `n` new normal.
function Feedback({ anomaly }: { anomaly: Anomaly }) {
  const client = useQueryClient();
  const say = useMutation({
    mutationFn: (feedback: "expected" | "new_normal") =>
      unwrap(api.POST("/api/v1/anomalies/{id}/feedback", { params: { path: { id: anomaly.id } }, body: { feedback } })),
    onSuccess: (said) => {
      client.setQueryData(["anomaly", anomaly.id], said);
      void client.invalidateQueries({ queryKey: ["anomalies"] });
      toast.success(said.feedback === "expected" ? "Noted: this is judged less strictly" : "Noted: the baseline begins anew");
    },
    onError: (error) => toast.error(error.message),
  });
  useShortcut("e", "It was expected", () => say.mutate("expected"));
  useShortcut("n", "It is the new normal", () => say.mutate("new_normal"));
  const given = anomaly.feedback;
  return (
    <>
      <Button size="sm" disabled={say.isPending} aria-pressed={given === "expected"} onClick={() => say.mutate("expected")} title="No problem: judge this less strictly">
        {given === "expected" ? <Check aria-hidden className="text-ok" /> : null} Expected
      </Button>
      <Button size="sm" disabled={say.isPending} aria-pressed={given === "new_normal"} onClick={() => say.mutate("new_normal")} title="It stays so: the baseline begins anew">
        {given === "new_normal" ? <Check aria-hidden className="text-ok" /> : <Repeat aria-hidden />} New normal
      </Button>
    </>
  );
}
