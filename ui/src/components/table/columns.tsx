// Which columns of a table are shown and in what order: chosen in a menu, remembered by this browser.

import { ArrowDown, ArrowUp, Columns3 } from "lucide-react";
import { useStored } from "@/state/stored";
import { Button, IconButton } from "../button";
import { Pop } from "../menu";
import type { Column } from "./table";

export type Columns = { visible: Record<string, boolean>; order: string[] };

export function useColumns<T>(name: string, columns: readonly Column<T>[]): [Columns, (next: Columns) => void] {
  const usual: Columns = { visible: Object.fromEntries(columns.map((c) => [c.id, !c.optional])), order: columns.map((c) => c.id) };
  const [held, set] = useStored<Columns>(`columns-${name}`, usual);
  // A column that a newer version brings stands at its usual place and state.
  const order = [...held.order.filter((id) => usual.order.includes(id)), ...usual.order.filter((id) => !held.order.includes(id))];
  return [{ visible: { ...usual.visible, ...held.visible }, order }, set];
}

export function ColumnChooser<T>({ columns, shown, onChange }: { columns: readonly Column<T>[]; shown: Columns; onChange: (next: Columns) => void }) {
  const swap = (at: number, by: number) => {
    const order = [...shown.order];
    const [id] = order.splice(at, 1);
    if (id !== undefined) order.splice(at + by, 0, id);
    onChange({ ...shown, order });
  };
  const usual: Columns = { visible: Object.fromEntries(columns.map((c) => [c.id, !c.optional])), order: columns.map((c) => c.id) };
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
      <Button kind="quiet" size="sm" className="mt-1" onClick={() => onChange(usual)}>
        As it was
      </Button>
    </Pop>
  );
}
