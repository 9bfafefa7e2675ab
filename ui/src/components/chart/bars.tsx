// Names with a bar each, the longest first.

import type { ReactNode } from "react";
import { cx } from "../classes";

export type Bar = { name: string; value: number; title?: string; chosen?: boolean };

export function Bars({ bars, format, onPick, action }: { bars: readonly Bar[]; format: (value: number) => string; onPick?: (name: string) => void; action?: (bar: Bar) => ReactNode }) {
  const most = Math.max(...bars.map((bar) => bar.value), Number.MIN_VALUE);
  return (
    <ol className="flex flex-col gap-0.5">
      {bars.map((bar) => (
        <li key={bar.name} className="group flex items-center gap-1">
          <button
            type="button"
            disabled={!onPick}
            aria-pressed={bar.chosen}
            title={bar.title}
            onClick={() => onPick?.(bar.name)}
            className={cx("relative flex h-7 min-w-0 flex-1 items-center gap-3 overflow-hidden rounded px-2 text-left", onPick && "hover:bg-sunken", bar.chosen && "ring-1 ring-accent ring-inset")}
          >
            <span aria-hidden className="absolute inset-y-0.5 left-0 rounded bg-tint" style={{ width: `${Math.max((bar.value / most) * 100, 0.5)}%` }} />
            <span className="relative min-w-0 flex-1 truncate">{bar.name}</span>
            <span className="num relative shrink-0 text-muted">{format(bar.value)}</span>
          </button>
          {action?.(bar)}
        </li>
      ))}
    </ol>
  );
}
