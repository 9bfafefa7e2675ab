// What somebody wrote: Markdown where it has any, unless the reader wants to see it as it was written. The code for it comes
// when it is needed; until then, and for plain text, the text itself stands there.

import { Suspense, lazy } from "react";
import { useStored } from "@/state/stored";
import { Segments } from "../choice";
import { isMarkdown } from "./is-markdown";

const Rendered = lazy(() => import("./rendered"));

export type Look = "markdown" | "text";
const useLook = () => useStored<Look>("prose", "markdown");

function Plain({ text }: { text: string }) {
  return <p className="leading-relaxed whitespace-pre-wrap [overflow-wrap:anywhere]">{text}</p>;
}

export function Prose({ text }: { text: string }) {
  const [look] = useLook();
  if (look === "text" || !isMarkdown(text)) return <Plain text={text} />;
  return (
    <Suspense fallback={<Plain text={text} />}>
      <Rendered text={text} />
    </Suspense>
  );
}

const LOOKS = [
  ["markdown", "Markdown"],
  ["text", "As written"],
] as const;

// Shown over messages of which some have Markdown.
export function ProseLook({ texts }: { texts: readonly string[] }) {
  const [look, setLook] = useLook();
  return texts.some(isMarkdown) ? <Segments label="Show messages as" value={look} options={LOOKS} onChange={setLook} /> : null;
}
