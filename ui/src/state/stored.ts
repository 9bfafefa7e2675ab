// What this browser remembers between visits: saved views, columns, the theme. Never a key, never what was recorded.

import { useCallback, useSyncExternalStore } from "react";

const listeners = new Set<() => void>();

export function stored(name: string): string | null {
  try {
    return localStorage.getItem(`weir-${name}`);
  } catch {
    return null;
  }
}

export function store(name: string, value: string | null) {
  try {
    if (value === null) localStorage.removeItem(`weir-${name}`);
    else localStorage.setItem(`weir-${name}`, value);
  } catch {
    // A browser that keeps nothing: the choice lasts as long as the page.
  }
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  addEventListener("storage", listener);
  return () => {
    listeners.delete(listener);
    removeEventListener("storage", listener);
  };
}

export function useStored<T>(name: string, usual: T): [T, (value: T) => void] {
  const text = useSyncExternalStore(subscribe, () => stored(name));
  let value = usual;
  try {
    if (text !== null) value = JSON.parse(text) as T;
  } catch {
    // Written by another version: the usual value.
  }
  const set = useCallback((next: T) => store(name, JSON.stringify(next)), [name]);
  return [value, set];
}
