// One line of text that filters: keys and observed values are offered as it is typed, words are looked for.

import { Search, X } from "lucide-react";
import { type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from "react";
import { useShortcut } from "@/app/shortcuts";
import { count } from "@/format/number";
import { type Key, KEYS, type Problem } from "@/state/query";
import { useStored } from "@/state/stored";
import { IconButton } from "../button";
import { cx } from "../classes";
import { Keys } from "../keys";
import { type Observed, type Offer, offers, take } from "./complete";

type Props = {
  value: string;
  onChange: (text: string) => void;
  observed: Observed;
  keys?: readonly Key[];
  problems?: readonly Problem[];
  placeholder?: string;
  // Asked when the reader begins to type: the time to fetch observed values.
  onFocus?: () => void;
  className?: string;
};

const RECENT = 8;

export function FilterBar({ value, onChange, observed, keys = KEYS, problems = [], placeholder = "Filter: model:… status:error latency:>2s words", onFocus, className }: Props) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(value);
  const [caret, setCaret] = useState(0);
  const [open, setOpen] = useState(false);
  const [chosen, setChosen] = useState(-1);
  const [recent, setRecent] = useStored<string[]>("recent-filters", []);
  // The address changed by other means, as the back button: the text follows.
  useEffect(() => setText(value), [value]);
  useShortcut("/", "Filter", () => input.current?.focus());

  const list = useMemo<Offer[]>(() => {
    if (!open) return [];
    const found = offers(text, caret, observed, keys);
    if (text.trim()) return found;
    const before = recent.map((r): Offer => ({ text: r, about: "recent", start: 0, end: text.length, insert: r, goesOn: false }));
    return [...before.slice(0, 4), ...found];
  }, [open, text, caret, observed, keys, recent]);

  const apply = (next: string) => {
    const clean = next.trim();
    setText(clean);
    setOpen(false);
    setChosen(-1);
    if (clean === value) return;
    if (clean) setRecent([clean, ...recent.filter((r) => r !== clean)].slice(0, RECENT));
    onChange(clean);
  };
  const accept = (offer: Offer) => {
    const next = take(text, offer);
    setText(next.text);
    setChosen(-1);
    if (!offer.goesOn) return apply(next.text);
    requestAnimationFrame(() => {
      input.current?.setSelectionRange(next.caret, next.caret);
      setCaret(next.caret);
    });
  };
  const press = (event: KeyboardEvent<HTMLInputElement>) => {
    const offer = list[chosen];
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      setOpen(true);
      const step = event.key === "ArrowDown" ? 1 : -1;
      setChosen((at) => (list.length ? (at + step + list.length + (at < 0 && step < 0 ? 1 : 0)) % list.length : -1));
    } else if (event.key === "Enter" && offer) accept(offer);
    else if (event.key === "Enter") apply(text);
    else if (event.key === "Tab" && offer && open) accept(offer);
    else if (event.key === "Escape" && open) setOpen(false);
    else if (event.key === "Escape") {
      setText(value);
      input.current?.blur();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const follow = () => setCaret(input.current?.selectionStart ?? 0);
  const wrong = problems.length > 0;
  return (
    <div className={cx("relative min-w-0", className)}>
      <div className={cx("flex h-8 items-center gap-2 rounded-md border border-line bg-panel pl-2.5 focus-within:border-accent focus-within:ring-1 focus-within:ring-accent", wrong && "border-bad")}>
        <Search className="size-4 shrink-0 text-muted" aria-hidden />
        <input
          ref={input}
          role="combobox"
          aria-label="Filter"
          aria-expanded={open && list.length > 0}
          aria-controls={`${id}-offers`}
          aria-activedescendant={chosen >= 0 ? `${id}-${chosen}` : undefined}
          aria-autocomplete="list"
          aria-invalid={wrong}
          aria-describedby={wrong ? `${id}-problem` : undefined}
          autoComplete="off"
          autoCorrect="off"
          spellCheck={false}
          value={text}
          placeholder={placeholder}
          onChange={(event) => {
            setText(event.target.value);
            setCaret(event.target.selectionStart ?? 0);
            setOpen(true);
            setChosen(-1);
          }}
          onFocus={() => {
            setOpen(true);
            follow();
            onFocus?.();
          }}
          onSelect={follow}
          onBlur={() => {
            setOpen(false);
            apply(text);
          }}
          onKeyDown={press}
          className="h-full min-w-0 flex-1 bg-transparent outline-none"
        />
        {text ? (
          <IconButton name="Clear the filter" size="icon-sm" onMouseDown={(event) => event.preventDefault()} onClick={() => apply("")}>
            <X aria-hidden />
          </IconButton>
        ) : (
          <span className="hidden pr-2 sm:block">
            <Keys keys="/" />
          </span>
        )}
      </div>
      {wrong ? (
        <p id={`${id}-problem`} role="alert" className="pt-1 text-xs text-bad">
          {problems.map((p) => `${p.term}: ${p.message}`).join(" · ")}
        </p>
      ) : null}
      <ul
        id={`${id}-offers`}
        role="listbox"
        aria-label="Completions"
        className={cx("fade absolute top-9 left-0 z-40 max-h-80 w-full max-w-md overflow-y-auto rounded-lg border border-line bg-raised p-1 shadow-lg", (!open || !list.length) && "hidden")}
      >
        {list.map((offer, n) => (
          <li
            key={`${offer.text}${n}`}
            id={`${id}-${n}`}
            role="option"
            aria-selected={n === chosen}
            onMouseDown={(event) => {
              event.preventDefault();
              accept(offer);
            }}
            className={cx("flex cursor-pointer items-center gap-3 rounded-md px-2 py-1 hover:bg-sunken", n === chosen && "bg-tint")}
          >
            <span className="truncate font-mono text-xs">{offer.text}</span>
            <span className="num ml-auto shrink-0 text-xs text-muted">{offer.count === undefined ? offer.about : count(offer.count)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
