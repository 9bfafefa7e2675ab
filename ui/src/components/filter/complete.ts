// What the filter bar offers at a place in the text. Pure.

import { KEYS, type Key, terms, write } from "@/state/query";

export type Offer = { text: string; about?: string; count?: number; start: number; end: number; insert: string; goesOn: boolean };
// The values of a key; of an open one, as `score.`, the names that are under it.
export type Observed = (key: string) => readonly { value: string; count?: number; about?: string }[];

const MOST = 12;
const MOST_KEYS = 30;

export function offers(text: string, caret: number, observed: Observed, keys: readonly Key[] = KEYS): Offer[] {
  const at = terms(text).find((term) => term.start <= caret && caret <= term.end);
  const place = at ? { start: at.start, end: at.end } : { start: caret, end: caret };
  if (at?.key !== undefined) {
    const key = keys.find((k) => k.name === at.key);
    const known = (key?.values ?? key?.examples)?.map((value) => ({ value, count: undefined, about: undefined })) ?? [];
    const seen = observed(at.key);
    const all = known.length ? known.map((k) => seen.find((s) => s.value === k.value) ?? k) : seen;
    const typed = at.value.toLowerCase();
    return first(all.filter(({ value }) => value.toLowerCase().includes(typed) && value !== ""), typed, (v) => v.value)
      .slice(0, MOST)
      .map(({ value, count, about }) => ({ text: value, count, about, ...place, insert: write(at.key, value, at.not), goesOn: false }));
  }
  const typed = (at?.value ?? "").toLowerCase();
  const named = keys.map((key) => ({ name: key.open ? key.name : `${key.name}:`, about: key.about, count: undefined as number | undefined }));
  // Names that were seen are keys as well, once two letters say which.
  const under = typed.length < 2 ? [] : keys.filter((key) => key.open).flatMap((key) => observed(key.name).map(({ value, count, about }) => ({ name: `${key.name}${value}:`, about: about ?? key.about, count })));
  return first([...named, ...under].filter(({ name }) => name.toLowerCase().startsWith(typed) || (typed.length > 1 && name.toLowerCase().includes(typed))), typed, (k) => k.name)
    .filter(({ name }) => name.toLowerCase() !== typed)
    .slice(0, MOST_KEYS)
    .map(({ name, about, count }) => ({ text: name, about, count, ...place, insert: at?.not ? `-${name}` : name, goesOn: true }));
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
