// Which columns of a table are shown and in what order: chosen in a menu, remembered by this browser, and in the address, so
// that a link shows what its sender saw. A link's columns hold as long as one stays; one's own are kept.

import { ArrowDown, ArrowUp, Columns3 } from "lucide-react";
import { useEffect } from "react";
import { useStored } from "@/state/stored";
import { useParam } from "@/state/url";
import { Button, IconButton } from "../button";
import { Pop } from "../menu";
import type { Column } from "./table";

export type Columns = { visible: Record<string, boolean>; order: string[] };

const usualOf = <T,>(columns: readonly Column<T>[]): Columns => ({ visible: Object.fromEntries(columns.map((c) => [c.id, !c.optional])), order: columns.map((c) => c.id) });

// The shown ones in their order: `time,status,cost`. Pure.
export const written = ({ visible, order }: Columns) => order.filter((id) => visible[id]).join(",");

export function read(text: string, usual: Columns): Columns {
  const shown = text.split(",").filter((id) => usual.order.includes(id));
  const rest = usual.order.filter((id) => !shown.includes(id));
  return { visible: Object.fromEntries(usual.order.map((id) => [id, shown.includes(id)])), order: [...shown, ...rest] };
}

export function useColumns<T>(name: string, columns: readonly Column<T>[]): [Columns, (next: Columns) => void] {
  const usual = usualOf(columns);
  const [held, keep] = useStored<Columns>(`columns-${name}`, usual);
  const [linked, link] = useParam("cols");
  // A column that a newer version brings stands at its usual place and state.
  const order = [...held.order.filter((id) => usual.order.includes(id)), ...usual.order.filter((id) => !held.order.includes(id))];
  const own: Columns = { visible: { ...usual.visible, ...held.visible }, order };
  const text = written(own) === written(usual) ? "" : written(own);
  useEffect(() => {
    if (!linked && text) link(text);
  }, [linked, text, link]);
  const choose = (next: Columns) => {
    keep(next);
    link(written(next) === written(usual) ? undefined : written(next));
  };
  return [linked ? read(linked, usual) : own, choose];
}

export function ColumnChooser<T>({ columns, shown, onChange }: { columns: readonly Column<T>[]; shown: Columns; onChange: (next: Columns) => void }) {
  const swap = (at: number, by: number) => {
    const order = [...shown.order];
    const [id] = order.splice(at, 1);
    if (id !== undefined) order.splice(at + by, 0, id);
    onChange({ ...shown, order });
  };
  return (
    <Pop
      label="Columns"
      className="w-64"
      trigger={
        <Button size="sm">
          <Columns3 aria-hidden /> Columns
        </Button>
      }
    >
      <ul>
        {shown.order.map((id, n) => {
          const column = columns.find((c) => c.id === id);
          if (!column) return null;
          return (
            <li key={id} className="flex h-8 items-center gap-1">
              <label className="flex min-w-0 flex-1 items-center gap-2">
                <input
                  type="checkbox"
                  className="accent-(--accent)"
                  checked={shown.visible[id] ?? true}
                  onChange={(event) => onChange({ ...shown, visible: { ...shown.visible, [id]: event.target.checked } })}
                />
                <span className="truncate">{column.head}</span>
              </label>
              <IconButton name={`${column.head} further left`} size="icon-sm" disabled={n === 0} onClick={() => swap(n, -1)}>
                <ArrowUp aria-hidden />
              </IconButton>
              <IconButton name={`${column.head} further right`} size="icon-sm" disabled={n === shown.order.length - 1} onClick={() => swap(n, 1)}>
                <ArrowDown aria-hidden />
              </IconButton>
            </li>
          );
        })}
      </ul>
      <Button kind="quiet" size="sm" className="mt-1" onClick={() => onChange(usualOf(columns))}>
        As it was
      </Button>
    </Pop>
  );
}
