// The side bar of the list: how often each value occurs; a click filters by it.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { ChevronRight, Minus } from "lucide-react";
import { fetchFacets } from "@/api/facets";
import { Button } from "@/components/button";
import { cx } from "@/components/classes";
import { Answered, Waiting } from "@/components/state";
import { count } from "@/format/number";
import { KEYS, type Params, values } from "@/state/query";
import type { TimeRange } from "@/state/range";
import { useStored } from "@/state/stored";

const SHOWN = 8;
const OPEN = ["status", "model", "department", "prompt_version"];

const keyName = (param: string) => KEYS.find((key) => key.param === param)?.name ?? param;
const title = (param: string) => keyName(param).replace(/^attr\./, "").replaceAll("_", " ");

// `not`: leave the value out.
type Props = { params: Params; range: TimeRange; q: string; every: number | false; onToggle: (key: string, value: string, not: boolean) => void };

export function Facets({ params, range, q, every, onToggle }: Props) {
  const found = useQuery({
    queryKey: ["facets", params, range.key],
    placeholderData: keepPreviousData,
    refetchInterval: every === false ? false : Math.max(every, 30_000),
    queryFn: ({ signal }) => fetchFacets(params, range, 30, signal),
  });
  const [open, setOpen] = useStored<string[]>("facets-open", OPEN);
  const [whole, setWhole] = useStored<string[]>("facets-whole", []);
  return (
    <Answered of={found} waiting={<Waiting lines={8} />}>
      {(facets) => (
        <div className="flex flex-col pb-6" aria-label="Facets" role="group">
          {facets.fields
            .filter((field) => field.values.length > 1 || values(q, keyName(field.name)).length > 0 || values(q, keyName(field.name), true).length > 0 || OPEN.includes(field.name))
            .map((field) => {
              const key = keyName(field.name);
              const chosen = values(q, key);
              const without = values(q, key, true);
              const isOpen = open.includes(field.name) || chosen.length > 0 || without.length > 0;
              const counted = whole.includes(field.name) ? field.values : field.values.slice(0, SHOWN);
              // What is left out was not counted, and must be found to be let in again.
              const shown = [...counted, ...without.filter((value) => counted.every((c) => c.value !== value)).map((value) => ({ value, count: undefined }))];
              return (
                <section key={field.name} className="border-b border-line py-1">
                  <h3>
                    <button
                      type="button"
                      aria-expanded={isOpen}
                      onClick={() => setOpen(isOpen ? open.filter((name) => name !== field.name) : [...open, field.name])}
                      className="flex h-7 w-full items-center gap-1 rounded px-2 text-xs font-medium text-muted hover:bg-sunken"
                    >
                      <ChevronRight aria-hidden className={cx("size-3.5 transition-transform", isOpen && "rotate-90")} />
                      {title(field.name)}
                      {field.name.startsWith("attr.") ? <span className="font-normal">attribute</span> : null}
                      {facets.complete || field.exact ? null : (
                        <span className="ml-auto shrink-0 font-normal" title={`Counted among the newest ${count(facets.counted)} calls only`}>
                          sample
                        </span>
                      )}
                    </button>
                  </h3>
                  {isOpen ? (
                    <ul className="pb-1">
                      {shown.map(({ value, count: n }) => (
                        <li key={value}>
                          <div className="group/value relative flex h-6.5 items-center rounded hover:bg-sunken">
                            <label title={value} className="flex h-full min-w-0 flex-1 cursor-pointer items-center gap-2 px-2">
                              <input type="checkbox" className="accent-(--accent)" checked={chosen.includes(value)} onChange={() => onToggle(key, value, false)} />
                              <span className={cx("min-w-0 flex-1 truncate text-xs", without.includes(value) && "text-muted line-through")}>{value}</span>
                              {n === undefined ? null : <span className="num text-xs text-muted group-focus-within/value:opacity-0 group-hover/value:opacity-0">{count(n)}</span>}
                            </label>
                            <button
                              type="button"
                              aria-label={`Leave out ${value}`}
                              title="Leave out"
                              aria-pressed={without.includes(value)}
                              onClick={() => onToggle(key, value, true)}
                              className={cx("absolute right-1 grid size-5 place-items-center rounded text-muted opacity-0 group-hover/value:opacity-100 hover:bg-line hover:text-text focus-visible:opacity-100", without.includes(value) && "text-accent opacity-100")}
                            >
                              <Minus aria-hidden className="size-3.5" />
                            </button>
                          </div>
                        </li>
                      ))}
                      {field.values.length > SHOWN ? (
                        <li>
                          <Button kind="quiet" size="sm" onClick={() => setWhole(whole.includes(field.name) ? whole.filter((name) => name !== field.name) : [...whole, field.name])}>
                            {whole.includes(field.name) ? "Fewer" : `${field.values.length - SHOWN} more`}
                          </Button>
                        </li>
                      ) : null}
                    </ul>
                  ) : null}
                </section>
              );
            })}
          {facets.complete ? null : (
            <p className="px-2 pt-2 text-2xs text-muted">Counts marked as a sample are of the newest {count(facets.counted)} calls; the others are of the whole range.</p>
          )}
        </div>
      )}
    </Answered>
  );
}
