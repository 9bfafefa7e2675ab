// Markdown as elements. Markup in it stays text, addresses other than http and mail lead nowhere, and pictures are named, not
// loaded: nothing that was recorded reaches another host or runs.

import type { ReactNode } from "react";
import Markdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import { Code } from "../code";

const Heading = ({ children }: { children?: ReactNode }) => <h4 className="mt-3 font-semibold first:mt-0">{children}</h4>;

// A block's text, out of the `code` that it holds.
function textOf(node: ReactNode): string {
  if (typeof node === "string") return node;
  if (Array.isArray(node)) return node.map(textOf).join("");
  const inner = typeof node === "object" && node !== null && "props" in node ? (node.props as { children?: ReactNode }).children : undefined;
  return inner === undefined ? "" : textOf(inner);
}

const COMPONENTS: Components = {
  h1: Heading,
  h2: Heading,
  h3: Heading,
  h4: Heading,
  h5: Heading,
  h6: Heading,
  p: ({ children }) => <p className="whitespace-pre-line">{children}</p>,
  a: ({ href, children }) => (
    <a href={href} target="_blank" rel="noreferrer noopener" className="rounded text-accent underline">
      {children}
    </a>
  ),
  img: ({ src, alt }) => (
    <span className="text-muted">
      {alt ? `${alt}: ` : ""}image at <code className="font-mono text-xs break-all">{String(src ?? "")}</code>
    </span>
  ),
  ul: ({ children }) => <ul className="list-disc pl-5">{children}</ul>,
  ol: ({ children, start }) => (
    <ol start={start} className="list-decimal pl-6">
      {children}
    </ol>
  ),
  li: ({ children }) => <li className="mt-1 first:mt-0">{children}</li>,
  blockquote: ({ children }) => <blockquote className="border-l-2 border-line pl-3 text-muted">{children}</blockquote>,
  code: ({ children }) => <code className="rounded bg-sunken px-1 py-px font-mono text-[0.9em]">{children}</code>,
  pre: ({ children }) => <Code text={textOf(children).replace(/\n$/, "")} />,
  hr: () => <hr className="border-line" />,
  table: ({ children }) => (
    <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="Table">
      <table className="min-w-1/2 text-left [&_td]:border-t [&_td]:border-line [&_td]:px-2 [&_td]:py-1 [&_th]:px-2 [&_th]:py-1 [&_th]:font-medium">{children}</table>
    </div>
  ),
};

const isSafe = (address: string) => (/^(?:https?:|mailto:)/i.test(address) ? address : "");
const PLUGINS = [remarkGfm];

export default function Rendered({ text }: { text: string }) {
  return (
    <div className="flex flex-col gap-2 leading-relaxed [overflow-wrap:anywhere]">
      <Markdown remarkPlugins={PLUGINS} components={COMPONENTS} urlTransform={isSafe}>
        {text}
      </Markdown>
    </div>
  );
}
