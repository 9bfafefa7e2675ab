// Keys without a modifier, from anywhere but a text field. `g o` is one key after the other. What is bound shows in the help.

import { useEffect, useRef, useSyncExternalStore } from "react";

export type Shortcut = { keys: string; about: string; group: string; run: () => void };

let bound: readonly Shortcut[] = [];
const listeners = new Set<() => void>();

function change(next: readonly Shortcut[]) {
  bound = next;
  for (const listener of listeners) listener();
}

export const useShortcuts = () =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => bound,
  );

// Binds while the component is there. The newest binding of a key wins.
export function useShortcut(keys: string, about: string, run: () => void, { group = "This page", off = false } = {}) {
  const latest = useRef(run);
  useEffect(() => {
    latest.current = run;
  });
  useEffect(() => {
    if (off) return;
    const shortcut = { keys, about, group, run: () => latest.current() };
    change([...bound, shortcut]);
    return () => change(bound.filter((other) => other !== shortcut));
  }, [keys, about, group, off]);
}

const typing = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

// A dialog or a menu has the keys while it is open.
const covered = () => document.querySelector('[data-modal], [role="menu"]') !== null;

const SEQUENCE = 1_000;
let before: { key: string; at: number } | undefined;

export function listen() {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
    if (typing(event.target) || covered()) return;
    const key = event.key.toLowerCase();
    const sequence = before && event.timeStamp - before.at < SEQUENCE ? `${before.key} ${key}` : undefined;
    const found = bound.findLast((s) => s.keys === sequence) ?? bound.findLast((s) => s.keys === key);
    before = found ? undefined : { key, at: event.timeStamp };
    if (!found) return;
    event.preventDefault();
    found.run();
  });
}
