// When nothing is told: silences that people set for once, and times of the week that rules name.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { BellOff, Plus, X } from "lucide-react";
import { type FormEvent, useState } from "react";
import { toast } from "sonner";
import { Badge } from "@/components/badge";
import { Button } from "@/components/button";
import { Confirm } from "@/components/confirm";
import { Field, Segments, Select } from "@/components/choice";
import { Drawer } from "@/components/drawer";
import { Answered, Empty, Failed } from "@/components/state";
import { Time } from "@/components/time";
import { type Mute, type Rule, mute, mutes, unmute } from "./api";
import { Labelled } from "./rule-parts";
import { labelsOf, labelsFrom } from "./words";

const EVERY = 15_000;
const HOUR = 3_600_000;
export const LENGTHS = [
  ["1", "1 hour"],
  ["4", "4 hours"],
  ["24", "1 day"],
  ["168", "1 week"],
  ["until", "until…"],
] as const;

const key = ["alert-mutes"];

export function useMutes() {
  return useQuery({ queryKey: key, refetchInterval: EVERY, retry: false, queryFn: ({ signal }) => mutes(signal) });
}

export function Mutes({ rules }: { rules: readonly Rule[] | undefined }) {
  const found = useMutes();
  const weekly = (rules ?? []).filter((rule) => rule.rule.mute?.length);
  return (
    <div className="flex min-h-0 flex-1 flex-col overflow-y-auto">
      <Answered of={found}>
        {(list) =>
          list.length ? (
            <ul aria-label="Mutes" className="divide-y divide-line/60">
              {list.map((one) => (
                <Line key={one.id} of={one} rules={rules} />
              ))}
            </ul>
          ) : (
            <Empty title="Nothing is muted" className={weekly.length ? "py-8" : undefined}>
              <p className="max-w-prose">While alerts of a rule or with some labels are muted, they are evaluated and shown as ever, and nobody is told. What still holds when the mute ends is told then.</p>
            </Empty>
          )
        }
      </Answered>
      {weekly.length ? (
        <section className="border-t border-line px-4 py-3" aria-label="Muted every week">
          <h2 className="pb-1 font-semibold">Every week, by the rule itself</h2>
          <ul className="flex flex-col gap-1">
            {weekly.map((rule) => (
              <li key={rule.id} className="flex flex-wrap items-center gap-x-3 gap-y-0.5">
                <span className="font-medium">{rule.rule.name}</span>
                {rule.rule.mute?.map((window) => (
                  <span key={`${window.from}${window.to}`} className="text-xs text-muted">
                    {window.days?.join(", ") || "every day"} {window.from}–{window.to} {window.timezone ?? "UTC"}
                  </span>
                ))}
              </li>
            ))}
          </ul>
        </section>
      ) : null}
    </div>
  );
}

function Line({ of, rules }: { of: Mute; rules: readonly Rule[] | undefined }) {
  const client = useQueryClient();
  const end = useMutation({
    mutationFn: () => unmute(of.id),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: key });
      await client.invalidateQueries({ queryKey: ["alerts"] });
      toast.success("It is told again");
    },
    onError: (error) => toast.error(error.message),
  });
  const [asked, setAsked] = useState(false);
  const coming = Date.parse(of.starts_at) > Date.now();
  const name = rules?.find((rule) => rule.id === of.rule_id)?.rule.name ?? of.rule_id;
  const what = [name ?? "every rule", labelsOf(of.labels)].filter(Boolean).join(", ");
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2.5">
      <BellOff aria-hidden className="size-4 shrink-0 text-muted" />
      <div className="min-w-48 flex-1">
        <p className="flex flex-wrap items-center gap-1.5">
          <span className="font-medium">{name ?? "Every rule"}</span>
          {Object.entries(of.labels ?? {}).map(([label, value]) => (
            <Badge key={label}>
              {label}: {value}
            </Badge>
          ))}
        </p>
        <p className="text-xs text-muted">
          {of.reason || "without a reason"}, by {of.by}
        </p>
      </div>
      <p className="text-xs text-muted">
        {coming ? (
          <>
            begins <Time at={of.starts_at} relative />,{" "}
          </>
        ) : null}
        ends <Time at={of.ends_at} relative /> (<Time at={of.ends_at} />)
      </p>
      <Button size="sm" disabled={end.isPending} onClick={() => setAsked(true)} aria-label={`End the mute of ${what}`}>
        <X aria-hidden /> End it
      </Button>
      <Confirm open={asked} onOpen={setAsked} title={`End the mute of ${what}?`} action="End the mute" onConfirm={() => end.mutate()}>
        {coming ? "It never begins." : "What fires now is told at once."}
      </Confirm>
    </li>
  );
}

