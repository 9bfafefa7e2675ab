import type { ReactNode } from "react";

// The first line of a page: its name, and what acts on all of it.
export function PageHead({ title, about, children }: { title: ReactNode; about?: ReactNode; children?: ReactNode }) {
  return (
    <header className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 pt-4 pb-3 lg:px-6">
      <div className="min-w-0">
        <h1 className="truncate text-lg leading-7 font-semibold tracking-tight">{title}</h1>
        {about ? <div className="text-xs text-muted">{about}</div> : null}
      </div>
      {children ? <div className="ml-auto flex flex-wrap items-center gap-2">{children}</div> : null}
    </header>
  );
}
