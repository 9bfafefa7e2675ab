// The turns of a conversation that is tried, each to be edited.

import { Braces, Plus, X } from "lucide-react";
import { Badge } from "@/components/badge";
import { Button, IconButton } from "@/components/button";
import { Select } from "@/components/choice";
import { cx } from "@/components/classes";
import { type Draft, ROLES, type Turn } from "./draft";

export const area = "min-h-20 w-full resize-y rounded-md border border-line bg-panel px-2.5 py-2 font-mono text-xs leading-5 text-text hover:border-strong";

const lines = (text: string) => Math.min(Math.max(text.split("\n").length, Math.ceil(text.length / 110), 2), 14);

export function Turns({ draft, onChange, onRun }: { draft: Draft; onChange: (draft: Draft) => void; onRun: () => void }) {
  const { turns } = draft;
  const set = (n: number, change: Partial<Turn>) => onChange({ ...draft, turns: turns.map((turn, m) => (m === n ? { ...turn, ...change } : turn)) });
  const remove = (n: number) => onChange({ ...draft, turns: turns.filter((_, m) => m !== n) });
  const add = () => onChange({ ...draft, turns: [...turns, { role: turns.at(-1)?.role === "user" ? "assistant" : "user", text: "" }] });
  const runs = (event: React.KeyboardEvent) => (event.ctrlKey || event.metaKey) && event.key === "Enter" && onRun();
  return (
    <div className="flex flex-col gap-3">
      <ol className="flex flex-col gap-3" aria-label="Turns">
        {turns.map((turn, n) => (
          <li key={n} className="flex flex-col gap-1">
            <div className="flex h-7 items-center gap-2">
              <Select label={`Role of turn ${n + 1}`} value={turn.role} options={[...new Set([...ROLES, turn.role])].map((role) => [role, role] as const)} onChange={(role) => set(n, { role })} />
              {turn.raw ? <Badge title="Parts or calls of tools: edited as JSON">JSON</Badge> : null}
              {turns.length > 1 ? (
                <IconButton name={`Take turn ${n + 1} away`} size="icon-sm" className="ml-auto" onClick={() => remove(n)}>
                  <X aria-hidden />
                </IconButton>
              ) : null}
            </div>
            <textarea aria-label={`Turn ${n + 1}, ${turn.role}`} className={cx(area, "min-h-0")} rows={lines(turn.text)} value={turn.text} onChange={(event) => set(n, { text: event.target.value })} onKeyDown={runs} />
          </li>
        ))}
      </ol>
      <div>
        <Button size="sm" onClick={add}>
          <Plus aria-hidden /> Turn
        </Button>
      </div>
      <details open={draft.rest !== ""}>
        <summary className="flex w-fit cursor-pointer items-center gap-1.5 text-xs text-muted">
          <Braces className="size-3.5" aria-hidden /> What else is sent
        </summary>
        <textarea aria-label="What else is sent" placeholder='{"temperature": 0.2}' className={cx(area, "mt-1")} rows={lines(draft.rest)} value={draft.rest} onChange={(event) => onChange({ ...draft, rest: event.target.value })} onKeyDown={runs} />
      </details>
    </div>
  );
}
