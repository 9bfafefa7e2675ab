// The small parts of the rule's form.

import { type ReactNode, useId } from "react";
import { Field } from "@/components/choice";

// What is not said is left out, so that the server's usual values hold.
export function without<T extends object>(doc: T): T {
  return Object.fromEntries(Object.entries(doc).filter(([, value]) => value !== undefined)) as T;
}

// A set in the form of a list, or nothing.
export function toggled(list: readonly string[] | undefined, name: string): string[] | undefined {
  const next = new Set(list);
  if (!next.delete(name)) next.add(name);
  return next.size ? [...next] : undefined;
}

export function Labelled({ name, wide, group, children }: { name: string; wide?: boolean; group?: boolean; children: ReactNode }) {
  const Tag = group ? "div" : "label";
  return (
    <Tag className={`flex min-w-0 flex-col gap-1 text-xs text-muted ${wide ? "sm:col-span-2" : ""}`} {...(group ? { role: "group", "aria-label": name } : {})}>
      {name}
      <span className="min-w-0 text-sm text-text">{children}</span>
    </Tag>
  );
}

// `shown`: the value with its unit, where that is not plain.
export function Number({ name, value, shown, onChange }: { name: string; value: number | undefined; shown?: string; onChange: (value: number | undefined) => void }) {
  return (
    <Labelled name={shown ? `${name} (${shown})` : name}>
      <Field type="number" step="any" value={value ?? ""} onChange={(event) => onChange(event.target.value === "" ? undefined : event.target.valueAsNumber)} />
    </Labelled>
  );
}

type TextProps = { name: string; value: string | undefined; usual?: string; wide?: boolean; offers?: readonly string[]; onChange: (value: string | undefined) => void };

export function Text({ name, value, usual, wide, offers, onChange }: TextProps) {
  const id = useId();
  return (
    <Labelled name={name} wide={wide}>
      <Field value={value ?? ""} placeholder={usual} list={offers?.length ? id : undefined} onChange={(event) => onChange(event.target.value || undefined)} />
      {offers?.length ? (
        <datalist id={id}>
          {offers.map((offer) => (
            <option key={offer} value={offer} />
          ))}
        </datalist>
      ) : null}
    </Labelled>
  );
}

export function Checks({ of, chosen, onToggle }: { of: readonly string[]; chosen: readonly string[] | undefined; onToggle: (name: string) => void }) {
  return (
    <span className="flex flex-wrap gap-x-4 gap-y-1">
      {of.map((name) => (
        <label key={name} className="flex items-center gap-1.5">
          <input type="checkbox" checked={chosen?.includes(name) ?? false} onChange={() => onToggle(name)} className="accent-(--accent)" />
          {name.replaceAll("_", " ")}
        </label>
      ))}
    </span>
  );
}
