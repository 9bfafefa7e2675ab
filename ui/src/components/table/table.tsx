// A table of any length: only the rows in sight are in the page. Columns can be hidden, moved and sorted by; j and k walk
// through the rows, Enter opens one.

import { type ColumnDef, getCoreRowModel, useReactTable } from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, ArrowUp } from "lucide-react";
import { type KeyboardEvent, type ReactNode, memo, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useShortcut } from "@/app/shortcuts";
import { cx } from "../classes";
import { useNarrow } from "../narrow";
import type { Columns } from "./columns";

export type Column<T> = {
  id: string;
  // What stands in the head; `about` explains it on hover.
  head: string;
  about?: string;
  cell: (row: T) => ReactNode;
  // As CSS grid takes it: `9rem`, `minmax(12rem, 1fr)`.
  width: string;
  // Numbers stand right.
  number?: boolean;
  // By what the server orders; without it the column cannot be sorted by.
  order?: string;
  // Hidden until chosen.
  optional?: boolean;
};

type Props<T> = {
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string;
  // Which columns are shown; `useColumns` keeps it.
  shown?: Columns;
  // The key of the row that is open.
  open?: string;
  onOpen?: (row: T) => void;
  // `latency`, or `-latency` for the greatest first.
  order?: string;
  onOrder?: (order: string) => void;
  // Called when the end comes into sight.
  onEnd?: () => void;
  foot?: ReactNode;
  // A row that asks for attention.
  tone?: (row: T) => string | undefined;
  className?: string;
  // A row on a phone, where there is no room for columns: two lines instead.
  narrow?: (row: T) => ReactNode;
  // Told when the list is scrolled away from its beginning, or back.
  onTop?: (top: boolean) => void;
};

const ROW = 34;
const TWO_LINES = 54;

