// JSON as a tree that opens; what is small stands in one line.

import { ChevronRight } from "lucide-react";
import { useState } from "react";
import { CopyButton } from "./copy";

const SHORT = 72;
const MOST = 200;

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

export function JsonTree({ value, label }: { value: unknown; label: string }) {
  return (
    <div className="group/code relative rounded-md border border-line bg-sunken px-3 py-2 font-mono text-xs leading-5" role="group" aria-label={label}>
      <div className="absolute top-1 right-1 opacity-0 group-focus-within/code:opacity-100 group-hover/code:opacity-100">
        <CopyButton text={() => JSON.stringify(value, null, 2)} name={`Copy ${label}`} />
      </div>
      <Node value={value as Json} depth={0} />
    </div>
  );
}

function Node({ name, value, depth }: { name?: string; value: Json; depth: number }) {
  const nested = value !== null && typeof value === "object";
  const flat = nested ? JSON.stringify(value) : "";
  const [open, setOpen] = useState(depth < 2);
  const before = name === undefined ? null : <span className="text-accent">{name}: </span>;
  if (!nested) {
    return (
      <div className="[overflow-wrap:anywhere] whitespace-pre-wrap">
        {before}
        <Leaf value={value} />
      </div>
    );
  }
  if (flat.length <= SHORT) {
    return (
      <div className="[overflow-wrap:anywhere]">
        {before}
        <span className="text-muted">{flat}</span>
      </div>
    );
  }
  const entries: [string, Json][] = Array.isArray(value) ? value.map((item, n) => [String(n), item]) : Object.entries(value);
  return (
    <div>
      <button type="button" aria-expanded={open} onClick={() => setOpen(!open)} className="inline-flex items-center rounded hover:bg-line">
        <ChevronRight aria-hidden className={`size-3.5 text-muted transition-transform ${open ? "rotate-90" : ""}`} />
        {before}
        <span className="text-muted">{Array.isArray(value) ? `[${entries.length}]` : open ? "{" : `{${entries.length}}`}</span>
      </button>
      {open ? (
        <div className="ml-1.5 border-l border-line pl-3">
          {entries.slice(0, MOST).map(([key, item]) => (
            <Node key={key} name={key} value={item} depth={depth + 1} />
          ))}
          {entries.length > MOST ? <div className="text-muted">… {entries.length - MOST} more; copy the whole</div> : null}
        </div>
      ) : null}
    </div>
  );
}

function Leaf({ value }: { value: null | boolean | number | string }) {
  if (typeof value === "string") return <span>{value}</span>;
  return <span className="text-warn">{String(value)}</span>;
}
