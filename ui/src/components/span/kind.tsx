// The kinds of steps, as pictures and colours.

import { Bot, Boxes, Braces, Link2, MessageSquare, ScanSearch, ShieldCheck, Sparkles, Split, Wrench } from "lucide-react";

const KINDS = {
  llm: [MessageSquare, "--series-1"],
  embedding: [Boxes, "--series-7"],
  tool: [Wrench, "--series-2"],
  branch: [Split, "--series-5"],
  retriever: [ScanSearch, "--series-3"],
  chain: [Link2, "--series-8"],
  agent: [Bot, "--series-4"],
  guardrail: [ShieldCheck, "--series-6"],
  evaluator: [Sparkles, "--series-6"],
} as const;

const of = (kind: string | null | undefined) => KINDS[(kind ?? "") as keyof typeof KINDS] ?? ([Braces, "--series-8"] as const);

export const kindColour = (kind: string | null | undefined) => `var(${of(kind)[1]})`;

export function Kind({ kind }: { kind: string | null | undefined }) {
  const Icon = of(kind)[0];
  return <Icon role="img" aria-label={kind ?? "step"} className="size-4 shrink-0" style={{ color: kindColour(kind) }} />;
}
