// One of a few: segments where they fit, a native select where there are more.

import type { ComponentProps } from "react";
import { cx } from "./classes";

type Option<T extends string> = readonly [T, string];

export function Segments<T extends string>({ label, value, options, onChange }: { label: string; value: T; options: readonly Option<T>[]; onChange: (value: T) => void }) {
  return (
    <div role="group" aria-label={label} className="inline-flex w-fit rounded-md bg-sunken p-0.5">
      {options.map(([name, text]) => (
        <button
          key={name}
          type="button"
          aria-pressed={name === value}
          onClick={() => onChange(name)}
          className={cx("h-6 rounded px-2 text-xs font-medium whitespace-nowrap text-muted hover:text-text", name === value && "bg-panel text-text shadow-xs dark:bg-line")}
        >
          {text}
        </button>
      ))}
    </div>
  );
}

export function Select<T extends string>({ label, value, options, onChange, className }: { label: string; value: T; options: readonly Option<T>[]; onChange: (value: T) => void; className?: string }) {
  return (
    <select
      aria-label={label}
      value={value}
      onChange={(event) => onChange(event.target.value as T)}
      className={cx("h-7 max-w-full rounded-md border border-line bg-panel px-1.5 text-xs font-medium text-text hover:border-strong", className)}
    >
      {options.map(([name, text]) => (
        <option key={name} value={name}>
          {text}
        </option>
      ))}
    </select>
  );
}

export function Field({ className, ...rest }: ComponentProps<"input">) {
  return <input className={cx("h-8 w-full min-w-0 rounded-md border border-line bg-panel px-2.5 text-text hover:border-strong", className)} {...rest} />;
}
