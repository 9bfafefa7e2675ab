// Every state of a page lives in the address, as text by name: `#/calls?q=model%3Agpt-4o&from=-7d&open=4f…`. A value that is
// the default is left out. Changing one neither remounts the page nor loses the others.

import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";

export type Search = { [name: string]: string | undefined };

// From the part after `?`; what stands twice is taken once.
export function readSearch(text: string): Search {
  return Object.fromEntries(new URLSearchParams(text.replace(/^\?/, "")));
}

export function writeSearch(search: Record<string, unknown>): string {
  const pairs = Object.entries(search).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const text = new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString();
  // Readable in an address line, and as safe there.
  return text ? `?${text.replaceAll("%3A", ":").replaceAll("%2F", "/").replaceAll("%40", "@").replaceAll("%2C", ",")}` : "";
}

// `push` leaves a step for the back button: for what opens, not for what is typed.
type Change = { push?: boolean };

export function useUrl(): [Search, (next: Search, how?: Change) => void] {
  const search = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const set = useCallback(
    (next: Search, how: Change = {}) => {
      void navigate({ to: ".", search: (old: Search) => ({ ...old, ...next }), replace: !how.push, resetScroll: false });
    },
    [navigate],
  );
  return [search, set];
}

export function useParam(name: string, usual = ""): [string, (value: string | undefined, how?: Change) => void] {
  const [search, set] = useUrl();
  const change = useCallback(
    (value: string | undefined, how?: Change) => set({ [name]: value === usual ? undefined : value }, how),
    [name, set, usual],
  );
  return [search[name] ?? usual, change];
}