// The least width of a column: `12rem` of `minmax(12rem, 1fr)`.
const least = (width: string) => /^minmax\(([^,]+),/.exec(width)?.[1] ?? width;

export function Table<T>(props: Props<T>) {
  const { label, columns, rows, rowKey, shown, open, onOpen, order, onOrder, onEnd, foot, tone, className, onTop } = props;
  const phone = useNarrow();
  const narrow = phone ? props.narrow : undefined;
  const height = narrow ? TWO_LINES : ROW;
  const frame = useRef<HTMLDivElement>(null);
  const [cursor, setCursor] = useState(-1);

  const definitions = useMemo(() => columns.map((column): ColumnDef<T> => ({ id: column.id, header: column.head, cell: ({ row }) => column.cell(row.original) })), [columns]);
  const table = useReactTable({
    data: rows as T[],
    columns: definitions,
    getCoreRowModel: getCoreRowModel(),
    getRowId: rowKey,
    state: { columnVisibility: shown?.visible ?? {}, columnOrder: shown?.order ?? [] },
  });
  const leaves = table.getVisibleLeafColumns();
  const of = (id: string) => columns.find((column) => column.id === id);
  const seen = useMemo(() => leaves.map((leaf) => columns.find((column) => column.id === leaf.id)).filter((column) => column !== undefined), [leaves, columns]);
  const widths = leaves.map((leaf) => of(leaf.id)?.width ?? "8rem");
  // Head and rows are as wide as one another, whatever stands in them.
  const size = { gridTemplateColumns: widths.join(" "), minWidth: `calc(${widths.map(least).join(" + ")})` };

  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => frame.current, estimateSize: () => height, overscan: 12 });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (rows.length && last >= rows.length - 20) onEnd?.();
  }, [last, rows.length, onEnd]);

  const at = open === undefined ? cursor : rows.findIndex((row) => rowKey(row) === open);
  const focus = useCallback((index: number) => frame.current?.querySelector<HTMLElement>(`[data-index="${index}"]`)?.focus({ preventScroll: true }), []);

  // Whoever closes what was open goes on from its row.
  const opened = useRef(-1);
  useEffect(() => {
    if (open !== undefined) opened.current = at;
    else if (opened.current >= 0) {
      setCursor(opened.current);
      focus(opened.current);
      opened.current = -1;
    }
  }, [open, at, focus]);

  // The row heights change with the width of the page.
  useEffect(() => virtual.measure(), [height, virtual]);
  const move = useCallback(
    (by: number) => {
      const next = Math.max(0, Math.min(rows.length - 1, at + by));
      const row = rows[next];
      if (!row) return;
      setCursor(next);
      virtual.scrollToIndex(next);
      if (open !== undefined) onOpen?.(row);
      else requestAnimationFrame(() => focus(next));
    },
    [at, rows, open, onOpen, virtual, focus],
  );
  const listed = onOpen !== undefined && rows.length > 0;
  useShortcut("j", "Next row", () => move(1), { off: !listed });
  useShortcut("k", "Row before", () => move(-1), { off: !listed });

  const press = (event: KeyboardEvent, index: number) => {
    const row = rows[index];
    if (event.key === "Enter" && row && event.target === event.currentTarget) onOpen?.(row);
    else if (event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowUp") move(-1);
    else return;
    event.preventDefault();
  };

  return (
    <div
      ref={frame}
      role="grid"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      tabIndex={rows.length && onOpen ? undefined : 0}
      onScroll={(event) => onTop?.(event.currentTarget.scrollTop < ROW)}
      className={cx("min-h-0 flex-1 overflow-auto text-[0.93rem]", className)}
    >
      <div role="rowgroup" className={narrow ? "sr-only" : "sticky top-0 z-10 bg-panel"}>
        <div role="row" aria-rowindex={1} className="grid h-8 items-center border-b border-line bg-panel text-xs font-medium text-muted" style={size}>
          {leaves.map((leaf) => {
            const column = of(leaf.id);
            if (!column) return null;
            const by = order?.replace(/^-/, "") === column.order && column.order !== undefined;
            const down = order?.startsWith("-");
            return (
              <div key={leaf.id} role="columnheader" aria-sort={by ? (down ? "descending" : "ascending") : undefined} title={column.about} className={cx("truncate px-3", column.number && "text-right")}>
                {column.order && onOrder ? (
                  <button type="button" onClick={() => onOrder(by && down ? (column.order as string) : `-${column.order}`)} className={cx("inline-flex items-center gap-1 rounded hover:text-text", by && "text-text")}>
                    {column.head}
                    {by ? down ? <ArrowDown className="size-3" aria-hidden /> : <ArrowUp className="size-3" aria-hidden /> : null}
                  </button>
                ) : (
                  column.head
                )}
              </div>
            );
          })}
        </div>
      </div>
      <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
        {items.map((item) => {
          const row = table.getRowModel().rows[item.index];
          if (!row) return null;
          const isOpen = row.id === open;
          return (
            <div
              key={row.id}
              role="row"
              data-index={item.index}
              aria-rowindex={item.index + 2}
              aria-selected={onOpen ? isOpen : undefined}
              tabIndex={onOpen ? (item.index === Math.max(at, 0) ? 0 : -1) : undefined}
              onClick={onOpen ? () => (setCursor(item.index), onOpen(row.original)) : undefined}
              onKeyDown={onOpen ? (event) => press(event, item.index) : undefined}
              className={cx(
                "absolute top-0 left-0 grid w-full items-center border-b border-line/60 -outline-offset-2 hover:bg-sunken",
                onOpen && "cursor-pointer",
                tone?.(row.original),
                isOpen && "bg-tint hover:bg-tint",
              )}
              style={{ ...(narrow ? { gridTemplateColumns: "minmax(0, 1fr)" } : size), height, transform: `translateY(${item.start}px)` }}
            >
              {narrow ? <div role="gridcell">{narrow(row.original)}</div> : <Cells row={row.original} columns={seen} />}
            </div>
          );
        })}
      </div>
      {foot}
    </div>
  );
}

// A row's own cells: a scrolled list moves many rows in each frame and has few new ones.
const Cells = memo(function Cells<T>({ row, columns }: { row: T; columns: readonly Column<T>[] }) {
  return columns.map((column) => (
    <div key={column.id} role="gridcell" className={cx("truncate px-3", column.number && "num text-right")}>
      {column.cell(row)}
    </div>
  ));
}) as <T>(props: { row: T; columns: readonly Column<T>[] }) => ReactNode;