type Begin = { rule?: string; labels?: string };

// A new silence: of what, for how long, why.
export function MuteDrawer({ rules, begin, onClose }: { rules: readonly Rule[] | undefined; begin: Begin; onClose: () => void }) {
  const client = useQueryClient();
  const [rule, setRule] = useState(begin.rule ?? "");
  const [labels, setLabels] = useState(begin.labels ?? "");
  const [length, setLength] = useState<string>("4");
  const [until, setUntil] = useState("");
  const [reason, setReason] = useState("");
  const set = useMutation({
    mutationFn: () => {
      const ends = length === "until" ? new Date(until) : new Date(Date.now() + Number(length) * HOUR);
      const told = labelsFrom(labels);
      return mute({ ...(rule ? { rule_id: rule } : {}), ...(told ? { labels: told } : {}), ends_at: ends.toISOString(), reason });
    },
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: key });
      await client.invalidateQueries({ queryKey: ["alerts"] });
      toast.success("Nobody is told until it ends");
      onClose();
    },
  });
  const whole = (rule !== "" || labels.trim() !== "") && (length !== "until" || !Number.isNaN(Date.parse(until)));
  const give = (event: FormEvent) => {
    event.preventDefault();
    if (whole) set.mutate();
  };
  return (
    <Drawer open onClose={onClose} label="Mute" title="Mute alerts">
      <form onSubmit={give} className="flex flex-col gap-4 p-4">
        {set.error ? <Failed error={set.error} /> : null}
        <p className="max-w-prose text-muted">They are evaluated and shown as ever; nobody is told. What still holds at the end is told then.</p>
        <div className="grid gap-4 sm:grid-cols-2">
          <Labelled name="Of rule">
            <Select label="Of rule" className="h-8 w-full text-sm font-normal" value={rule} options={[["", "every rule"], ...(rules ?? []).map((one) => [one.id, one.rule.name] as const)]} onChange={setRule} />
          </Labelled>
          <Labelled name="Only with these labels">
            <Field value={labels} placeholder="model=gpt-4o, department=sales" onChange={(event) => setLabels(event.target.value)} />
          </Labelled>
          <Labelled name="For" wide group>
            <span className="block overflow-x-auto">
              <Segments label="For" value={length} options={LENGTHS} onChange={setLength} />
            </span>
          </Labelled>
          {length === "until" ? (
            <Labelled name="Until">
              <Field type="datetime-local" required value={until} onChange={(event) => setUntil(event.target.value)} />
            </Labelled>
          ) : null}
          <Labelled name="Why" wide>
            <Field value={reason} placeholder="The provider is being moved" maxLength={500} onChange={(event) => setReason(event.target.value)} />
          </Labelled>
        </div>
        <div className="flex items-center gap-3">
          <Button type="submit" kind="primary" disabled={!whole || set.isPending}>
            <Plus aria-hidden /> Mute
          </Button>
          {rule === "" && labels.trim() === "" ? <span className="text-xs text-muted">Choose a rule, or name labels: all alerts cannot be muted at once.</span> : null}
        </div>
      </form>
    </Drawer>
  );
}
