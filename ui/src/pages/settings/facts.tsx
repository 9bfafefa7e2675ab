// Named values under a heading.

import type { ReactNode } from "react";

export function Facts({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="min-w-0">
      <h3 className="pb-1 font-semibold">{title}</h3>
      <dl className="flex flex-col gap-0.5">{children}</dl>
    </section>
  );
}

export function Fact({ name, value, bad }: { name: string; value: string; bad?: boolean }) {
  return (
    <div className="flex justify-between gap-4">
      <dt className="shrink-0 text-muted">{name}</dt>
      <dd className={`num min-w-0 text-right [overflow-wrap:anywhere] ${bad ? "font-medium text-bad" : ""}`}>{value}</dd>
    </div>
  );
}
