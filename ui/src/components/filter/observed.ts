// Values that were seen in a range, for completions: asked once the reader begins to type.

import { useQuery } from "@tanstack/react-query";
import { useCallback, useState } from "react";
import { fetchFacets } from "@/api/facets";
import { keyOf } from "@/state/query";
import type { TimeRange } from "@/state/range";
import type { Observed } from "./complete";

export function useObserved(range: TimeRange): { observed: Observed; ask: () => void } {
  const [asked, setAsked] = useState(false);
  const { data } = useQuery({
    queryKey: ["observed", range.key],
    enabled: asked,
    staleTime: 60_000,
    queryFn: ({ signal }) => fetchFacets([], range, 50, signal),
  });
  const observed = useCallback<Observed>((key) => data?.fields.find((field) => field.name === (keyOf(key)?.param ?? key))?.values ?? [], [data]);
  return { observed, ask: useCallback(() => setAsked(true), []) };
}
