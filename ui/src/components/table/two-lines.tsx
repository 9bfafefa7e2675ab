import type { ReactNode } from "react";

// A row of a phone: what it is and one thing more, and below it the rest in small.
export function TwoLines({ lead, title, right, children }: { lead?: ReactNode; title: ReactNode; right?: ReactNode; children: ReactNode }) {
  return (
    <div className="flex min-w-0 flex-col gap-0.5 px-3">
      <div className="flex items-center gap-2">
        {lead}
        <span className="min-w-0 truncate font-medium">{title}</span>
        {right ? <span className="num ml-auto shrink-0 text-xs text-muted">{right}</span> : null}
      </div>
      <div className="num flex min-w-0 gap-3 overflow-hidden text-xs whitespace-nowrap text-muted [&>*:last-child]:truncate">{children}</div>
    </div>
  );
}
