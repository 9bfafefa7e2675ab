// What a page is to the shell: where it lives, where it stands in the navigation, and how its code comes.

import type { LucideIcon } from "lucide-react";
import type { ComponentType } from "react";

export type Group = "" | "Observe" | "Build" | "Watch" | "Server";

export type Page = {
  // As TanStack Router writes it: `/calls`, `/traces/$trace`.
  path: string;
  title: string;
  // Without it the page is only linked to.
  nav?: { group: Group; icon: LucideIcon; keys?: string };
  // A chunk of its own, loaded when the page is opened or a link to it is hovered.
  load: () => Promise<{ default: ComponentType }>;
};
