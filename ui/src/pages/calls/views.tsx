// Saved views: a filter, an order and a view under a name, in this browser.

import { Bookmark, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { Button, IconButton } from "@/components/button";
import { Field } from "@/components/choice";
import { Pop } from "@/components/menu";
import { undoable } from "@/components/undo";
import { useStored } from "@/state/stored";
import type { Search } from "@/state/url";

type Saved = { name: string; search: Search };

const KEPT = ["q", "order", "view", "from", "cols"] as const;
const USUAL: Saved[] = [
  { name: "Failed calls", search: { q: "status:error" } },
  { name: "Slowest", search: { order: "-latency" } },
  { name: "Most expensive", search: { order: "-cost" } },
];

export function Views({ search, onOpen }: { search: Search; onOpen: (search: Search) => void }) {
  const [views, setViews] = useStored<Saved[]>("views", USUAL);
  const [name, setName] = useState("");
  const [open, setOpen] = useState(false);
  const now = Object.fromEntries(KEPT.map((key) => [key, search[key]]));
  const save = () => {
    const given = name.trim();
    if (!given) return;
    setViews([...views.filter((view) => view.name !== given), { name: given, search: now }]);
    setName("");
  };
  const takeAway = (view: Saved) => {
    setViews(views.filter((other) => other !== view));
    undoable(`The view ${view.name} is gone`, () => setViews(views));
  };
  const choose = (view: Saved) => {
    onOpen(Object.fromEntries(KEPT.map((key) => [key, view.search[key]])));
    setOpen(false);
  };
  return (
    <Pop
      label="Saved views"
      className="w-72"
      open={open}
      onOpen={setOpen}
      trigger={
        <Button size="sm">
          <Bookmark aria-hidden /> Views
        </Button>
      }
    >
      <ul className="flex flex-col">
        {views.map((view) => (
          <li key={view.name} className="flex items-center gap-1">
            <Button kind="quiet" size="sm" className="min-w-0 flex-1 justify-start" onClick={() => choose(view)}>
              <span className="truncate text-text">{view.name}</span>
              <span className="ml-auto truncate font-mono text-2xs font-normal">{[view.search.q, view.search.order].filter(Boolean).join(" ")}</span>
            </Button>
            <IconButton name={`Delete ${view.name}`} size="icon-sm" onClick={() => takeAway(view)}>
              <Trash2 aria-hidden />
            </IconButton>
          </li>
        ))}
      </ul>
      <form
        className="mt-2 flex gap-1 border-t border-line pt-2"
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <Field aria-label="Name of the view" placeholder="Save what is shown as…" value={name} maxLength={60} onChange={(event) => setName(event.target.value)} />
        <Button type="submit" disabled={!name.trim()} aria-label="Save the view">
          <Plus aria-hidden />
        </Button>
      </form>
    </Pop>
  );
}
