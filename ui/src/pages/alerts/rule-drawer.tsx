// A rule: its form, or its JSON for what the form does not have; a dry run over the last 14 days; saved over the API.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { FlaskConical, Trash2 } from "lucide-react";
import { useState } from "react";
import { toast } from "sonner";
import { Button } from "@/components/button";
import { Segments } from "@/components/choice";
import { Code } from "@/components/code";
import { Confirm } from "@/components/confirm";
import { Drawer } from "@/components/drawer";
import { Failed } from "@/components/state";
import { Time } from "@/components/time";
import { type Rule, type RuleDoc, dryRun, historyOf, remove, save } from "./api";
import { DryRunResult } from "./dry-run";
import { Phase } from "./phase";
import { RuleForm } from "./rule-form";
import { asks } from "./words";

const NEW: RuleDoc = { name: "", enabled: true, severity: "critical", source: "metric", metric: { measure: "error_ratio" }, group_by: ["model"], window: "10m", condition: { op: ">", warn: 0.05, crit: 0.2, recover: 0.02 }, for: "2m" };

export function RuleDrawer({ known, onClose, onSaved }: { known: Rule | undefined; onClose: () => void; onSaved: (id: string) => void }) {
  const [doc, setDoc] = useState<RuleDoc>(known?.rule ?? NEW);
  const [text, setText] = useState<string>();
  const [wrong, setWrong] = useState<string>();
  const [asked, setAsked] = useState<"delete" | "leave">();
  const client = useQueryClient();
  const fixed = known !== undefined && known.origin !== "api";
  const tried = useMutation({ mutationFn: () => dryRun(named(doc)) });
  const kept = useMutation({
    mutationFn: () => save(doc, known),
    onSuccess: async (rule) => {
      await client.invalidateQueries({ queryKey: ["alert-rules"] });
      toast.success(known ? "The rule is changed" : "The rule is made");
      onSaved(rule.id);
    },
  });
  const gone = useMutation({
    mutationFn: () => remove(known?.id ?? ""),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["alert-rules"] });
      toast.success("The rule is gone");
      onClose();
    },
    onError: (error) => toast.error(error.message),
  });
  const asText = text !== undefined;
  const changed = !fixed && (wrong !== undefined || JSON.stringify(doc) !== JSON.stringify(known?.rule ?? NEW));
  const close = () => (changed ? setAsked("leave") : onClose());
  const edit = (next: string) => {
    setText(next);
    try {
      setDoc(JSON.parse(next) as RuleDoc);
      setWrong(undefined);
    } catch (error) {
      setWrong(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <Drawer
      open
      onClose={close}
      label="Rule"
      title={known ? known.rule.name : "A new rule"}
      actions={
        <>
          <Button size="sm" disabled={tried.isPending || wrong !== undefined} onClick={() => tried.mutate()}>
            <FlaskConical aria-hidden /> {tried.isPending ? "Trying…" : "Dry run"}
          </Button>
          {fixed ? null : (
            <Button size="sm" kind="primary" disabled={kept.isPending || wrong !== undefined || !doc.name} onClick={() => kept.mutate()}>
              Save
            </Button>
          )}
          {known && !fixed ? (
            <Button size="sm" kind="danger" disabled={gone.isPending} onClick={() => setAsked("delete")} aria-label="Delete the rule">
              <Trash2 aria-hidden />
            </Button>
          ) : null}
        </>
      }
    >
      <div className="flex flex-col gap-4 p-4">
        {known?.problem || known?.error ? <Failed error={new Error(known.problem ?? known.error ?? "")} /> : null}
        {kept.error ? <Failed error={kept.error} /> : null}
        {tried.error ? <Failed error={tried.error} /> : null}
        <p className="text-muted">{asks(doc)}</p>
        {fixed ? (
          <>
            <p className="rounded-md bg-sunken px-3 py-2 text-xs">{known.origin === "file" ? `It stands in ${known.file}: change it there.` : "It comes from a budget or an objective of the configuration: change it there."}</p>
            <Code text={JSON.stringify(doc, null, 2)} label="rule" />
          </>
        ) : (
          <>
            <div>
              <Segments label="Edit as" value={asText ? "json" : "form"} options={[["form", "Form"], ["json", "JSON"]]} onChange={(value) => (value === "json" ? setText(JSON.stringify(doc, null, 2)) : wrong === undefined && setText(undefined))} />
            </div>
            {asText ? (
              <>
                <textarea aria-label="The rule as JSON" spellCheck={false} value={text} onChange={(event) => edit(event.target.value)} className="min-h-80 w-full resize-y rounded-md border border-line bg-panel px-2.5 py-2 font-mono text-xs leading-5" />
                {wrong ? <Failed error={new Error(wrong)} /> : null}
              </>
            ) : (
              <RuleForm doc={doc} onChange={setDoc} />
            )}
          </>
        )}
        {tried.data ? <DryRunResult of={tried.data} /> : null}
        {known ? <RuleHistory id={known.id} /> : null}
      </div>
      <Confirm open={asked === "delete"} onOpen={(open) => setAsked(open ? "delete" : undefined)} title={`Delete the rule “${known?.rule.name}”?`} action="Delete the rule" onConfirm={() => gone.mutate()}>
        {known?.firing ? `Its ${known.firing === 1 ? "alert ends" : `${known.firing} alerts end`}, and who was told of ${known.firing === 1 ? "it" : "them"} is told so. ` : ""}It cannot be brought back. To silence it for a time, mute it or switch it off.
      </Confirm>
      <Confirm open={asked === "leave"} onOpen={(open) => setAsked(open ? "leave" : undefined)} title={known ? `Leave “${known.rule.name}” as it was?` : "Leave the new rule?"} action="Leave it" onConfirm={onClose}>
        What you changed is not saved.
      </Confirm>
    </Drawer>
  );
}

// What became of its alerts, newest first.
function RuleHistory({ id }: { id: string }) {
  const past = useQuery({ queryKey: ["alerts", "history", id], retry: false, refetchInterval: 15_000, queryFn: ({ signal }) => historyOf(id, signal) });
  const lines = past.data?.history ?? [];
  return (
    <section aria-label="History of the rule">
      <div className="flex items-center gap-3 pb-1">
        <h3 className="font-semibold">History</h3>
        <Link to="/alerts" search={{ view: "mutes", mute: "new", of: id }} className="ml-auto text-xs text-accent hover:underline">
          Mute this rule
        </Link>
      </div>
      {lines.length ? (
        <ol className="divide-y divide-line/60">
          {lines.map((line) => (
            <li key={line.seq} className="flex items-center gap-3 py-1.5">
              <Time at={line.at} className="w-36 shrink-0 text-muted" />
              <Phase state={line.state} />
              <span className="min-w-0 truncate">{line.summary}</span>
            </li>
          ))}
        </ol>
      ) : (
        <p className="text-muted">{past.isPending ? "…" : "Nothing yet: it has told nobody."}</p>
      )}
    </section>
  );
}

// A dry run needs a name as well, which one may not have thought of yet.
const named = (doc: RuleDoc): RuleDoc => (doc.name ? doc : { ...doc, name: "dry run" });
