// Messages as a conversation: who said what, calls of tools as cards with their results, thoughts folded.

import { Bot, Brain, ChevronRight, Settings2, User, Wrench } from "lucide-react";
import { type ReactNode, useState } from "react";
import { Button } from "../button";
import { cx } from "../classes";
import { Code } from "../code";
import { CopyButton } from "../copy";
import { JsonTree } from "../json";
import { Prose, ProseLook } from "./prose";
import { type Message, type ToolCall, parsed } from "./read";

const ROLES: Record<string, { name: string; icon: typeof Bot; frame: string }> = {
  system: { name: "System", icon: Settings2, frame: "border-dashed" },
  developer: { name: "Developer", icon: Settings2, frame: "border-dashed" },
  user: { name: "User", icon: User, frame: "bg-tint border-transparent" },
  assistant: { name: "Assistant", icon: Bot, frame: "" },
  tool: { name: "Tool", icon: Wrench, frame: "bg-sunken" },
};
const LONG = 2_000;
// A long conversation begins with what was said last.
const MOST = 30;

export function Chat({ messages }: { messages: readonly Message[] }) {
  const [whole, setWhole] = useState(false);
  const shown = whole || messages.length <= MOST ? messages : messages.slice(-MOST);
  const names = new Map(messages.flatMap((m) => m.tools.map((t) => [t.id, t.name] as const)));
  return (
    <ol className="flex flex-col gap-2">
      {shown.length < messages.length ? (
        <li>
          <Button kind="quiet" size="sm" onClick={() => setWhole(true)}>
            Show {messages.length - shown.length} messages before
          </Button>
        </li>
      ) : null}
      {shown.map((message, n) => (
        <li key={n}>
          <One message={message} tool={message.answers === undefined ? undefined : names.get(message.answers)} />
        </li>
      ))}
    </ol>
  );
}

function One({ message, tool }: { message: Message; tool?: string }) {
  const role = ROLES[message.role] ?? { name: message.role, icon: Bot, frame: "" };
  const Icon = role.icon;
  const result = message.role === "tool" ? parsed(message.text) : undefined;
  return (
    <article className={cx("group/message min-w-0 rounded-lg border border-line px-3 py-2", role.frame)}>
      <header className="flex h-6 items-center gap-1.5 text-xs font-medium text-muted">
        <Icon className="size-3.5" aria-hidden />
        {role.name}
        {tool ?? message.name ? <code className="font-mono font-normal">{tool ?? message.name}</code> : null}
        <span className="ml-auto opacity-0 group-focus-within/message:opacity-100 group-hover/message:opacity-100">{message.text ? <CopyButton text={message.text} name="Copy the message" /> : null}</span>
      </header>
      {message.thinking ? (
        <Folded icon={<Brain className="size-3.5" aria-hidden />} title="Thoughts">
          <p className="whitespace-pre-wrap text-muted">{message.thinking}</p>
        </Folded>
      ) : null}
      {result !== undefined && typeof result === "object" && result !== null ? <JsonTree value={result} label="Result" /> : <Long text={message.text} />}
      {message.images.map((source, n) =>
        /^(data:image\/|blob:)/.test(source) ? (
          <img key={n} src={source} alt="sent with the message" className="mt-1 max-h-64 rounded-md border border-line" />
        ) : (
          <p key={n} className="mt-1 text-xs text-muted">
            Image at <code className="font-mono break-all">{source}</code>
          </p>
        ),
      )}
      {message.tools.map((call, n) => (
        <ToolCard key={call.id ?? n} call={call} />
      ))}
    </article>
  );
}

// How the texts of a conversation are shown, where there is a choice.
export function ChatLook({ messages }: { messages: readonly Message[] }) {
  return <ProseLook texts={messages.filter((m) => m.role !== "tool").map((m) => m.text)} />;
}

export function ToolCard({ call }: { call: ToolCall }) {
  const given = parsed(call.arguments);
  return (
    <div className="mt-2 overflow-hidden rounded-md border border-line bg-panel">
      <p className="flex items-center gap-2 border-b border-line bg-sunken px-2.5 py-1 text-xs font-medium">
        <Wrench className="size-3.5 text-muted" aria-hidden />
        <code className="font-mono">{call.name}</code>
        {call.id ? <span className="ml-auto truncate font-normal text-muted">{call.id}</span> : null}
      </p>
      <div className="p-1.5">{typeof given === "object" && given !== null ? <JsonTree value={given} label={`Arguments of ${call.name}`} /> : <Code text={call.arguments} label={`Arguments of ${call.name}`} />}</div>
    </div>
  );
}

function Long({ text }: { text: string }) {
  const [whole, setWhole] = useState(false);
  if (!text) return null;
  const cut = !whole && text.length > LONG * 1.2;
  return (
    <>
      <Prose text={cut ? `${text.slice(0, LONG)}…` : text} />
      {cut ? (
        <Button kind="quiet" size="sm" className="mt-1 -ml-2" onClick={() => setWhole(true)}>
          Show all of it
        </Button>
      ) : null}
    </>
  );
}

export function Folded({ icon, title, children, open = false }: { icon?: ReactNode; title: ReactNode; children: ReactNode; open?: boolean }) {
  return (
    <details className="group/fold my-1" open={open}>
      <summary className="flex w-fit cursor-pointer list-none items-center gap-1 rounded text-xs text-muted hover:text-text [&::-webkit-details-marker]:hidden">
        <ChevronRight className="size-3.5 transition-transform group-open/fold:rotate-90" aria-hidden />
        {icon}
        {title}
      </summary>
      <div className="mt-1 border-l-2 border-line pl-3">{children}</div>
    </details>
  );
}
