// Light, dark, or as the system says. `public/dashboard/theme.js` sets it before the first paint.

import { useSyncExternalStore } from "react";
import { store, stored } from "@/state/stored";

export type Theme = "light" | "dark" | "system";

const system = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

export function chosenTheme(): Theme {
  const held = stored("theme");
  return held === "light" || held === "dark" ? held : "system";
}

function apply() {
  const theme = chosenTheme();
  const dark = theme === "dark" || (theme === "system" && system.matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  for (const listener of listeners) listener();
}

export function setTheme(theme: Theme) {
  store("theme", theme === "system" ? null : theme);
  apply();
}

system.addEventListener("change", apply);
addEventListener("storage", apply);

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useTheme = () => useSyncExternalStore(subscribe, chosenTheme);

// `light` or `dark`, whichever is shown: for what reads colours, as charts do.
export const useShownTheme = () => useSyncExternalStore(subscribe, () => document.documentElement.dataset.theme ?? "light");
