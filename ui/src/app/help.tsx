import { Modal } from "@/components/modal";
import { Keys } from "@/components/keys";
import { useShortcuts } from "./shortcuts";

const ORDER = ["This page", "Everywhere", "Go to"];

export function Help({ open, onOpen }: { open: boolean; onOpen: (open: boolean) => void }) {
  const shortcuts = useShortcuts();
  const palette = { keys: "mod+k", about: "Search and commands", group: "Everywhere", run: () => {} };
  const all = [palette, ...shortcuts];
  return (
    <Modal open={open} onOpen={onOpen} title="Keys">
      <div className="grid gap-6 sm:grid-cols-2">
        {ORDER.map((group) => {
          const of = all.filter((s, n) => s.group === group && all.findIndex((other) => other.keys === s.keys) === n);
          if (!of.length) return null;
          return (
            <section key={group}>
              <h3 className="mb-1 text-xs font-semibold text-muted">{group}</h3>
              <ul>
                {of.map((s) => (
                  <li key={s.keys} className="flex items-center justify-between gap-4 border-b border-line py-1.5 last:border-0">
                    {s.about}
                    <Keys keys={s.keys} />
                  </li>
                ))}
              </ul>
            </section>
          );
        })}
      </div>
    </Modal>
  );
}
