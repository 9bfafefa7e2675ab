// Values that were seen in a range, for completions: asked once the reader begins to type.

import { useQuery } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";
import { type Schema, api, unwrap } from "@/api/client";
import { type Facet, fetchFacets } from "@/api/facets";
import { exact } from "@/format/number";
import { ATTRIBUTE, SCORE, keyOf } from "@/state/query";
import type { TimeRange } from "@/state/range";
import type { Observed } from "./complete";

const FRESH = 60_000;
// Others cannot be written before a colon.
const isName = (name: string) => /^[\w.-]+$/.test(name);

// Half of what there is on either side; of what is true or false, both.
function bounds({ least, most }: Schema["ScoreNameJson"]) {
  const middle = Number(((least + most) / 2).toPrecision(2));
  const halves = least < most ? [`>=${middle}`, `<${middle}`] : [`>=${least}`, `<${least}`];
  return [...halves.map((value) => ({ value, about: `${exact(least)} to ${exact(most)}` })), { value: "any", about: "has the score" }];
}

export function seen(fields: readonly Pick<Facet, "name" | "values">[], scores: readonly Schema["ScoreNameJson"][]): Observed {
  const attributes = fields.filter((field) => field.name.startsWith(ATTRIBUTE)).map((field) => ({ value: field.name.slice(ATTRIBUTE.length), count: field.values.reduce((sum, v) => sum + v.count, 0) }));
  return (key) => {
    if (key === ATTRIBUTE) return attributes.filter(({ value }) => isName(value));
    if (key === SCORE) return scores.filter(({ name }) => isName(name)).map(({ name, count }) => ({ value: name, count }));
    const score = key.startsWith(SCORE) ? scores.find(({ name }) => name === key.slice(SCORE.length)) : undefined;
    if (score) return bounds(score);
    return fields.find((field) => field.name === (keyOf(key)?.param ?? key))?.values ?? [];
  };
}

export function useObserved(range: TimeRange): { observed: Observed; ask: () => void } {
  const [asked, setAsked] = useState(false);
  const facets = useQuery({
    queryKey: ["observed", range.key],
    enabled: asked,
    staleTime: FRESH,
    queryFn: ({ signal }) => fetchFacets([], range, 50, signal),
  });
  const scores = useScoreNames(asked);
  const observed = useMemo<Observed>(() => seen(facets.data?.fields ?? [], scores), [facets.data, scores]);
  return { observed, ask: useCallback(() => setAsked(true), []) };
}

const NONE: readonly Schema["ScoreNameJson"][] = [];

export function useScoreNames(on = true): readonly Schema["ScoreNameJson"][] {
  const found = useQuery({ queryKey: ["score-names"], enabled: on, staleTime: FRESH, retry: false, queryFn: ({ signal }) => unwrap(api.GET("/api/v1/scores/names", { signal })) });
  return found.data?.names ?? NONE;
}
