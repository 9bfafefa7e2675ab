// The pages of the list, and what comes in while the reader looks.

import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { type Call, Refused, type Schema, api, unwrap } from "@/api/client";
import { follow } from "@/api/stream";
import { type Params, gathered } from "@/state/query";
import type { TimeRange } from "@/state/range";

const PAGE = 200;
// Pages of a search of words that are asked for without the reader, while nothing is found.
const PATIENCE = 10;

export type View = "calls" | "traces" | "steps";

export function viewParams(view: View, params: Params): Params {
  if (params.some(([name]) => name === "kind")) return view === "traces" ? [...params, ["root", "true"]] : params;
  if (view === "traces") return [...params, ["kind", "any"], ["root", "true"]];
  return view === "steps" ? [...params, ["kind", "any"]] : params;
}

export function useCalls(params: Params, range: TimeRange, order: string, every: number | false, off: boolean) {
  const key = JSON.stringify(params);
  // A range that moves is held still while its pages are read, so that they fit each other.
  const asked = useRef<{ key: string; query: { from: string; to?: string } }>(undefined);
  const list = useInfiniteQuery({
    queryKey: ["calls", key, range.key, order],
    enabled: !off,
    placeholderData: keepPreviousData,
    // A reader who went on to further pages is not disturbed.
    refetchInterval: (query) => ((query.state.data?.pages.length ?? 0) <= 1 ? every : false),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page: Schema["CallList"]) => page.next ?? undefined,
    queryFn: ({ pageParam, signal }) => {
      const id = `${key}${range.key}${order}`;
      if (pageParam === undefined || asked.current?.key !== id) asked.current = { key: id, query: range.query() };
      const query = { ...gathered(params), ...asked.current.query, order, limit: String(PAGE), ...(pageParam ? { cursor: pageParam } : {}) };
      return unwrap(api.GET("/api/v1/calls", { params: { query }, signal }));
    },
  });
  const { data, hasNextPage, isFetching, fetchNextPage } = list;
  const calls = useMemo(() => data?.pages.flatMap((page) => page.calls) ?? [], [data]);
  const last = data?.pages.at(-1);
  const searching = last?.searched_to !== undefined && last.searched_to !== null;
  const rounds = data?.pages.length ?? 0;
  useEffect(() => {
    if (searching && calls.length < 20 && hasNextPage && !isFetching && rounds % PATIENCE !== 0) void fetchNextPage();
  }, [searching, calls.length, hasNextPage, isFetching, fetchNextPage, rounds]);
  return { ...list, calls, searchedTo: searching ? last.searched_to : undefined };
}

const HELD = 500;
const AGAIN = 2_000;

// Calls as they finish, the newest first. What comes while `paused` waits until it is let in.
export function useLive(params: Params, on: boolean, paused: boolean) {
  const [shown, setShown] = useState<Call[]>([]);
  const [waiting, setWaiting] = useState<Call[]>([]);
  const [state, setState] = useState<"off" | "connecting" | "live" | "broken">("off");
  const [refusal, setRefusal] = useState<string>();
  const held = useRef(paused);
  const key = JSON.stringify(params);
  useEffect(() => {
    held.current = paused;
    if (paused) return;
    setWaiting((calls) => {
      if (calls.length) setShown((old) => [...calls, ...old].slice(0, HELD));
      return [];
    });
  }, [paused]);
  useEffect(() => {
    setShown([]);
    setWaiting([]);
    setRefusal(undefined);
    if (!on) return setState("off");
    const ended = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const connect = async () => {
      setState("connecting");
      try {
        const query = new URLSearchParams(JSON.parse(key) as Params);
        const reading = follow(`/api/v1/calls/live?${query}`, ended.signal, ({ name, data }) => {
          if (name !== "call") return;
          const call = JSON.parse(data) as Call;
          const add = (old: Call[]) => [call, ...old.filter((other) => other.id !== call.id)].slice(0, HELD);
          if (held.current || document.hidden) setWaiting(add);
          else setShown(add);
        });
        setState("live");
        await reading;
      } catch (error) {
        // What was refused is refused again: it is said, and not asked again and again.
        if (error instanceof Refused && error.status >= 400 && error.status < 500) {
          if (!ended.signal.aborted) setRefusal(error.message);
          return;
        }
      }
      if (ended.signal.aborted) return;
      setState("broken");
      timer = setTimeout(() => void connect(), AGAIN);
    };
    void connect();
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [on, key]);
  const letIn = () => {
    setShown((old) => [...waiting, ...old].slice(0, HELD));
    setWaiting([]);
  };
  return { shown, waiting: waiting.length, letIn, state, refusal };
}
