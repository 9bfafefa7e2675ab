// ⌘K: pages, what was recorded, actions. An id opens its call or trace; anything else can be looked for in the calls.

import { useNavigate } from "@tanstack/react-router";
import { Command } from "cmdk";
import { Dialog } from "radix-ui";
import { type ReactNode, useEffect, useState } from "react";
import { Keys } from "@/components/keys";
import { PAGES } from "@/pages/registry";
import { useObserved } from "@/components/filter/observed";
import { only } from "@/state/query";
import { PRESETS, useRange } from "@/state/range";
import { setTheme } from "./theme";

// What is found by its recorded name.
const NAMED = ["model", "department", "prompt_version", "user", "session", "key", "project"] as const;
const MOST = 6;

const item = "flex h-9 items-center gap-2.5 rounded-md px-2.5 data-[selected=true]:bg-tint [&_svg]:size-4 [&_svg]:text-muted";

function Item({ value, keys, onSelect, children }: { value: string; keys?: string; onSelect: () => void; children: ReactNode }) {
  return (
    <Command.Item value={value} onSelect={onSelect} className={item}>
      {children}
      {keys ? (
        <span className="ml-auto">
          <Keys keys={keys} />
        </span>
      ) : null}
    </Command.Item>
  );
}

// `begin`: what was typed while this code came.
export default function Palette({ begin, onClose, onHelp }: { begin: string; onClose: () => void; onHelp: () => void }) {
  const navigate = useNavigate();
  const { range, setRange } = useRange();
  const { observed, ask } = useObserved(range);
  useEffect(ask, [ask]);
  const [text, setText] = useState(begin);
  const run = (what: () => void) => () => {
    onClose();
    what();
  };
  const go = (to: string, search: Record<string, string> = {}) => run(() => void navigate({ to, search }));
  const id = text.trim();
  const named = id.length < 2 ? [] : NAMED.flatMap((key) => observed(key).filter(({ value }) => value.toLowerCase().includes(id.toLowerCase())).map(({ value }) => [key, value] as const)).slice(0, MOST);
  const looksLikeId = /^(?:tr-)?[0-9a-f-]{16,36}$/i.test(id) || /^[\w-]*\d[\w-]{7,}$/.test(id);
  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="fade fixed inset-0 z-50 bg-black/40" />
        <Dialog.Content data-modal aria-describedby={undefined} className="fade fixed top-[12vh] left-1/2 z-50 w-[calc(100vw-2rem)] max-w-xl -translate-x-1/2 overflow-hidden rounded-xl border border-line bg-raised shadow-xl">
          <Dialog.Title className="sr-only">Search and commands</Dialog.Title>
          <Command label="Search and commands" className="[&_[cmdk-group-heading]]:px-2.5 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-xs [&_[cmdk-group-heading]]:text-muted">
            <Command.Input autoFocus value={text} onValueChange={setText} placeholder="A page, an id, words in calls…" className="h-12 w-full border-b border-line bg-transparent px-4 text-base outline-none" />
            <Command.List className="max-h-[50vh] overflow-y-auto p-2">
              <Command.Empty className="p-6 text-center text-muted">Nothing of that name.</Command.Empty>
              {id ? (
                <Command.Group heading="Recorded" forceMount>
                  {looksLikeId ? (
                    <>
                      <Item value={`${id} call`} onSelect={go("/calls", { open: id })}>
                        Open the call <code className="truncate font-mono text-xs">{id}</code>
                      </Item>
                      <Item value={`${id} trace`} onSelect={go(`/traces/${id.replace(/^tr-/, "")}`)}>
                        Open the trace <code className="truncate font-mono text-xs">{id}</code>
                      </Item>
                    </>
                  ) : null}
                  <Item value={`${id} search`} onSelect={go("/calls", { q: /\s/.test(id) && !/[:"]/.test(id) ? `"${id}"` : id })}>
                    Calls with <span className="truncate font-medium">{id}</span>
                  </Item>
                  {named.map(([key, value]) => (
                    <Item key={`${key}${value}`} value={`${id} ${key} ${value}`} onSelect={go("/calls", { q: only("", key, value) })}>
                      Calls of {key.replace("_", " ")} <span className="truncate font-medium">{value}</span>
                    </Item>
                  ))}
                </Command.Group>
              ) : null}
              <Command.Group heading="Go to">
                {PAGES.filter((page) => page.nav).map((page) => {
                  const Icon = page.nav?.icon;
                  return (
                    <Item key={page.path} value={`go ${page.title}`} keys={page.nav?.keys} onSelect={go(page.path)}>
                      {Icon ? <Icon aria-hidden /> : null}
                      {page.title}
                    </Item>
                  );
                })}
                <Item value="go failed calls errors" onSelect={go("/calls", { q: "status:error" })}>
                  Failed calls
                </Item>
              </Command.Group>
              <Command.Group heading="Range of time">
                {PRESETS.map(([from, name]) => (
                  <Item key={from} value={`range last ${name}`} onSelect={run(() => setRange(from))}>
                    Last {name}
                  </Item>
                ))}
              </Command.Group>
              <Command.Group heading="Dashboard">
                <Item value="keys help shortcuts" keys="?" onSelect={run(onHelp)}>
                  Keys
                </Item>
                {(["light", "dark", "system"] as const).map((theme) => (
                  <Item key={theme} value={`theme ${theme}`} onSelect={run(() => setTheme(theme))}>
                    Theme: {theme === "system" ? "as the system" : theme}
                  </Item>
                ))}
              </Command.Group>
            </Command.List>
          </Command>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
