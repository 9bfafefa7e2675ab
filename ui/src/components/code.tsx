import { type ReactNode, useState } from "react";
import { bytes } from "@/format/number";
import { Button } from "./button";
import { cx } from "./classes";
import { CopyButton } from "./copy";

const FIRST = 4_000;

// Text as it is, with a button that copies all of it. What is long is opened on demand, never cut off for good.
export function Code({ text, label, className, plain }: { text: string; label?: string; className?: string; plain?: boolean }) {
  const [whole, setWhole] = useState(false);
  const cut = !whole && text.length > FIRST * 1.5;
  return (
    <div className={cx("group/code relative min-w-0 rounded-md border border-line bg-sunken text-text", className)}>
      <div className="absolute top-1 right-1 rounded-md bg-sunken opacity-0 group-focus-within/code:opacity-100 group-hover/code:opacity-100 [@media(hover:none)]:opacity-100">
        <CopyButton text={text} name={label ? `Copy ${label}` : "Copy"} />
      </div>
      <pre tabIndex={0} aria-label={label} className={cx("overflow-x-auto px-3 py-2 whitespace-pre-wrap [overflow-wrap:anywhere]", plain ? "font-sans" : "font-mono text-xs leading-5")}>
        {cut ? `${text.slice(0, FIRST)}…` : text}
      </pre>
      {cut ? (
        <Button kind="quiet" size="sm" className="m-1" onClick={() => setWhole(true)}>
          Show all of {bytes(text.length)}
        </Button>
      ) : null}
    </div>
  );
}

// A command or a snippet of a language, one line of words above it.
export function Snippet({ text, children }: { text: string; children?: ReactNode }) {
  return (
    <div className="flex min-w-0 flex-col gap-1 text-left">
      {children ? <p className="text-xs text-muted">{children}</p> : null}
      <Code text={text} />
    </div>
  );
}
