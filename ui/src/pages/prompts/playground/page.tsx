// Models and versions side by side, with the same variables and the same question.

import { useQuery } from "@tanstack/react-query";
import { Play, Plus, Square } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { useShortcut } from "@/app/shortcuts";
import { json } from "@/api/client";
import { Button } from "@/components/button";
import { Field, Select } from "@/components/choice";
import { PageHead } from "@/components/page-head";
import { Panel } from "@/components/panel";
import { Empty } from "@/components/state";
import { useUrl } from "@/state/url";
import { type Message, prompts, render } from "../api";
import { Column, type Setup } from "./column";
import { SaveVersion } from "./save-version";
import { type Try, ask } from "./run";

const FREE = "";
const MOST = 4;
const area = "min-h-20 w-full resize-y rounded-md border border-line bg-panel px-2.5 py-2 font-mono text-xs leading-5 text-text hover:border-strong";

// `version model` per column in the address: `v1~openai/gpt-4o,v2~openai/gpt-4o-mini`.
const readColumns = (text: string | undefined): Setup[] => (text ?? "").split(",").filter(Boolean).slice(0, MOST).map((part) => ({ version: part.split("~")[0] ?? "", model: part.split("~")[1] ?? "" }));
const writeColumns = (columns: readonly Setup[]) => columns.map((c) => `${c.version}~${c.model}`).join(",");

export default function Playground() {
  const [url, set] = useUrl();
  const all = useQuery({ queryKey: ["prompts"], queryFn: ({ signal }) => prompts(signal) });
  const models = useQuery({ queryKey: ["models"], queryFn: async ({ signal }) => (await json<{ data: { id: string }[] }>("/v1/models", {}, { signal })).data.map((m) => m.id).filter((id) => !/embed/.test(id)) });
  const chosen = all.data?.find((p) => p.name === url.prompt);
  const columns = useMemo(() => {
    const held = readColumns(url.columns);
    if (held.length) return held;
    const usual = chosen?.default_version ?? chosen?.versions.at(-1)?.version ?? "";
    return [{ version: usual, model: chosen?.versions.find((v) => v.version === usual)?.defaults.model ?? models.data?.[0] ?? "" }];
  }, [url.columns, chosen, models.data]);
  const setColumns = (next: readonly Setup[]) => set({ columns: writeColumns(next) });

  // What is typed stays in the tab: it may be long, and it may be somebody's.
  const [variables, setVariables] = useState<Record<string, string>>({});
  const [question, setQuestion] = useState("Where is my order V123456?");
  const [free, setFree] = useState("You are a helpful assistant.");
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

  const messagesFor = async (setup: Setup): Promise<Message[]> => {
    const asked: Message = { role: "user", content: question };
    if (!chosen) return free.trim() ? [{ role: "system", content: free }, asked] : [asked];
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
      const rendered = await Promise.all(columns.map(messagesFor));
      await Promise.all(
        columns.map((setup, n) => {
          const defaults = chosen?.versions.find((v) => v.version === setup.version)?.defaults;
          const prompt = chosen ? { name: chosen.name, version: setup.version } : undefined;
          return ask({ model: setup.model, messages: rendered[n] ?? [], temperature: defaults?.temperature, maxTokens: defaults?.max_tokens, prompt }, control.signal, (so) => !control.signal.aborted && setTries((old) => ({ ...old, [n]: so })));
        }),
      );
    } catch (error) {
      setWrong(error instanceof Error ? error.message : String(error));
    }
  };
  useShortcut("r", "Run all columns", () => void run(), { off: running });

  const options = [[FREE, "no prompt: as typed"] as const, ...(all.data ?? []).map((p) => [p.name, p.name] as const)];
  const choosePrompt = (name: string) => {
    setTries({});
    set({ prompt: name || undefined, columns: undefined }, { push: true });
  };
  return (
    <>
      <PageHead title="Playground" about="the same question to several versions and models">
        <Select label="Prompt" value={url.prompt ?? FREE} options={options} onChange={choosePrompt} />
        <Button size="sm" disabled={columns.length >= MOST} onClick={() => setColumns([...columns, columns.at(-1) ?? { version: "", model: "" }])}>
          <Plus aria-hidden /> Column
        </Button>
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
        <Panel title="Input" actions={chosen ? <SaveVersion key={`${chosen.name}${columns[0]?.version}`} of={chosen} from={chosen.versions.find((v) => v.version === columns[0]?.version)} /> : null}>
          <div className="grid gap-3 px-4 pb-4 lg:grid-cols-2">
            {chosen ? (
              wanted.length ? (
                <div className="flex flex-col gap-2">
                  {wanted.map((name) => (
                    <label key={name} className="flex flex-col gap-1 text-xs text-muted">
                      <span className="font-mono">{name}</span>
                      {/context|documents|history|text/.test(name) ? (
                        <textarea className={area} value={variables[name] ?? ""} onChange={(event) => setVariables({ ...variables, [name]: event.target.value })} />
                      ) : (
                        <Field value={variables[name] ?? ""} onChange={(event) => setVariables({ ...variables, [name]: event.target.value })} />
                      )}
                    </label>
                  ))}
                </div>
              ) : (
                <p className="text-muted">The template needs no variables.</p>
              )
            ) : (
              <label className="flex flex-col gap-1 text-xs text-muted">
                System
                <textarea className={area} value={free} onChange={(event) => setFree(event.target.value)} />
              </label>
            )}
            <label className="flex flex-col gap-1 text-xs text-muted">
              User
              <textarea className={area} value={question} onChange={(event) => setQuestion(event.target.value)} onKeyDown={(event) => (event.ctrlKey || event.metaKey) && event.key === "Enter" && void run()} />
            </label>
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

// A value that is JSON of a list or an object is that, as templates loop over them; else it is a text.
function valueOf(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
