// How often each value occurs among calls.

import type { Params } from "@/state/query";
import type { TimeRange } from "@/state/range";
import { json } from "./client";

export type Facet = { name: string; exact: boolean; values: { value: string; count: number }[] };
export type Facets = { fields: Facet[]; counted: number; complete: boolean };

// The parameters are those of the list; `limit` bounds the values of each field.
export function fetchFacets(params: Params, range: TimeRange, limit: number, signal?: AbortSignal): Promise<Facets> {
  const pairs = [...params, ...Object.entries(range.query()), ["limit", String(limit)]];
  return json<Facets>(`/api/v1/calls/facets?${new URLSearchParams(pairs as [string, string][])}`, {}, { signal });
}
