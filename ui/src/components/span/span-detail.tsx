// Everything that is known of one call or step: messages, prompt, facts, scores, the raw record.

import { type UseQueryResult, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Code2, FlaskConical, MoreHorizontal, Terminal } from "lucide-react";
import { type Call, api, root, unwrap } from "@/api/client";
import { sessionKey } from "@/api/session";
import { hasPage } from "@/app/has-page";
import { useParam } from "@/state/url";
import { IconButton, buttonClass } from "../button";
import { Chat, ChatLook } from "../chat/chat";
import { parsed, readInput, readOutput } from "../chat/read";
import { Code } from "../code";
import { copyAndSay } from "../copy";
import { JsonTree } from "../json";
import { Menu, MenuItem } from "../menu";
import { Answered } from "../state";
import { Tabs } from "../tabs";
import { Facts, Figures } from "./facts";
import { PromptTab } from "./prompt-tab";
import { Scores } from "./scores";
import { curl, python } from "./snippets";

// By span id or request id. What is stored does not change but for what is still open.
export function useCall(id: string | undefined): UseQueryResult<Call> {
  return useQuery<Call>({
    queryKey: ["call", id],
    enabled: id !== undefined && id !== "",
    staleTime: 60_000,
    refetchInterval: (query) => (query.state.data?.status === "pending" ? 2_000 : false),
    queryFn: ({ signal }) => unwrap(api.GET("/api/v1/calls/{id}", { params: { path: { id: id ?? "" } }, signal })),
  });
}

export const callTitle = (call: Call) => call.name ?? call.operation ?? call.kind ?? "step";

export function CallActions({ call }: { call: Call }) {
  const key = sessionKey() !== null;
  const texts = { curl: curl(call, root, key), python: python(call, root, key) };
  return (
    <>
      {texts.curl && hasPage("/playground") ? (
        <Link to="/playground" search={{ call: call.span_id }} aria-label="Open in playground" className={buttonClass({ size: "sm" })}>
          <FlaskConical aria-hidden /> <span className="hidden sm:inline">Open in playground</span>
        </Link>
      ) : null}
      <Menu
        trigger={
          <IconButton name="Copy as…">
            <MoreHorizontal aria-hidden />
          </IconButton>
        }
      >
        <MenuItem disabled={!texts.curl} onSelect={() => void copyAndSay(texts.curl ?? "", "curl")}>
          <Terminal aria-hidden /> Copy as curl
        </MenuItem>
        <MenuItem disabled={!texts.python} onSelect={() => void copyAndSay(texts.python ?? "", "Python")}>
          <Code2 aria-hidden /> Copy as Python
        </MenuItem>
        <MenuItem onSelect={() => void copyAndSay(JSON.stringify(call, null, 2), "JSON")}>Copy as JSON</MenuItem>
        <MenuItem onSelect={() => void copyAndSay(`${root}/#/calls?open=${call.span_id}`, "Link")}>Copy the link</MenuItem>
      </Menu>
    </>
  );
}

function Body({ value, label }: { value: unknown; label: string }) {
  const read = parsed(value);
  if (read === null || read === undefined || read === "") return <p className="text-muted">Nothing was recorded.</p>;
  if (typeof read === "object") return <JsonTree value={read} label={label} />;
  return <Code text={String(read)} label={label} plain />;
}

function Conversation({ call }: { call: Call }) {
  const input = readInput(call.input);
  const output = readOutput(call.output);
  return (
    <div className="flex flex-col gap-3">
      <ChatLook messages={[...(input ?? []), ...(output ?? [])]} />
      {call.error ? (
        <div role="note" className="rounded-md bg-bad-tint px-3 py-2 text-bad">
          {call.error_type ? <p className="text-xs font-medium">{call.error_type}</p> : null}
          <p className="break-words whitespace-pre-wrap">{call.error}</p>
        </div>
      ) : null}
      {input ? <Chat messages={input} /> : <Titled title="Input"><Body value={call.input} label="Input" /></Titled>}
      {output ? (
        <section aria-label="Answer" className="border-t border-line pt-3">
          <Chat messages={output} />
        </section>
      ) : (
        <Titled title="Output">
          <Body value={call.output} label="Output" />
        </Titled>
      )}
    </div>
  );
}

function Titled({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <section className="min-w-0">
      <h3 className="pb-1 text-xs font-medium text-muted">{title}</h3>
      {children}
    </section>
  );
}

export function SpanDetail({ of }: { of: UseQueryResult<Call> }) {
  const [tab, setTab] = useParam("tab", "messages");
  return (
    <Answered of={of}>
      {(call) => {
        const prompt = call.prompt?.name ? [{ name: "prompt", title: "Prompt", content: <PromptTab call={call} /> }] : [];
        const tabs = [
          { name: "messages", title: call.kind === "llm" ? "Messages" : "Input and output", content: <Conversation call={call} /> },
          ...prompt,
          { name: "facts", title: "Facts", content: <Facts call={call} /> },
          { name: "scores", title: "Scores", content: <Scores call={call} /> },
          { name: "raw", title: "Raw JSON", content: <JsonTree value={call} label="The record" /> },
        ];
        return (
          <div className="flex min-w-0 flex-col">
            <div className="px-4 py-3">
              <Figures call={call} />
            </div>
            <Tabs label="Parts of the step" tabs={tabs} value={tabs.some((t) => t.name === tab) ? tab : "messages"} onChange={setTab} />
          </div>
        );
      }}
    </Answered>
  );
}
