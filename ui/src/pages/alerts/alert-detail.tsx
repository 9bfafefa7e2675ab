// One alert: what is wrong, against what, who takes care, and what became of it.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { BellOff, BookOpen, Hand } from "lucide-react";
import { toast } from "sonner";
import { useShortcut } from "@/app/shortcuts";
import { Button, buttonClass } from "@/components/button";
import { Drawer } from "@/components/drawer";
import { Answered, Empty } from "@/components/state";
import { Time } from "@/components/time";
import { Severity } from "@/pages/anomalies/list";
import { type Alert, acknowledge, alert } from "./api";
import { Phase } from "./phase";
import { labelsOf, valueOf } from "./words";

export function AlertDetail({ fingerprint, onClose }: { fingerprint: string; onClose: () => void }) {
  const found = useQuery({ queryKey: ["alerts", "one", fingerprint], enabled: fingerprint !== "", refetchInterval: 15_000, queryFn: ({ signal }) => alert(fingerprint, signal) });
  return (
    <Drawer open={fingerprint !== ""} onClose={onClose} label="Alert" title={found.data?.alert.rule ?? "Alert"} actions={found.data && found.data.alert.state !== "resolved" ? <Take alert={found.data.alert} /> : null}>
      <Answered of={found} absent={<Empty title="There is no such alert any more" />}>
        {({ alert: a, history }) => (
          <div className="flex flex-col gap-5 p-4">
            <div className="flex flex-wrap items-center gap-2">
              <Severity severity={a.severity} />
              <Phase state={a.state} muted={a.muted} />
              <span className="text-muted">
                since <Time at={a.starts_at ?? a.since} /> {a.ends_at ? <>until <Time at={a.ends_at} /></> : null}
              </span>
            </div>
            <p className="text-base">{a.summary}</p>
            {a.description ? <p className="whitespace-pre-wrap text-muted">{a.description}</p> : null}
            <dl className="grid max-w-xl grid-cols-2 gap-x-6 gap-y-1">
              <Fact name="Value" value={valueOf(a.value, a.unit)} />
              <Fact name="Threshold" value={valueOf(a.threshold, a.unit)} />
              <Fact name="Rests on" value={String(a.samples)} />
              <Fact name="Tells" value={a.channels.join(", ") || "nobody"} />
              {Object.entries(a.labels).map(([name, value]) => (
                <Fact key={name} name={name} value={value} />
              ))}
            </dl>
            {a.ack ? (
              <p className="rounded-md bg-tint px-3 py-2">
                {a.ack.by} takes care of it{a.ack.note ? `: ${a.ack.note}` : ""}
              </p>
            ) : null}
            <div className="flex flex-wrap gap-2">
              {a.runbook_url && /^https?:/.test(a.runbook_url) ? (
                <a href={a.runbook_url} target="_blank" rel="noreferrer" className={buttonClass({ size: "sm" })}>
                  <BookOpen aria-hidden /> What to do
                </a>
              ) : null}
              {a.anomaly ? (
                <Link to="/anomalies" search={{ open: a.anomaly.id }} className={buttonClass({ size: "sm" })}>
                  The anomaly
                </Link>
              ) : null}
              <Link to="/alerts" search={{ view: "rules", rule: a.rule_id }} className={buttonClass({ size: "sm" })}>
                The rule
              </Link>
              <Link to="/alerts" search={{ view: "mutes", mute: "new", of: a.rule_id, labels: labelsOf(a.labels) || undefined }} className={buttonClass({ size: "sm" })}>
                <BellOff aria-hidden /> Mute
              </Link>
            </div>
            <section>
              <h3 className="pb-1 font-semibold">History</h3>
              <ol className="divide-y divide-line/60">
                {history.map((line) => (
                  <li key={line.seq} className="flex items-center gap-3 py-1.5">
                    <Time at={line.at} className="w-36 shrink-0 text-muted" />
                    <Phase state={line.state} />
                    <span className="min-w-0 truncate">{line.event ?? line.summary}</span>
                    <span className="num ml-auto shrink-0 text-muted">{valueOf(line.value, a.unit)}</span>
                  </li>
                ))}
              </ol>
            </section>
          </div>
        )}
      </Answered>
    </Drawer>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div className="flex gap-2">
      <dt className="w-24 shrink-0 text-muted">{name}</dt>
      <dd className="num min-w-0 truncate">{value}</dd>
    </div>
  );
}

function Take({ alert: a }: { alert: Alert }) {
  const client = useQueryClient();
  const take = useMutation({
    mutationFn: () => acknowledge(a.fingerprint, ""),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["alerts"] });
      toast.success("It is yours until it is over");
    },
    onError: (error) => toast.error(error.message),
  });
  useShortcut("a", "Take care of the alert", () => take.mutate(), { off: a.ack !== null });
  return (
    <Button size="sm" disabled={take.isPending || a.ack !== null} onClick={() => take.mutate()}>
      <Hand aria-hidden /> {a.ack ? `Taken by ${a.ack.by}` : "Take care"}
    </Button>
  );
}
