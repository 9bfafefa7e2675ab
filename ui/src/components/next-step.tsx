// The place of what is not there yet: what to paste, and that it will be noticed.

import type { ReactNode } from "react";
import { root } from "@/api/client";
import { sessionKey } from "@/api/session";
import { Snippet } from "./code";
import { type Step, nextStep } from "./next-steps";
import { Empty } from "./state";

const EVERY = 2_000;

// How often a list is asked for: while nothing is in it, so that the first one shows as it comes.
export const whileEmpty =
  <T,>(isEmpty: (data: T) => boolean) =>
  (query: { state: { data: T | undefined } }): number | false =>
    query.state.data !== undefined && isEmpty(query.state.data) ? EVERY : false;

export function Noticed() {
  return (
    <p role="status" className="flex items-center gap-2 text-muted">
      <span aria-hidden className="relative flex size-2">
        <span className="absolute inline-flex size-full animate-ping rounded-full bg-accent opacity-60" />
        <span className="relative inline-flex size-2 rounded-full bg-accent" />
      </span>
      Waiting for it; this page shows it as it comes.
    </p>
  );
}

// `of`: the experiment that is meant.
export function NextStep({ title, step, how, of, children }: { title: string; step: Step; how: string; of?: string; children?: ReactNode }) {
  return (
    <Empty title={title}>
      {children ? <p className="max-w-prose">{children}</p> : null}
      <div className="flex w-full max-w-2xl flex-col gap-3 pt-2">
        <Snippet text={nextStep(step, root, sessionKey() !== null, of)}>{how}</Snippet>
        <Noticed />
      </div>
    </Empty>
  );
}
