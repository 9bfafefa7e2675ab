// What stands where there is no data: nothing yet, on its way, or refused.

import { CircleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { Refused } from "@/api/client";
import { Button } from "./button";
import { cx } from "./classes";

export function Empty({ title, children, className }: { title: ReactNode; children?: ReactNode; className?: string }) {
  return (
    <div className={cx("flex flex-col items-center justify-center gap-2 px-6 py-10 text-center text-muted", className)}>
      <p className="font-medium text-text">{title}</p>
      {children}
    </div>
  );
}

export function Failed({ error, again, className }: { error: unknown; again?: () => void; className?: string }) {
  const message = error instanceof Error ? error.message : String(error);
  return (
    <div role="alert" className={cx("flex items-start gap-2 rounded-md bg-bad-tint px-3 py-2 text-bad", className)}>
      <CircleAlert className="mt-0.5 size-4 shrink-0" aria-hidden />
      <p className="min-w-0 break-words">{message}</p>
      {again ? (
        <Button kind="quiet" size="sm" className="ml-auto text-bad" onClick={again}>
          Try again
        </Button>
      ) : null}
    </div>
  );
}

// Grey lines in the place of what comes; shown only after a moment, so that quick answers do not flicker.
export function Waiting({ lines = 3, className }: { lines?: number; className?: string }) {
  return (
    <div role="status" aria-label="Loading" className={cx("flex flex-col gap-2 p-4", className)}>
      {Array.from({ length: lines }, (_, n) => (
        <div key={n} className="h-4 animate-pulse rounded bg-sunken [animation-delay:200ms]" style={{ width: `${90 - ((n * 23) % 50)}%` }} />
      ))}
    </div>
  );
}

type Answer<T> = { data: T | undefined; error: unknown; isPending: boolean; refetch: () => unknown };

// The three states of an answer. Data that is there is shown, whatever the newest attempt came to.
export function Answered<T>({ of, children, waiting, absent }: { of: Answer<T>; children: (data: T) => ReactNode; waiting?: ReactNode; absent?: ReactNode }) {
  if (of.data !== undefined) {
    return (
      <>
        {of.error ? <Failed error={of.error} again={of.refetch} className="m-2" /> : null}
        {children(of.data)}
      </>
    );
  }
  if (of.error instanceof Refused && of.error.status === 404 && absent !== undefined) return absent;
  if (of.error) return <Failed error={of.error} again={of.refetch} className="m-4" />;
  return of.isPending ? (waiting ?? <Waiting />) : null;
}
