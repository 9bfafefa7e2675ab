// What the filter bar offers at a place in the text. Pure.

import { KEYS, type Key, terms, write } from "@/state/query";

export type Offer = { text: string; about?: string; count?: number; start: number; end: number; insert: string; goesOn: boolean };
export type Observed = (key: string) => readonly { value: string; count?: number }[];

const MOST = 12;

export function offers(text: string, caret: number, observed: Observed, keys: readonly Key[] = KEYS): Offer[] {
  const at = terms(text).find((term) => term.start <= caret && caret <= term.end);
  const place = at ? { start: at.start, end: at.end } : { start: caret, end: caret };
  if (at?.key !== undefined) {
    const key = keys.find((k) => k.name === at.key);
    const known = key?.values?.map((value) => ({ value, count: undefined })) ?? [];
    const seen = observed(at.key);
    const all = known.length ? known.map((k) => seen.find((s) => s.value === k.value) ?? k) : seen;
    const typed = at.value.toLowerCase();
    return first(all.filter(({ value }) => value.toLowerCase().includes(typed) && value !== ""), typed, (v) => v.value)
      .slice(0, MOST)
      .map(({ value, count }) => ({ text: value, count, ...place, insert: write(at.key, value, at.not), goesOn: false }));
  }
  const typed = (at?.value ?? "").toLowerCase();
  return first(keys.filter((key) => key.name.startsWith(typed) || (typed.length > 1 && key.name.includes(typed))), typed, (k) => k.name)
    .slice(0, MOST)
    .map((key) => {
      const name = key.open ? key.name : `${key.name}:`;
      return { text: name, about: key.about, ...place, insert: at?.not ? `-${name}` : name, goesOn: true };
    });
}

// Those that begin with what was typed before those that only contain it.
function first<T>(all: readonly T[], typed: string, name: (item: T) => string): T[] {
  const begins = (item: T) => name(item).toLowerCase().startsWith(typed);
  return [...all.filter(begins), ...all.filter((item) => !begins(item))];
}

// The text after an offer was taken, and where the caret stands then.
export function take(text: string, offer: Offer): { text: string; caret: number } {
  const rest = text.slice(offer.end);
  const inserted = offer.goesOn ? offer.insert : `${offer.insert} `;
  const after = offer.goesOn ? rest : rest.replace(/^\s+/, "");
  return { text: text.slice(0, offer.start) + inserted + after, caret: offer.start + inserted.length };
}
