import type { ReactNode } from "react";
import { cx } from "./classes";

export type Tone = "plain" | "ok" | "warn" | "bad" | "accent";

const TONES: Record<Tone, string> = {
  plain: "bg-sunken text-muted",
  ok: "bg-ok-tint text-ok",
  warn: "bg-warn-tint text-warn",
  bad: "bg-bad-tint text-bad",
  accent: "bg-tint text-accent",
};

export function Badge({ tone = "plain", className, children, title }: { tone?: Tone; className?: string; children: ReactNode; title?: string }) {
  return (
    <span title={title} className={cx("inline-flex h-5 max-w-full align-middle items-center gap-1 truncate rounded px-1.5 text-xs font-medium whitespace-nowrap", TONES[tone], className)}>
      {children}
    </span>
  );
}

const STATUS: Record<string, Tone> = { success: "ok", cached: "accent", error: "bad", rate_limited: "bad", blocked: "bad", cancelled: "warn", pending: "plain" };

// How a call or a step ended; the word is said, the colour only helps.
export function Status({ status }: { status: string | null | undefined }) {
  if (!status) return <span className="text-muted">–</span>;
  return (
    <Badge tone={STATUS[status] ?? "plain"}>
      <span aria-hidden className="size-1.5 rounded-full bg-current" />
      {status.replaceAll("_", " ")}
    </Badge>
  );
}
