// Models and versions side by side, with the same variables and the same question.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Link as LinkIcon, Play, Plus, Square } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { useShortcut } from "@/app/shortcuts";
import { json, root } from "@/api/client";
import { Button, IconButton } from "@/components/button";
import { Select } from "@/components/choice";
import { copyAndSay } from "@/components/copy";
import { callTitle, useCall } from "@/components/span/span-detail";
import { PageHead } from "@/components/page-head";
import { Panel } from "@/components/panel";
import { Empty, Failed } from "@/components/state";
import { useUrl, writeSearch } from "@/state/url";
import { type Message, type Prompt, type Version, prompts, render } from "../api";
import { Column, type Setup } from "./column";
import { type Draft, FRESH, bodyOf, draftOf } from "./draft";
import { Inputs } from "./inputs";
import { readTyped, writeTyped } from "./typed";
import { SaveVersion } from "./save-version";
import { type Try, ask } from "./run";
import { Turns } from "./turns";

const FREE = "";
const QUESTION = "Where is my order V123456?";
const MOST = 4;

// `version model` per column in the address: `v1~openai/gpt-4o,v2~openai/gpt-4o-mini`.
const readColumns = (text: string | undefined): Setup[] => (text ?? "").split(",").filter(Boolean).slice(0, MOST).map((part) => ({ version: part.split("~")[0] ?? "", model: part.split("~")[1] ?? "" }));
const writeColumns = (columns: readonly Setup[]) => columns.map((c) => `${c.version}~${c.model}`).join(",");

