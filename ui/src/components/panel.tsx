import type { ReactNode } from "react";
import { cx } from "./classes";

type Props = {
  title?: ReactNode;
  about?: ReactNode;
  actions?: ReactNode;
  className?: string;
  // New data is on its way; what is shown stays.
  busy?: boolean;
  children: ReactNode;
};

// A framed part of a page with a heading.
export function Panel({ title, about, actions, className, busy, children }: Props) {
  return (
    <section className={cx("flex min-w-0 flex-col rounded-lg border border-line bg-panel", className)} aria-busy={busy || undefined}>
      {title || actions ? (
        <header className="flex min-h-10 flex-wrap items-center gap-x-3 gap-y-1 px-4 pt-2.5 pb-1">
          <h2 className="font-semibold">{title}</h2>
          {about ? <p className="text-xs text-muted">{about}</p> : null}
          {actions ? <div className="ml-auto flex flex-wrap items-center gap-1">{actions}</div> : null}
        </header>
      ) : null}
      {children}
    </section>
  );
}
