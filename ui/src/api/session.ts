// The key that the reader gave for this tab. Weir is open where no keys are configured; else the first 401 asks for one.

import { useSyncExternalStore } from "react";

const KEY = "weir-key";
let refused: "missing" | "wrong" | undefined;
const listeners = new Set<() => void>();

function tell() {
  for (const listener of listeners) listener();
}

function held(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return memory;
  }
}

// Where the browser keeps nothing, the key lives as long as the page.
let memory: string | null = null;

export function sessionKey(): string | null {
  return held();
}

export function signIn(key: string) {
  memory = key;
  try {
    sessionStorage.setItem(KEY, key);
  } catch {
    // The memory has it.
  }
  refused = undefined;
  tell();
}

export function signOut() {
  memory = null;
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // The memory had it.
  }
  refused = "missing";
  tell();
}

// Called with every 401.
export function keyRefused() {
  const next = held() === null ? "missing" : "wrong";
  if (refused === next) return;
  refused = next;
  tell();
}

// Whether the reader must give a key, and why; undefined while nothing was refused.
export function useRefused() {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => refused,
  );
}
