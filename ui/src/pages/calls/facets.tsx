// The side bar of the list: how often each value occurs; a click filters by it.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { ChevronRight } from "lucide-react";
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

type Props = { params: Params; range: TimeRange; q: string; every: number | false; onToggle: (key: string, value: string) => void };

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
            .filter((field) => field.values.length > 1 || values(q, keyName(field.name)).length > 0 || OPEN.includes(field.name))
            .map((field) => {
              const key = keyName(field.name);
              const chosen = values(q, key);
              const isOpen = open.includes(field.name) || chosen.length > 0;
              const shown = whole.includes(field.name) ? field.values : field.values.slice(0, SHOWN);
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
                    </button>
                  </h3>
                  {isOpen ? (
                    <ul className="pb-1">
                      {shown.map(({ value, count: n }) => (
                        <li key={value}>
                          <label title={value} className="flex h-6.5 cursor-pointer items-center gap-2 rounded px-2 hover:bg-sunken">
                            <input type="checkbox" className="accent-(--accent)" checked={chosen.includes(value)} onChange={() => onToggle(key, value)} />
                            <span className="min-w-0 flex-1 truncate text-xs">{value}</span>
                            <span className="num text-xs text-muted">{count(n)}</span>
                          </label>
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
            <p className="px-2 pt-2 text-2xs text-muted">Beyond the dimensions, counts are of the newest {count(facets.counted)}.</p>
          )}
        </div>
      )}
    </Answered>
  );
}
