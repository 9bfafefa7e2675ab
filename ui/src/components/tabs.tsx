import { Tabs as Radix } from "radix-ui";
import type { ReactNode } from "react";

type Tab = { name: string; title: ReactNode; content: ReactNode };

// Parts of a detail, one at a time. Which one is open belongs into the address: give `value` from `useParam`.
export function Tabs({ tabs, value, onChange, label }: { tabs: readonly Tab[]; value: string; onChange: (name: string) => void; label: string }) {
  return (
    <Radix.Root value={value} onValueChange={onChange} activationMode="manual">
      <Radix.List aria-label={label} className="flex gap-1 overflow-x-auto border-b border-line px-3">
        {tabs.map((tab) => (
          <Radix.Trigger
            key={tab.name}
            value={tab.name}
            className="-mb-px h-9 border-b-2 border-transparent px-2 font-medium whitespace-nowrap text-muted -outline-offset-2 hover:text-text data-[state=active]:border-accent data-[state=active]:text-text"
          >
            {tab.title}
          </Radix.Trigger>
        ))}
      </Radix.List>
      {tabs.map((tab) => (
        <Radix.Content key={tab.name} value={tab.name} className="p-4">
          {tab.content}
        </Radix.Content>
      ))}
    </Radix.Root>
  );
}
