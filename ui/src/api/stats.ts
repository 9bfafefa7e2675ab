// Figures of a range of time, as `/api/v1/stats` answers them.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import type { Line } from "@/components/chart/stack";
import { gathered, toParams } from "@/state/query";
import { MINUTE, type TimeRange, bucketOf } from "@/state/range";
import { type Figures, type Stats, api, unwrap } from "./client";

type Asked = {
  range: TimeRange;
  // The filter bar's text; only dimensions count.
  q?: string;
  by?: readonly string[];
  // Per bucket as well.
  series?: boolean;
  // Milliseconds, whole minutes, where it is not the width that suits the range.
  bucket?: number;
  // Milliseconds into the past, to compare with.
  shift?: number;
  every?: number | false;
  off?: boolean;
};

export function useStats({ range, q = "", by = [], series = false, bucket, shift = 0, every = false, off = false }: Asked) {
  return useQuery({
    queryKey: ["stats", range.key, q, by, series, shift, bucket],
    enabled: !off,
    refetchInterval: every,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => {
      const query = {
        ...gathered(toParams(q, true).params),
        ...range.query(Date.now(), shift),
        ...(by.length ? { group_by: [by.join(",")] } : {}),
        ...(series ? { bucket: bucket ? `${bucket / MINUTE}m` : bucketOf(range.length).text } : {}),
      };
      return unwrap<Stats>(api.GET("/api/v1/stats", { params: { query }, signal }));
    },
  });
}

export const windowOf = (stats: Stats) => ({ from: Date.parse(stats.from ?? ""), to: Date.parse(stats.to ?? "") });

// The name of a group: the value of its dimension.
export function groupName(group: Stats["groups"][number]): string {
  return Object.values(group.by).map((value) => value ?? "none").join(" · ") || "all";
}

// A line per group, of one figure.
export function linesOf(stats: Stats, of: (figures: Figures) => number | null): Line[] {
  return stats.groups.map((group) => ({ name: groupName(group), points: (group.series ?? []).map((b) => [Date.parse(b.start), of(b)] as const) }));
}
