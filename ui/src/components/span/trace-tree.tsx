// The steps of a trace as a tree beside a waterfall; only the rows in sight are in the page.

import { useVirtualizer } from "@tanstack/react-virtual";
import { ChevronRight } from "lucide-react";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import type { Schema } from "@/api/client";
import { useShortcut } from "@/app/shortcuts";
import { count, dollars, millis } from "@/format/number";
import { cx } from "../classes";
import { useNarrow } from "../narrow";
import { Kind, kindColour } from "./kind";
import { type Row, isFailed, rowsOf, visible } from "./tree";

type Props = {
  path: Schema["PathAnswer"];
  selected: string | undefined;
  onSelect: (span: string) => void;
  // Whether j and k walk through the steps.
  keys?: boolean;
  className?: string;
};

const HEIGHT = 30;
const INDENT = 14;
const DEEPEST = 16;

export function TraceTree({ path, selected, onSelect, keys = false, className }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const narrow = useNarrow();
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const all = useMemo(() => rowsOf(path.steps), [path]);
  const rows = useMemo(() => visible(all, closed), [all, closed]);
  const whole = path.total_ms || 1;
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => frame.current, estimateSize: () => HEIGHT, overscan: 20 });
  const at = rows.findIndex((row) => row.step.span_id === selected);

  useEffect(() => {
    if (at >= 0) virtual.scrollToIndex(at);
    // Only when another step is chosen, not with every row that opens.
    // oxlint-disable-next-line exhaustive-deps
  }, [selected]);

  const go = (to: number, focus: boolean) => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, to))];
    if (!row) return;
    onSelect(row.step.span_id);
    if (focus) requestAnimationFrame(() => requestAnimationFrame(() => frame.current?.querySelector<HTMLElement>(`[data-span="${row.step.span_id}"]`)?.focus({ preventScroll: true })));
  };
  useShortcut("j", "Next step", () => go(at + 1, false), { off: !keys });
  useShortcut("k", "Step before", () => go(at - 1, false), { off: !keys });

  const toggle = (row: Row, open: boolean) => {
    if (!row.children) return;
    const next = new Set(closed);
    if (open) next.delete(row.step.span_id);
    else next.add(row.step.span_id);
    setClosed(next);
  };
  const press = (event: KeyboardEvent, row: Row, n: number) => {
    const open = !closed.has(row.step.span_id);
    if (event.key === "ArrowDown") go(n + 1, true);
    else if (event.key === "ArrowUp") go(n - 1, true);
    else if (event.key === "ArrowRight" && row.children && !open) toggle(row, true);
    else if (event.key === "ArrowRight") go(n + 1, true);
    else if (event.key === "ArrowLeft" && row.children && open) toggle(row, false);
    else if (event.key === "ArrowLeft") go(rows.findLastIndex((other, o) => o < n && other.depth < row.depth), true);
    else if (event.key === "Enter" || event.key === " ") onSelect(row.step.span_id);
    else return;
    event.preventDefault();
  };

  return (
    <div ref={frame} role="tree" aria-label="Steps of the trace" className={cx("@container min-h-0 overflow-auto text-[0.93rem]", className)}>
      <div className="relative" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index];
          if (!row) return null;
          const { step } = row;
          const open = !closed.has(step.span_id);
          const chosen = step.span_id === selected;
          const left = ((step.offset_ms ?? 0) / whole) * 100;
          const width = ((step.duration_ms ?? 0) / whole) * 100;
          return (
            <div
              key={`${step.trace_id}${step.span_id}`}
              role="treeitem"
              data-span={step.span_id}
              aria-level={row.depth + 1}
              aria-expanded={row.children ? open : undefined}
              aria-selected={chosen}
              tabIndex={chosen || (at < 0 && item.index === 0) ? 0 : -1}
              onClick={() => onSelect(step.span_id)}
              onKeyDown={(event) => press(event, row, item.index)}
              className={cx("absolute top-0 left-0 grid w-full cursor-pointer items-center gap-2 pr-3 -outline-offset-2 hover:bg-sunken", chosen && "bg-tint hover:bg-tint")}
              style={{ height: HEIGHT, transform: `translateY(${item.start}px)`, gridTemplateColumns: narrow ? "1fr 4.5rem" : "minmax(12rem, 1fr) minmax(5rem, 32%) 4.5rem" }}
            >
              <span className="flex min-w-0 items-center gap-1.5" style={{ paddingLeft: Math.min(row.depth, DEEPEST) * INDENT + 6 }}>
                {row.children ? (
                  <span
                    aria-hidden
                    onClick={(event) => {
                      event.stopPropagation();
                      toggle(row, !open);
                    }}
                    className="grid size-4 shrink-0 place-items-center rounded hover:bg-line"
                  >
                    <ChevronRight className={cx("size-3.5 text-muted transition-transform", open && "rotate-90")} />
                  </span>
                ) : (
                  <span className="size-4 shrink-0" />
                )}
                <Kind kind={step.kind} />
                <span className={cx("truncate", isFailed(step) && "text-bad")} title={step.error ?? step.name ?? undefined}>
                  {step.branch?.to ? `${step.branch.from ?? "?"} → ${step.branch.to}` : (step.tool ?? step.name ?? step.kind ?? "step")}
                </span>
                {step.call?.model ? <span className="hidden truncate text-xs text-muted @2xl:inline">{step.call.model}</span> : null}
                {!open ? <span className="num shrink-0 text-xs text-muted">+{count(row.below)}</span> : null}
                <span className="num ml-auto hidden shrink-0 gap-2 pl-2 text-xs text-muted @lg:flex">
                  {row.tokens ? <span title="Tokens of this step and those below">{count(row.tokens)} tok</span> : null}
                  {row.cost ? <span title="Cost of this step and those below">{dollars(row.cost)}</span> : null}
                </span>
              </span>
              {narrow ? null : (
                <span aria-hidden className="relative h-2 rounded-xs bg-sunken">
                  <span className="absolute inset-y-0 rounded-xs" style={{ left: `${Math.min(left, 99.5)}%`, width: `max(${Math.min(width, 100 - left)}%, 2px)`, background: isFailed(step) ? "var(--bad)" : kindColour(step.kind) }} />
                </span>
              )}
              <span className="num text-right text-xs text-muted">{step.status === "pending" ? "open" : millis(step.duration_ms)}</span>
            </div>
          );
        })}
      </div>
    </div>
  );
}