export default function Playground() {
  const [url, set] = useUrl();
  const all = useQuery({ queryKey: ["prompts"], queryFn: ({ signal }) => prompts(signal) });
  const models = useQuery({ queryKey: ["models"], queryFn: async ({ signal }) => (await json<{ data: { id: string }[] }>("/v1/models", {}, { signal })).data.map((m) => m.id).filter((id) => !/embed/.test(id)) });
  const chosen = all.data?.find((p) => p.name === url.prompt);
  const call = useCall(url.prompt ? undefined : url.call);
  const columns = useMemo(() => {
    const held = readColumns(url.columns);
    if (held.length) return held;
    const usual = chosen?.default_version ?? chosen?.versions.at(-1)?.version ?? "";
    return [{ version: usual, model: chosen?.versions.find((v) => v.version === usual)?.defaults.model ?? call.data?.deployment ?? call.data?.model ?? models.data?.[0] ?? "" }];
  }, [url.columns, chosen, call.data, models.data]);
  const setColumns = (next: readonly Setup[]) => set({ columns: writeColumns(next) });

  // What is typed stays in the tab, as it may be somebody's; a link has it where one asks for such a link.
  const sent = useMemo(() => readTyped(url.typed), [url.typed]);
  const [variables, setVariables] = useState<Record<string, string>>(sent?.variables ?? {});
  const [question, setQuestion] = useState(sent?.question ?? QUESTION);
  const [edited, setDraft] = useState<Draft | undefined>(sent?.draft);
  const recorded = useMemo(() => (call.data ? draftOf(call.data) : undefined), [call.data]);
  const draft = edited ?? recorded ?? FRESH;
  // Another call: its own messages.
  const opened = useRef(url.call);
  useEffect(() => {
    if (opened.current !== url.call) setDraft(undefined);
    opened.current = url.call;
  }, [url.call]);
  const [tries, setTries] = useState<Record<number, Try>>({});
  const [wrong, setWrong] = useState<string>();
  const stop = useRef<AbortController>(undefined);
  useEffect(() => () => stop.current?.abort(), []);

  const wanted = useMemo(() => {
    const used = new Set(columns.map((c) => c.version));
    const names = chosen?.versions.filter((v) => used.has(v.version)).flatMap((v) => v.variables) ?? [];
    return [...new Set(names)].filter((name) => name !== "user_message" && name !== "messages");
  }, [chosen, columns]);
  const running = Object.values(tries).some((t) => t.state === "running");

  const messagesFor = async (setup: Setup, chosen: Prompt): Promise<Message[]> => {
    const asked: Message = { role: "user", content: question };
    const given = Object.fromEntries(wanted.map((name) => [name, valueOf(variables[name] ?? "")]));
    const { messages } = await render(chosen.name, setup.version, given, question);
    const version = chosen.versions.find((v) => v.version === setup.version);
    // A text that becomes the user's turn has the question in it.
    const isUserText = version?.template !== undefined && version.role !== "system";
    return isUserText || messages.some((m) => m.role === "user") ? messages : [...messages, asked];
  };

  const run = async () => {
    stop.current?.abort();
    const control = new AbortController();
    stop.current = control;
    setTries({});
    setWrong(undefined);
    try {
      const requestFor = async (setup: Setup) => {
        if (!chosen) return bodyOf(draft);
        const version = chosen.versions.find((v) => v.version === setup.version);
        return { messages: await messagesFor(setup, chosen), rest: parametersOf(version), prompt: { name: chosen.name, version: setup.version } };
      };
      const requests = await Promise.all(columns.map(requestFor));
      await Promise.all(
        columns.map((setup, n) => {
          const request = requests[n];
          return request && ask({ model: setup.model, ...request }, control.signal, (so) => !control.signal.aborted && setTries((old) => ({ ...old, [n]: so })));
        }),
      );
    } catch (error) {
      setWrong(error instanceof Error ? error.message : String(error));
    }
  };
  useShortcut("r", "Run all columns", () => void run(), { off: running });

  const share = () => {
    const typed = writeTyped(chosen ? { variables, question } : { draft: edited });
    const search = { prompt: url.prompt, call: url.call, columns: writeColumns(columns), typed };
    void copyAndSay(`${root}/#/playground${writeSearch(search)}`, "Link with what is typed");
  };
  const options = [[FREE, "no prompt: as typed"] as const, ...(all.data ?? []).map((p) => [p.name, p.name] as const)];
  const choosePrompt = (name: string) => {
    setTries({});
    set({ prompt: name || undefined, call: undefined, columns: undefined, typed: undefined }, { push: true });
  };
  return (
    <>
      <PageHead title="Playground" about="the same question to several versions and models">
        <Select label="Prompt" value={url.prompt ?? FREE} options={options} onChange={choosePrompt} />
        <Button size="sm" disabled={columns.length >= MOST} onClick={() => setColumns([...columns, columns.at(-1) ?? { version: "", model: "" }])}>
          <Plus aria-hidden /> Column
        </Button>
        <IconButton name="Copy a link with what is typed" kind="plain" size="icon-sm" onClick={share}>
          <LinkIcon aria-hidden />
        </IconButton>
        {running ? (
          <Button size="sm" kind="danger" onClick={() => stop.current?.abort()}>
            <Square aria-hidden /> Stop
          </Button>
        ) : (
          <Button size="sm" kind="primary" disabled={columns.some((c) => !c.model)} onClick={() => void run()}>
            <Play aria-hidden /> Run
          </Button>
        )}
      </PageHead>
      <div className="flex flex-col gap-3 px-4 pb-8 lg:px-6">
        <Panel title="Input" about={call.data && !chosen ? <>from <Link to="/calls" search={{ open: call.data.span_id }} className="rounded text-accent hover:underline">{callTitle(call.data)}</Link></> : undefined} actions={chosen ? <SaveVersion key={`${chosen.name}${columns[0]?.version}`} of={chosen} from={chosen.versions.find((v) => v.version === columns[0]?.version)} /> : null}>
          <div className="px-4 pb-4">
            {chosen ? (
              <Inputs wanted={wanted} variables={variables} onVariables={setVariables} question={question} onQuestion={setQuestion} onRun={() => void run()} />
            ) : (
              <>
                {call.error ? <Failed error={call.error} className="mb-2" /> : null}
                {call.data && !recorded ? <p className="pb-2 text-muted">The call has no conversation that could be tried again.</p> : null}
                <Turns draft={draft} onChange={setDraft} onRun={() => void run()} />
              </>
            )}
          </div>
          {wrong ? (
            <p role="alert" className="mx-4 mb-4 rounded-md bg-bad-tint px-3 py-2 text-bad">
              {wrong}
            </p>
          ) : null}
        </Panel>
        {models.data?.length === 0 ? (
          <Panel>
            <Empty title="No provider lists a model">
              <p>Set up a provider, for example with OPENAI_API_KEY in the server's environment.</p>
            </Empty>
          </Panel>
        ) : (
          <div className="grid gap-3" style={{ gridTemplateColumns: `repeat(auto-fit, minmax(min(100%, 20rem), 1fr))` }}>
            {columns.map((setup, n) => (
              <Column
                key={n}
                setup={setup}
                versions={chosen?.versions ?? []}
                models={models.data ?? []}
                preview={chosen ? { name: chosen.name, variables: Object.fromEntries(wanted.map((name) => [name, valueOf(variables[name] ?? "")])), question } : undefined}
                result={tries[n]}
                onChange={(next) => setColumns(columns.map((c, m) => (m === n ? next : c)))}
                onRemove={columns.length > 1 ? () => setColumns(columns.filter((_, m) => m !== n)) : undefined}
              />
            ))}
          </div>
        )}
      </div>
    </>
  );
}

// What a version says of how it is asked.
function parametersOf(version: Version | undefined): Record<string, unknown> {
  const { temperature, max_tokens } = version?.defaults ?? {};
  return { ...(temperature === undefined ? {} : { temperature }), ...(max_tokens === undefined ? {} : { max_tokens }) };
}

// A value that is JSON of a list or an object is that, as templates loop over them; else it is a text.
function valueOf(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
